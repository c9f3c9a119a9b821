import { LoaderCircle, type LucideIcon } from 'lucide-react';
import { useCan } from '@/app/can';
import { BASE, LOOK, type ButtonProps } from './Button';
import { cx } from './cx';
import { Tooltip } from './Tooltip';

export interface IconButtonProps extends Omit<ButtonProps, 'children'> {
  /** What it does: its name for screen readers, and its tooltip. */
  label: string;
  icon: LucideIcon;
}

export function IconButton({ label, icon: Icon, variant = 'ghost', size = 'md', className, loading, needs, ...rest }: IconButtonProps) {
  const isThere = useCan(needs);
  if (!isThere) return null;
  const Shown = loading ? LoaderCircle : Icon;
  return (
    <Tooltip text={label}>
      <button
        type="button"
        aria-label={label}
        className={cx(BASE, LOOK[variant], size === 'sm' ? 'size-7' : 'size-8', className)}
        {...rest}
      >
        <Shown aria-hidden className={cx('size-4', loading && 'animate-spin')} />
      </button>
    </Tooltip>
  );
}
