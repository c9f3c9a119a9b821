import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleMinus,
  CirclePause,
  CircleX,
  Clock,
  LoaderCircle,
  type LucideIcon,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { msg, t } from '@/app/i18n';
import { cx } from './cx';

export type Tone = 'neutral' | 'ok' | 'bad' | 'wait' | 'run' | 'accent' | 'violet';

const LOOK: Record<Tone, string> = {
  neutral: 'bg-hover text-muted',
  ok: 'bg-ok-soft text-ok',
  bad: 'bg-bad-soft text-bad',
  wait: 'bg-wait-soft text-wait',
  run: 'bg-run-soft text-run',
  accent: 'bg-accent-soft text-accent',
  violet: 'bg-violet-soft text-violet',
};

export interface BadgeProps {
  tone?: Tone;
  icon?: LucideIcon;
  spin?: boolean;
  children: ReactNode;
  className?: string;
}

export function Badge({ tone = 'neutral', icon: Icon, spin = false, children, className }: BadgeProps) {
  return (
    <span className={cx('inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-sm font-medium whitespace-nowrap', LOOK[tone], className)}>
      {Icon && <Icon aria-hidden className={cx('size-3.5 shrink-0', spin && 'animate-spin')} />}
      {children}
    </span>
  );
}

const STATES: Record<string, { tone: Tone; icon: LucideIcon; word: string }> = {
  queued: { tone: 'neutral', icon: CircleDashed, word: msg('Queued') },
  pending: { tone: 'neutral', icon: CircleDashed, word: msg('Pending') },
  running: { tone: 'run', icon: LoaderCircle, word: msg('Running') },
  waiting: { tone: 'wait', icon: Clock, word: msg('Waiting') },
  paused: { tone: 'wait', icon: CirclePause, word: msg('Paused') },
  succeeded: { tone: 'ok', icon: CircleCheck, word: msg('Succeeded') },
  completed: { tone: 'ok', icon: CircleCheck, word: msg('Completed') },
  failed: { tone: 'bad', icon: CircleX, word: msg('Failed') },
  timed_out: { tone: 'bad', icon: CircleX, word: msg('Timed out') },
  cancelled: { tone: 'neutral', icon: Ban, word: msg('Canceled') },
  canceled: { tone: 'neutral', icon: Ban, word: msg('Canceled') },
  skipped: { tone: 'neutral', icon: CircleMinus, word: msg('Skipped') },
};

/** The tone, icon and word of an execution's or a node's state. */
export function statusLook(status: string): { tone: Tone; icon: LucideIcon; word: string } {
  const found = STATES[status.toLowerCase()];
  return found ? { ...found, word: t(found.word) } : { tone: 'neutral', icon: CircleDashed, word: status };
}

/** A state: icon, word and color, so that none of them is needed alone. */
export function Status({ status, className }: { status: string; className?: string }) {
  const { tone, icon, word } = statusLook(status);
  return (
    <Badge tone={tone} icon={icon} spin={status === 'running'} {...(className ? { className } : {})}>
      {word}
    </Badge>
  );
}
