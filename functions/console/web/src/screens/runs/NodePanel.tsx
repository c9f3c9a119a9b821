/** One step of a run: what it was given, what it gave, each attempt, and what it waits for. */
import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { request } from '@/api/client';
import { t } from '@/app/i18n';
import { formatDateTime, formatDuration, formatMoney } from '@/app/i18n/format';
import { buttonClass, Skeleton, Status, Tabs, Time, Tooltip, type Tab } from '@/ui';
import { ValueView } from '@/ui/ValueView';
import { isOpen, runPath, type NodeDetail, type Run, type RunNode } from './api';
import { howEstimated } from './Bill';
import { RunLink } from './Facts';
import { Log } from './Log';
import { durationOf } from './model';
import { useNow } from './useNow';
import { WaitForm } from './WaitForm';

export function NodePanel({ run, node, title }: { run: Run; node: RunNode; title: string }) {
  const ms = durationOf(node, useNow(isOpen(node.status)));
  const hasRun = !['pending', 'skipped'].includes(node.status);
  const detail = useQuery({
    queryKey: ['runs', 'node', run.id, node.id, node.status, node.attempts],
    queryFn: () => request<NodeDetail>('GET', `${runPath(run.id)}/nodes/${encodeURIComponent(node.id)}`),
    enabled: hasRun,
  });
  const tabs: Tab[] = [
    { value: 'output', label: t('Output'), content: <Output node={node} detail={detail.data} /> },
    { value: 'input', label: t('Settings'), content: <Given detail={detail.data} isPending={detail.isPending} /> },
    { value: 'attempts', label: t('Attempts'), content: <Attempts node={node} detail={detail.data} /> },
    { value: 'log', label: t('Log'), content: <Log run={run} node={node.id} /> },
  ];
  return (
    <div className="flex flex-col gap-4">
      <div>
        <h2 className="text-lg font-semibold break-words max-lg:sr-only">{title}</h2>
        <p className="mt-0.5 text-sm text-muted">
          {node.type} · <code>{node.id}</code>
        </p>
        <div className="mt-2 flex flex-wrap items-center gap-2 text-sm text-muted">
          <Status status={node.status} />
          {ms !== null && formatDuration(ms)}
          {node.started_at && <Time at={node.started_at} />}
          {(node.dollars ?? 0) > 0 && (
            <Tooltip text={howEstimated()}>
              <button type="button" className="underline decoration-dotted underline-offset-2">
                {t('about {dollars}', { dollars: formatMoney(node.dollars ?? 0) })}
              </button>
            </Tooltip>
          )}
        </div>
      </div>
      {node.wait && <WaitForm run={run} node={node.id} wait={node.wait} />}
      {node.wait?.execution_id && (
        <p>
          <RunLink id={node.wait.execution_id}>{t('The run that it waits for')}</RunLink>
        </p>
      )}
      {node.error && <Problem error={node.error} />}
      {hasRun ? <Tabs label={t('Step')} tabs={tabs} /> : <p className="text-muted">{node.status === 'skipped' ? t('The run took another way: this step did not run.') : t('It has not begun yet.')}</p>}
    </div>
  );
}

function Problem({ error }: { error: Record<string, unknown> }) {
  return (
    <div className="rounded-md bg-bad-soft px-3 py-2 text-bad">
      <p className="break-words">{String(error.message)}</p>
      {typeof error.code === 'string' && <p className="font-mono text-xs">{error.code}</p>}
    </div>
  );
}

function childOf(output: unknown): string | null {
  if (typeof output !== 'object' || output === null || !('execution_id' in output)) return null;
  return typeof output.execution_id === 'string' ? output.execution_id : null;
}

function Output({ node, detail }: { node: RunNode; detail: NodeDetail | undefined }) {
  const output = detail?.output ?? node.output;
  const child = childOf(output);
  return (
    <div className="flex flex-col gap-3">
      {node.port && node.port !== 'main' && <p className="text-muted">{t('It went on by “{port}”.', { port: node.port })}</p>}
      {child && <RunLink id={child}>{t('The run that it started')}</RunLink>}
      {detail?.output_url ? (
        <a href={detail.output_url} className={buttonClass()} download>
          <Download aria-hidden className="size-4" />
          {t('Download the output')}
        </a>
      ) : (
        <ValueView label={t('Output')} value={output} />
      )}
    </div>
  );
}

function Given({ detail, isPending }: { detail: NodeDetail | undefined; isPending: boolean }) {
  if (isPending) return <Skeleton lines={3} />;
  if (!detail) return <p className="text-muted">{t('What it was given is not known any more.')}</p>;
  return (
    <div className="flex flex-col gap-3">
      {detail.problems.map(({ path, message }) => (
        <p key={path + message} className="rounded-md bg-bad-soft px-3 py-2 text-bad">
          {message}
        </p>
      ))}
      {Object.keys(detail.scope).length > 0 && <ValueView label={t('In this iteration')} value={detail.scope} />}
      <ValueView label={detail.evaluated ? t('With what it ran') : t('As it is written')} value={detail.evaluated ?? detail.config} />
    </div>
  );
}

function Attempts({ node, detail }: { node: RunNode; detail: NodeDetail | undefined }) {
  if (!detail?.history.length) return <p className="text-muted">{t('{n, plural, one {# attempt} other {# attempts}}', { n: node.attempts })}</p>;
  return (
    <ol className="flex flex-col gap-2">
      {detail.history.map((one) => (
        <li key={`${one.attempt}-${one.status}`} className="rounded-md border border-line px-3 py-2">
          <div className="flex flex-wrap items-center gap-2">
            <span className="font-medium">{t('Attempt {n}', { n: one.attempt })}</span>
            <Status status={one.status} />
            {one.at && <span className="text-sm text-muted">{formatDateTime(one.at, { dateStyle: 'medium', timeStyle: 'medium' })}</span>}
          </div>
          {one.error && <p className="mt-1 text-sm break-words text-bad">{String(one.error.message)}</p>}
          {one.next_at && (
            <p className="mt-1 text-sm text-muted">
              {t('Next attempt')} <Time at={one.next_at} />
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}
