import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { cx } from './cx';

export interface Tab {
  value: string;
  label: ReactNode;
  content: ReactNode;
}

export interface TabsProps {
  tabs: readonly Tab[];
  value?: string;
  onChange?: (value: string) => void;
  /** What the tabs are of, for screen readers. */
  label: string;
  className?: string;
  /** Of the part below the tabs. */
  contentClassName?: string;
}

/** Without `value` it keeps the chosen tab itself. */
export function Tabs({ tabs, value, onChange, label, className, contentClassName }: TabsProps) {
  const chosen = value === undefined ? { defaultValue: tabs[0]?.value ?? '' } : { value };
  return (
    <Radix.Root {...chosen} {...(onChange ? { onValueChange: onChange } : {})} className={cx('flex min-h-0 flex-col', className)}>
      <Radix.List aria-label={label} className="flex shrink-0 gap-4 overflow-x-auto overflow-y-hidden border-b border-line px-1">
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.value}
            value={tab.value}
            className="-mb-px border-b-2 border-transparent py-2 font-medium whitespace-nowrap text-muted outline-offset-[-2px] hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink"
          >
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => (
        <Radix.Content key={tab.value} value={tab.value} className={cx('min-h-0 outline-offset-[-2px]', contentClassName ?? 'pt-4')}>
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
