import { Switch as Radix } from 'radix-ui';
import { useId, type ReactNode } from 'react';
import { useCan, type Permission } from '@/app/can';

export interface SwitchProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: ReactNode;
  hint?: ReactNode;
  disabled?: boolean;
  /** Others see it, and cannot change it. */
  needs?: Permission;
  /** The label is only for screen readers. */
  bare?: boolean;
}

export function Switch({ checked, onChange, label, hint, disabled, needs, bare = false }: SwitchProps) {
  const id = useId();
  const isAllowed = useCan(needs);
  return (
    <div className="flex items-start gap-2.5">
      <Radix.Root
        id={id}
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled === true || !isAllowed}
        aria-describedby={hint ? `${id}-hint` : undefined}
        className="mt-0.5 h-4.5 w-8 shrink-0 rounded-full bg-line-strong transition-colors disabled:opacity-60 data-[state=checked]:bg-accent"
      >
        <Radix.Thumb className="block size-3.5 translate-x-0.5 rounded-full bg-white transition-transform data-[state=checked]:translate-x-4 dark:bg-page" />
      </Radix.Root>
      <div className={bare ? 'sr-only' : ''}>
        <label htmlFor={id}>{label}</label>
        {hint && (
          <p id={`${id}-hint`} className="text-sm text-muted">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
