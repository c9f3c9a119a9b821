/** All runs, newest first. The filters are in the address, so that what is seen can be sent to somebody. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Activity, SearchX } from 'lucide-react';
import { useEffect, useState } from 'react';
import { request } from '@/api/client';
import { POLL } from '@/api/queries';
import { t } from '@/app/i18n';
import { formatDuration, formatMoney } from '@/app/i18n/format';
import { Badge, Button, buttonClass, EmptyState, ErrorState, Page, Select, Skeleton, Status, Table, TextInput, Time, type Column } from '@/ui';
import { isOpen, listRuns, type Page as ApiPage, type RunQuery, type RunSummary } from './api';
import { durationOf } from './model';
import { useNow } from './useNow';
import { SPANS, startWord, STATUS_FILTERS, TRIGGER_TYPES } from './words';

interface Filters {
  q?: string | number;
  status?: string;
  workflow?: string;
  start?: string;
  since?: string;
  tests?: string;
}

const TYPING_MS = 300;

/** The router takes `?q=17` for a number. */
function wordsOf({ q }: Filters): string | undefined {
  return q === undefined ? undefined : String(q);
}

/** What the API is asked for, by the filters in the address. */
function queryOf(filters: Filters, now: number): RunQuery {
  const span = SPANS.find(({ value }) => value === filters.since);
  return {
    q: wordsOf(filters),
    status: filters.status,
    workflow_id: filters.workflow,
    trigger_type: filters.start,
    test: filters.tests === 'only' ? 'true' : filters.tests === 'without' ? 'false' : undefined,
    created_after: span && new Date(now - span.hours * 3_600_000).toISOString(),
  };
}

