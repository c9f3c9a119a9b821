import { CircleAlert, CircleCheck, Info, X } from 'lucide-react';
import { create } from 'zustand';
import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { Button } from './Button';
import { IconButton } from './IconButton';

export interface ToastOptions {
  tone?: 'ok' | 'bad' | 'info';
  text?: string;
  action?: { label: string; onClick: () => void };
}

interface Shown extends ToastOptions {
  id: number;
  title: string;
}

const STAYS_MS = 6000;
const MOST = 3;

const useToasts = create<{ toasts: Shown[] }>(() => ({ toasts: [] }));
let lastId = 0;

function dismiss(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((one) => one.id !== id) }));
}

/** Marks the host, so that a click in it does not close a dialog that is open. */
export const TOASTS = 'data-toasts';

/** Tell what happened, at the edge of the screen. Errors and what has an action stay until they are closed. */
export function toast(title: string, options: ToastOptions = {}): void {
  const id = ++lastId;
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts.slice(1 - MOST), { id, title, ...options }] }));
  if (options.tone !== 'bad' && !options.action) setTimeout(() => dismiss(id), STAYS_MS);
}

/** As `toast`, of something that was thrown. */
export function toastError(title: string, error: unknown): void {
  toast(title, { tone: 'bad', text: messageOf(error) });
}

const ICONS = { ok: CircleCheck, bad: CircleAlert, info: Info };
const COLORS = { ok: 'text-ok', bad: 'text-bad', info: 'text-muted' };

export function ToastHost() {
  const { toasts } = useToasts();
  return (
    <div
      role="status"
      aria-live="polite"
      {...{ [TOASTS]: '' }}
      // Beside the navigation: drawers, whose buttons must not be covered, come in from the right. On phones above the bar.
      className="pointer-events-none fixed inset-x-3 bottom-20 z-50 flex flex-col gap-2 md:right-auto md:bottom-4 md:left-56 md:w-96"
    >
      {toasts.map(({ id, title, text, tone = 'info', action }) => {
        const Icon = ICONS[tone];
        return (
          <div key={id} className="pointer-events-auto flex w-full items-start gap-3 rounded-lg border border-line bg-raised p-3 shadow-floating">
            <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${COLORS[tone]}`} />
            <div className="min-w-0 flex-1">
              <p className="font-medium">{title}</p>
              {text && <p className="mt-0.5 break-words text-muted">{text}</p>}
              {action && (
                <Button
                  size="sm"
                  className="mt-2"
                  onClick={() => {
                    dismiss(id);
                    action.onClick();
                  }}
                >
                  {action.label}
                </Button>
              )}
            </div>
            <IconButton label={t('Close')} icon={X} size="sm" className="-mt-1 -mr-1" onClick={() => dismiss(id)} />
          </div>
        );
      })}
    </div>
  );
}
