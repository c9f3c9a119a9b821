import type { LucideIcon } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { ReactNode } from 'react';
import { can, type Permission } from '@/app/can';
import { useSession, type Me } from '@/app/me';
import { cx } from './cx';

export interface MenuItem {
  label: string;
  icon?: LucideIcon;
  onSelect: () => void;
  danger?: boolean;
  disabled?: boolean;
  /** Shown at the right, such as `Ctrl D`. */
  keys?: string;
  checked?: boolean;
  /** It is not there for those who may not do it. */
  needs?: Permission;
}

export type MenuEntry = MenuItem | 'separator' | { heading: string };

/** The entries for somebody, without lines that separate nothing. */
export function entriesFor(me: Me | null, items: readonly MenuEntry[]): MenuEntry[] {
  const found: MenuEntry[] = [];
  for (const item of items) {
    if (item !== 'separator') {
      if ('heading' in item || can(me, item.needs)) found.push(item);
    } else if (found.length > 0 && found.at(-1) !== 'separator') found.push(item);
  }
  if (found.at(-1) === 'separator') found.pop();
  return found;
}

/** A menu below its trigger, which is a `Button` or an `IconButton`. It is not there where all its entries are not. */
export function Menu({ trigger, items, align = 'end' }: { trigger: ReactNode; items: readonly MenuEntry[]; align?: 'start' | 'end' }) {
  const me = useSession((state) => state.me);
  const shown = entriesFor(me, items);
  if (items.length > 0 && shown.length === 0) return null;
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align={align}
          sideOffset={4}
          collisionPadding={8}
          className="z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 overflow-y-auto rounded-md border border-line bg-raised p-1 shadow-floating"
        >
          {shown.map((item, index) => (
            <Entry key={index} item={item} />
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const ITEM = 'flex items-center gap-2.5 rounded-[6px] px-2 py-1.5 outline-none select-none data-[disabled]:opacity-50 data-[highlighted]:bg-hover';

function Entry({ item }: { item: MenuEntry }) {
  if (item === 'separator') return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
  if ('heading' in item)
    return <DropdownMenu.Label className="truncate px-2 py-1 text-xs text-muted">{item.heading}</DropdownMenu.Label>;
  const { label, icon: Icon, onSelect, danger, disabled, keys, checked } = item;
  const inside = (
    <>
      {Icon && <Icon aria-hidden className="size-4 shrink-0" />}
      <span className="flex-1">{label}</span>
      {checked && <span aria-hidden>✓</span>}
      {keys && <kbd className="text-xs text-muted">{keys}</kbd>}
    </>
  );
  const shared = { onSelect, disabled: disabled ?? false, className: cx(ITEM, danger && 'text-bad') };
  if (checked === undefined) return <DropdownMenu.Item {...shared}>{inside}</DropdownMenu.Item>;
  return (
    <DropdownMenu.CheckboxItem {...shared} checked={checked}>
      {inside}
    </DropdownMenu.CheckboxItem>
  );
}
