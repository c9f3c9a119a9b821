/** The steps of a run one below the other, with the time that each took; loops open to one iteration. */
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { t } from '@/app/i18n';
import { formatDuration } from '@/app/i18n/format';
import { cx, IconButton, statusLook } from '@/ui';
import { isOpen, type Run, type RunNode } from './api';
import { barOf, durationOf, type Row } from './model';
import { useNow } from './useNow';

export interface TimelineProps {
  run: Run;
  rows: readonly Row[];
  chosen: string | undefined;
  titles: (node: RunNode) => string;
  onChoose: (path: string) => void;
  onStep: (loop: string, index: number) => void;
}

export function Timeline({ run, rows, chosen, titles, onChoose, onStep }: TimelineProps) {
  const now = useNow(isOpen(run.status));
  const from = Date.parse(run.started_at ?? run.created_at);
  const to = run.completed_at ? Date.parse(run.completed_at) : now;
  return (
    <ol aria-label={t('Steps')} className="overflow-hidden rounded-lg border border-line bg-card">
      {rows.map((row) => (
        <li key={row.node.id} className="border-b border-line last:border-0">
          <Step row={row} from={from} to={to} isChosen={row.node.id === chosen} title={titles(row.node)} onChoose={onChoose} />
          {row.iterations.length > 0 && <Stepper row={row} onStep={onStep} />}
        </li>
      ))}
    </ol>
  );
}

const TEXT = { ok: 'text-ok', bad: 'text-bad', wait: 'text-wait', run: 'text-run', neutral: 'text-muted', accent: 'text-accent', violet: 'text-violet' };
const FILL = { ok: 'bg-ok', bad: 'bg-bad', wait: 'bg-wait', run: 'bg-run', neutral: 'bg-line-strong', accent: 'bg-accent', violet: 'bg-violet' };

interface StepProps {
  row: Row;
  from: number;
  to: number;
  isChosen: boolean;
  title: string;
  onChoose: (path: string) => void;
}

function Step({ row, from, to, isChosen, title, onChoose }: StepProps) {
  const { node, depth } = row;
  const { tone, icon: Icon, word } = statusLook(node.status);
  const bar = barOf(node, from, to);
  const ms = durationOf(node, to);
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={() => onChoose(node.id)}
      className={cx(
        'grid w-full grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 px-4 py-2.5 text-left outline-offset-[-2px] hover:bg-hover sm:grid-cols-[minmax(0,17rem)_minmax(0,1fr)_5rem]',
        isChosen && 'bg-accent-soft',
      )}
    >
      <span className="flex min-w-0 items-center gap-2.5" style={{ paddingLeft: `${depth * 20}px` }}>
        <Icon aria-hidden className={cx('size-4 shrink-0', TEXT[tone], node.status === 'running' && 'animate-spin')} />
        <span className={cx('min-w-0', node.status === 'skipped' && 'text-muted')}>
          <span className="block truncate font-medium">{title}</span>
          <span className="block truncate text-xs text-muted">
            {word}
            {node.attempts > 1 && ` · ${t('{n} attempts', { n: node.attempts })}`}
            {node.progress && ` · ${progressOf(node.progress)}`}
          </span>
        </span>
      </span>
      <span aria-hidden className="relative hidden h-2 rounded-full bg-hover sm:block">
        {bar && <span className={cx('absolute inset-y-0 rounded-full', FILL[tone])} style={{ left: `${bar.left}%`, width: `${bar.width}%` }} />}
      </span>
      <span className="text-right text-sm text-muted tabular-nums">{ms === null ? '' : formatDuration(ms)}</span>
    </button>
  );
}

function progressOf({ total, done, failed }: { total: number | null; done: number; failed: number }): string {
  const text = total === null ? t('{done} done', { done }) : t('{done} of {total}', { done, total });
  return failed ? `${text}, ${t('{n} failed', { n: failed })}` : text;
}

/** Goes through the iterations of a loop, and to those that failed. */
function Stepper({ row, onStep }: { row: Row; onStep: (loop: string, index: number) => void }) {
  const { iterations, index, node, depth } = row;
  const at = iterations.findIndex((one) => one.index === index);
  const go = (to: number) => {
    const next = iterations[to];
    if (next) onStep(node.id, next.index);
  };
  const failed = iterations.filter(({ status }) => status === 'failed');
  const nextFailed = failed.find((one) => one.index > (index ?? -1)) ?? failed[0];
  return (
    <div className="flex flex-wrap items-center gap-1 border-t border-line bg-page px-4 py-1.5 text-sm" style={{ paddingLeft: `${36 + depth * 20}px` }}>
      <IconButton size="sm" icon={ChevronLeft} label={t('Iteration before')} disabled={at <= 0} onClick={() => go(at - 1)} />
      <select
        aria-label={t('Iteration of {loop}', { loop: node.id })}
        className="h-7 rounded-md border border-line bg-card px-1.5"
        value={index ?? ''}
        onChange={(event) => onStep(node.id, Number(event.target.value))}
      >
        {iterations.map((one) => (
          <option key={one.index} value={one.index}>
            {t('Iteration {n}', { n: one.index + 1 })} · {statusLook(one.status).word}
          </option>
        ))}
      </select>
      <IconButton size="sm" icon={ChevronRight} label={t('Next iteration')} disabled={at >= iterations.length - 1} onClick={() => go(at + 1)} />
      {nextFailed && (
        <button type="button" className="ml-1 text-bad underline" onClick={() => onStep(node.id, nextFailed.index)}>
          {t('Next that failed')}
        </button>
      )}
    </div>
  );
}
