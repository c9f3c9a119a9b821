/** The head of a run: why it failed, when it was, where it came from; and what went in and came out. */
import { Link } from '@tanstack/react-router';
import { CircleX } from 'lucide-react';
import type { ReactNode } from 'react';
import { t } from '@/app/i18n';
import { formatDuration, formatMoney } from '@/app/i18n/format';
import { Time } from '@/ui';
import { ValueView } from '@/ui/ValueView';
import { isOpen, type Run } from './api';
import { durationOf } from './model';
import { useNow } from './useNow';
import { startWord } from './words';

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{label}</dt>
      <dd className="truncate">{children}</dd>
    </div>
  );
}

export function RunLink({ id, children }: { id: string; children: ReactNode }) {
  return (
    <Link to="/runs/$runId" params={{ runId: id }} className="text-accent underline">
      {children}
    </Link>
  );
}

export function Facts({ run, onNode }: { run: Run; onNode: (id: string) => void }) {
  const ms = durationOf(run, useNow(isOpen(run.status)));
  return (
    <>
      {run.error && <Failure error={run.error} onNode={onNode} />}
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 rounded-lg border border-line bg-card px-4 py-3 sm:grid-cols-3 lg:grid-cols-6">
        <Fact label={t('Started')}>
          <Time at={run.created_at} exact />
        </Fact>
        <Fact label={isOpen(run.status) ? t('Duration so far') : t('Duration')}>{ms === null ? '–' : formatDuration(ms)}</Fact>
        <Fact label={t('Cost')}>{formatMoney(run.bill.dollars)}</Fact>
        <Fact label={t('Version')}>{run.draft ? t('Draft') : String(run.workflow_version)}</Fact>
        <Fact label={t('Started by')}>
          {run.started_from ? <RunLink id={run.started_from}>{startWord(run.trigger_type)}</RunLink> : startWord(run.trigger_type)}
        </Fact>
        <Fact label={run.retry_of ? t('Continues') : t('Run')}>
          {run.retry_of ? <RunLink id={run.retry_of}>{t('an earlier run')}</RunLink> : <span className="font-mono text-xs" title={run.id}>{run.id}</span>}
        </Fact>
      </dl>
    </>
  );
}

function Failure({ error, onNode }: { error: Record<string, unknown>; onNode: (id: string) => void }) {
  const node = typeof error.node === 'string' ? error.node : null;
  return (
    <div role="alert" className="flex items-start gap-3 rounded-lg border border-bad/30 bg-bad-soft px-4 py-3 text-bad">
      <CircleX aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{String(error.message)}</p>
        <p className="mt-0.5 text-sm">
          {node && (
            <button type="button" className="underline" onClick={() => onNode(node)}>
              {t('In the step {node}', { node })}
            </button>
          )}
          {node && typeof error.code === 'string' && ' · '}
          {typeof error.code === 'string' && <span className="font-mono text-xs">{error.code}</span>}
        </p>
      </div>
    </div>
  );
}

export function Outcome({ run }: { run: Run }) {
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <ValueView label={t('Input')} value={run.input} />
      <ValueView label={t('Result')} value={run.result} />
      {Object.keys(run.trigger).length > 0 && <ValueView label={t('Trigger')} value={run.trigger} />}
    </div>
  );
}
