import { CircleAlert, RotateCw, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { Button } from './Button';
import { cx } from './cx';

export interface EmptyStateProps {
  icon?: LucideIcon;
  title: string;
  text?: ReactNode;
  action?: ReactNode;
}

/** Nothing is there: what would be, and how to begin. */
export function EmptyState({ icon: Icon, title, text, action }: EmptyStateProps) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-center gap-2 px-6 py-14 text-center">
      {Icon && (
        <span className="mb-1 flex size-11 items-center justify-center rounded-lg bg-accent-soft text-accent">
          <Icon aria-hidden className="size-5" />
        </span>
      )}
      <p className="text-lg font-semibold">{title}</p>
      {text && <p className="text-muted">{text}</p>}
      {action && <div className="mt-3 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** Something could not be loaded: why, and again. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div role="alert" className="mx-auto flex max-w-md flex-col items-center gap-2 px-6 py-14 text-center">
      <CircleAlert aria-hidden className="size-6 text-bad" />
      <p className="text-lg font-semibold">{t('This could not be loaded')}</p>
      <p className="break-words text-muted">{messageOf(error)}</p>
      {onRetry && (
        <Button icon={RotateCw} className="mt-3" onClick={onRetry}>
          {t('Try again')}
        </Button>
      )}
    </div>
  );
}

/** Gray lines where text will be. */
export function Skeleton({ lines = 3, label, className }: { lines?: number; label?: string; className?: string }) {
  return (
    <div role="status" aria-label={label ?? t('Loading')} className={cx('flex flex-col gap-3', className)}>
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} className={cx('h-4 animate-pulse rounded bg-line', index === lines - 1 && lines > 1 && 'w-2/3')} />
      ))}
    </div>
  );
}
