import { LoaderCircle, type LucideIcon } from 'lucide-react';
import type { ButtonHTMLAttributes, Ref } from 'react';
import { useCan, type Permission } from '@/app/can';
import { cx } from './cx';

type Variant = 'primary' | 'secondary' | 'ghost' | 'danger';

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: Variant;
  size?: 'sm' | 'md';
  icon?: LucideIcon | undefined;
  /** Shows that it is under way and takes no further click. */
  loading?: boolean;
  /** It is not there for those who may not do it. */
  needs?: Permission | undefined;
  ref?: Ref<HTMLButtonElement>;
}

export const LOOK: Record<Variant, string> = {
  primary: 'bg-accent text-accent-ink hover:bg-accent-hover border-transparent',
  secondary: 'bg-card text-ink hover:bg-hover border-line shadow-raised',
  ghost: 'bg-transparent text-ink hover:bg-hover border-transparent',
  danger: 'bg-card text-bad hover:bg-bad-soft border-line',
};

export const BASE =
  'inline-flex shrink-0 items-center justify-center gap-2 rounded-md border font-medium whitespace-nowrap transition-colors disabled:cursor-not-allowed disabled:opacity-60';

/** Classes of a link that looks like a button. */
export function buttonClass(variant: Variant = 'secondary', size: 'sm' | 'md' = 'md'): string {
  return cx(BASE, LOOK[variant], size === 'sm' ? 'h-7 px-2.5 text-sm' : 'h-8 px-3');
}

export function Button({
  variant = 'secondary',
  size = 'md',
  icon: Icon,
  loading = false,
  disabled,
  needs,
  className,
  children,
  ...rest
}: ButtonProps) {
  const isThere = useCan(needs);
  if (!isThere) return null;
  const Shown = loading ? LoaderCircle : Icon;
  return (
    <button
      type="button"
      disabled={disabled === true || loading}
      aria-busy={loading || undefined}
      className={cx(buttonClass(variant, size), className)}
      {...rest}
    >
      {Shown && <Shown aria-hidden className={cx('size-4', loading && 'animate-spin')} />}
      {children}
    </button>
  );
}
