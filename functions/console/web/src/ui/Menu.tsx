import type { LucideIcon } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { ReactNode } from 'react';
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
}

export type MenuEntry = MenuItem | 'separator' | { heading: string };

/** A menu below its trigger, which is a `Button` or an `IconButton`. */
export function Menu({ trigger, items, align = 'end' }: { trigger: ReactNode; items: readonly MenuEntry[]; align?: 'start' | 'end' }) {
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
          {items.map((item, index) => (
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