export default function RunsScreen() {
  const filters: Filters = useSearch({ strict: false });
  const navigate = useNavigate();
  const list = useInfiniteQuery({
    queryKey: ['runs', 'list', filters],
    queryFn: ({ pageParam }) => listRuns(queryOf(filters, Date.now()), pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // Of what has been paged through nothing is asked again: it would be every page, each time.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) === 1 ? POLL.list : false),
  });
  const runs = list.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Object.values(filters).some((one) => one !== undefined);
  const filter = (change: Filters) => void navigate({ to: '/runs', search: { ...filters, ...change }, replace: true });
  return (
    <Page title={t('Runs')}>
      {(runs.length > 0 || isFiltered) && <FilterBar filters={filters} onFilter={filter} />}
      {list.isPending && <Skeleton lines={6} />}
      {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && runs.length === 0 && (isFiltered ? <NothingFound onClear={() => void navigate({ to: '/runs', search: {} })} /> : <NothingYet />)}
      {runs.length > 0 && <RunTable runs={runs} />}
      {list.hasNextPage && (
        <Button className="self-center" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
    </Page>
  );
}

function NothingYet() {
  return (
    <EmptyState
      icon={Activity}
      title={t('Nothing has run yet')}
      text={t('Each time a workflow runs, you see here what it did, how long it took and what it cost.')}
      action={
        <Link to="/workflows" className={buttonClass('primary')}>
          {t('To the workflows')}
        </Link>
      }
    />
  );
}

function NothingFound({ onClear }: { onClear: () => void }) {
  return (
    <EmptyState
      icon={SearchX}
      title={t('No run fits that')}
      text={t('Other words, or fewer filters, may find it.')}
      action={<Button onClick={onClear}>{t('Clear all filters')}</Button>}
    />
  );
}

function useWorkflowNames(): { value: string; label: string }[] {
  const { data } = useQuery({
    queryKey: ['workflows', 'first-names'],
    queryFn: () => request<ApiPage<{ id: string; name: string }>>('GET', '/api/workflows', { query: { limit: 100 } }),
    staleTime: 60_000,
  });
  return (data?.items ?? []).map(({ id, name }) => ({ value: id, label: name })).sort((a, b) => a.label.localeCompare(b.label));
}

function FilterBar({ filters, onFilter }: { filters: Filters; onFilter: (change: Filters) => void }) {
  const workflows = useWorkflowNames();
  const translated = (options: readonly { value: string; label: string }[]) => options.map(({ value, label }) => ({ value, label: t(label) }));
  const set = (key: keyof Filters) => (value: string) => onFilter({ [key]: value || undefined });
  return (
    <div className="grid grid-cols-2 gap-2 sm:flex sm:flex-wrap" role="search">
      <Words value={wordsOf(filters) ?? ''} onChange={set('q')} />
      <Select className="min-w-0 sm:w-auto" aria-label={t('State')} value={filters.status ?? ''} placeholder={t('Any state')} options={translated(STATUS_FILTERS)} onChange={set('status')} />
      <Select className="min-w-0 sm:w-auto sm:max-w-52" aria-label={t('Workflow')} value={filters.workflow ?? ''} placeholder={t('All workflows')} options={workflows} onChange={set('workflow')} />
      <Select
        className="min-w-0 sm:w-auto"
        aria-label={t('Started by')}
        value={filters.start ?? ''}
        placeholder={t('Started by anything')}
        options={TRIGGER_TYPES.map((value) => ({ value, label: startWord(value) }))}
        onChange={set('start')}
      />
      <Select className="min-w-0 sm:w-auto" aria-label={t('Time')} value={filters.since ?? ''} placeholder={t('Any time')} options={translated(SPANS)} onChange={set('since')} />
      <Select
        className="min-w-0 sm:w-auto"
        aria-label={t('Test runs')}
        value={filters.tests ?? ''}
        placeholder={t('With test runs')}
        options={[
          { value: 'without', label: t('Without test runs') },
          { value: 'only', label: t('Only test runs') },
        ]}
        onChange={set('tests')}
      />
    </div>
  );
}

function Words({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => {
    if (text.trim() === value) return undefined;
    const timer = setTimeout(() => onChange(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
    // Only typing counts; `onChange` is made anew each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text]);
  return (
    <TextInput
      type="search"
      className="col-span-2 min-w-44 flex-1"
      aria-label={t('Search runs')}
      placeholder={t('Name of the workflow, or id of a run')}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}

function nameOf(run: RunSummary): string {
  return run.workflow_name ?? t('Deleted workflow');
}

function RunTable({ runs }: { runs: readonly RunSummary[] }) {
  const navigate = useNavigate();
  const columns: Column<RunSummary>[] = [
    {
      key: 'workflow',
      header: t('Workflow'),
      className: 'max-w-96',
      cell: (run) => (
        <>
          <div className="flex items-center gap-2">
            <Link to="/runs/$runId" params={{ runId: run.id }} className="truncate font-medium hover:underline">
              {nameOf(run)}
            </Link>
            {run.test && <Badge tone="violet">{t('Test')}</Badge>}
          </div>
          <p className="text-sm text-muted md:hidden">
            <Time at={run.created_at} />
          </p>
          {run.error && <p className="mt-0.5 line-clamp-2 text-sm break-words text-bad">{errorLine(run.error)}</p>}
        </>
      ),
    },
    { key: 'state', header: t('State'), cell: (run) => <Status status={run.queued ? 'queued' : run.status} /> },
    { key: 'start', header: t('Started by'), hideOnPhone: true, cell: (run) => <span className="whitespace-nowrap text-muted">{startWord(run.trigger_type)}</span> },
    { key: 'at', header: t('Started'), hideOnPhone: true, cell: (run) => <Time at={run.created_at} /> },
    { key: 'duration', header: t('Duration'), hideOnPhone: true, align: 'right', cell: (run) => <Took run={run} /> },
    {
      key: 'dollars',
      header: t('Cost'),
      hideOnPhone: true,
      align: 'right',
      cell: (run) => <span className="tabular-nums">{formatMoney(run.dollars)}</span>,
    },
  ];
  return <Table label={t('Runs')} columns={columns} rows={runs} rowKey={(run) => run.id} onRowClick={(run) => void navigate({ to: '/runs/$runId', params: { runId: run.id } })} />;
}

function errorLine(error: { node?: string | null; message: string }): string {
  return error.node ? `${error.node}: ${error.message}` : error.message;
}

function Took({ run }: { run: RunSummary }) {
  const ms = durationOf(run, useNow(isOpen(run.status)));
  return <span className="whitespace-nowrap tabular-nums">{ms === null ? '–' : formatDuration(ms)}</span>;
}
