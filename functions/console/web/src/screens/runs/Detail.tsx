/** One run: what each step did, when, with what, and what it cost. It is drawn anew while it goes on. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useMemo, useState } from 'react';
import { isNotFound } from '@/api/client';
import { t } from '@/app/i18n';
import { Badge, Dialog, EmptyState, ErrorState, Page, Skeleton, Status, Tabs, type Tab } from '@/ui';
import { readRun, type Run } from './api';
import { Bill } from './Bill';
import { Facts, Outcome } from './Facts';
import { Log } from './Log';
import { type Chosen, pollAfter, rowsOf } from './model';
import { NodePanel } from './NodePanel';
import { RunActions } from './RunActions';
import { Timeline } from './Timeline';
import { useIsWide } from './useIsWide';
import { useNodeTitles } from './useNodeTitles';

// It brings the canvas, which is large.
const RunCanvas = lazy(() => import('./RunCanvas'));

interface Shown {
  tab?: string;
  node?: string;
}

export default function RunScreen() {
  const { runId = '' }: { runId?: string } = useParams({ strict: false });
  const run = useQuery({
    queryKey: ['runs', 'one', runId],
    queryFn: () => readRun(runId),
    refetchInterval: ({ state }) => pollAfter(state.data?.status, state.data?.created_at, Date.now()),
  });
  const back = { to: '/runs', label: t('All runs') };
  if (run.isPending) return <Page title={t('Run')} back={back} children={<Skeleton lines={8} />} />;
  if (!run.data)
    return (
      <Page title={t('Run')} back={back}>
        {isNotFound(run.error) ? (
          <EmptyState title={t('There is no such run')} text={t('It may have been deleted: runs are kept for a limited time.')} />
        ) : (
          <ErrorState error={run.error} onRetry={() => void run.refetch()} />
        )}
      </Page>
    );
  return <Loaded key={runId} run={run.data} />;
}

function Loaded({ run }: { run: Run }) {
  const { tab = 'canvas', node: chosenNode }: Shown = useSearch({ strict: false });
  const navigate = useNavigate();
  const isWide = useIsWide();
  const [iterations, setIterations] = useState<Chosen>({});
  const rows = useMemo(() => rowsOf(run.nodes, iterations), [run.nodes, iterations]);
  const titles = useNodeTitles(run);
  const show = (change: Shown) =>
    void navigate({ to: '/runs/$runId', params: { runId: run.id }, search: { tab, node: chosenNode, ...change }, replace: true });
  const step = (loop: string, index: number) => setIterations((before) => ({ ...before, [loop]: index }));
  const node = run.nodes.find(({ id }) => id === chosenNode);
  const panel = node && <NodePanel key={node.id} run={run} node={node} title={titles(node)} />;
  const tabs: Tab[] = [
    {
      value: 'canvas',
      label: t('Canvas'),
      content: (
        <div className="h-[60vh] min-h-80 overflow-hidden rounded-lg border border-line">
          <Suspense fallback={<Skeleton lines={6} className="p-6" />}>
            <RunCanvas run={run} rows={rows} chosen={chosenNode} onChoose={(id) => show({ node: id })} />
          </Suspense>
        </div>
      ),
    },
    {
      value: 'timeline',
      label: t('Steps'),
      content: <Timeline run={run} rows={rows} chosen={chosenNode} titles={titles} onChoose={(id) => show({ node: id })} onStep={step} />,
    },
    { value: 'log', label: t('Log'), content: <Log run={run} node={undefined} /> },
    { value: 'data', label: t('Input and result'), content: <Outcome run={run} /> },
    { value: 'cost', label: t('Cost'), content: <Bill run={run} titles={titles} onChoose={(id) => show({ node: id })} /> },
  ];
  return (
    <Page
      title={run.workflow_name ?? t('Deleted workflow')}
      back={{ to: '/runs', label: t('All runs') }}
      aside={
        <>
          <Status status={run.queued ? 'queued' : run.status} />
          {run.test && <Badge tone="violet">{t('Test')}</Badge>}
        </>
      }
      actions={<RunActions run={run} from={node && !node.id.includes('[') ? node.id : undefined} />}
      full
    >
      <div className="flex h-full min-h-0">
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys */}
        <div className="min-w-0 flex-1 overflow-y-auto p-4 md:p-6" tabIndex={0} role="region" aria-label={t('Run')}>
          <div className="mx-auto flex max-w-5xl flex-col gap-4">
            <Facts run={run} onNode={(id) => show({ node: id })} />
            <Tabs label={t('Run')} tabs={tabs} value={tab} onChange={(value) => show({ tab: value })} />
          </div>
        </div>
        {isWide && panel && (
          <aside aria-label={t('Step')} className="w-96 shrink-0 overflow-y-auto border-l border-line bg-card p-4">
            {panel}
          </aside>
        )}
      </div>
      {!isWide && panel && (
        <Dialog open drawer onOpenChange={() => show({ node: undefined })} title={titles(node)}>
          {panel}
        </Dialog>
      )}
    </Page>
  );
}
