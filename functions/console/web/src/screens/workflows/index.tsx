/** All workflows: found by words, folder and state; made, copied, carried in and out, and deleted. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { FilePlus, Plus, Search, Upload, Workflow } from 'lucide-react';
import { useDeferredValue, useState } from 'react';

import { request } from '@/api/client';
import { t } from '@/app/i18n';
import { calls, type Page as ApiPage, type RunSummary, type WorkflowSummary } from '@/editor/api';
import { Badge, Button, EmptyState, ErrorState, Page, Select, Skeleton, Status, Table, TextInput, Time, type Column } from '@/ui';

import { ImportDialog } from './ImportDialog';
import { NewDialog } from './NewDialog';
import { RowMenu } from './RowMenu';

interface Filters {
  q?: string;
  is_active?: string | boolean;
  folder?: string;
  label?: string;
  new?: unknown;
}

export default function WorkflowsScreen() {
  const filters: Filters = useSearch({ strict: false });
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'new' | 'import' | null>(filters.new === undefined ? null : 'new');
  const [q, setQ] = useState(filters.q ?? '');
  const words = useDeferredValue(q.trim());
  const query = { q: words || undefined, is_active: filters.is_active, folder: filters.folder, label: filters.label };
  const list = useInfiniteQuery({
    queryKey: ['workflows', 'list', query],
    queryFn: ({ pageParam }) => calls.workflows({ ...query, limit: 50, cursor: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const workflows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Object.values(query).some((one) => one !== undefined);
  const filter = (change: Filters) => void navigate({ to: '/workflows', search: { ...filters, ...change }, replace: true });
  return (
    <Page
      title={t('Workflows')}
      actions={
        <>
          <Button needs="edit" icon={Upload} onClick={() => setDialog('import')}>
            {t('Import')}
          </Button>
          <Button needs="edit" icon={Plus} variant="primary" onClick={() => setDialog('new')}>
            {t('New workflow')}
          </Button>
        </>
      }
    >
      {(workflows.length > 0 || isFiltered) && <FilterBar q={q} filters={filters} workflows={workflows} onWords={setQ} onFilter={filter} />}
      {list.isPending && <Skeleton lines={5} />}
      {list.error && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && workflows.length === 0 && (isFiltered ? <NothingFound /> : <NothingYet onNew={() => setDialog('new')} />)}
      {workflows.length > 0 && <WorkflowTable workflows={workflows} />}
      {list.hasNextPage && (
        <Button className="self-center" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
      {dialog === 'new' && <NewDialog onClose={() => setDialog(null)} />}
      {dialog === 'import' && <ImportDialog onClose={() => setDialog(null)} />}
    </Page>
  );
}

function NothingFound() {
  return <EmptyState icon={Search} title={t('No workflow fits that')} text={t('Other words, or fewer filters, may find it.')} />;
}

function NothingYet({ onNew }: { onNew: () => void }) {
  return (
    <EmptyState
      icon={Workflow}
      title={t('Your first workflow')}
      text={t('A workflow is a chain of steps that runs by itself: when a form is sent, each morning, or when you start it.')}
      action={
        <>
          <Button needs="edit" icon={FilePlus} variant="primary" onClick={onNew}>
            {t('Begin with an empty one')}
          </Button>
          <Link to={'/templates'} className="inline-flex h-8 items-center rounded-md border border-line bg-card px-3 font-medium shadow-raised hover:bg-hover">
            {t('Begin with a template')}
          </Link>
        </>
      }
    />
  );
}

interface FilterBarProps {
  q: string;
  filters: Filters;
  workflows: readonly WorkflowSummary[];
  onWords: (q: string) => void;
  onFilter: (change: Filters) => void;
}

function FilterBar({ q, filters, workflows, onWords, onFilter }: FilterBarProps) {
  const folders = [...new Set(workflows.flatMap((one) => (one.folder ? [one.folder] : [])).concat(filters.folder ? [filters.folder] : []))].sort();
  const labels = [...new Set(workflows.flatMap((one) => one.labels).concat(filters.label ? [filters.label] : []))].sort();
  return (
    <div className="flex flex-wrap gap-2" role="search">
      <TextInput
        type="search"
        className="w-auto! min-w-48 flex-1"
        aria-label={t('Search workflows')}
        placeholder={t('Search')}
        value={q}
        onChange={(event) => {
          onWords(event.target.value);
          onFilter({ q: event.target.value.trim() || undefined });
        }}
      />
      <Select
        className="w-auto!"
        aria-label={t('State')}
        value={filters.is_active === undefined ? '' : `${filters.is_active}`}
        placeholder={t('On and off')}
        options={[
          { value: 'true', label: t('On') },
          { value: 'false', label: t('Off') },
        ]}
        onChange={(value) => onFilter({ is_active: value || undefined })}
      />
      {folders.length > 0 && (
        <Select
          className="w-auto!"
          aria-label={t('Folder')}
          value={filters.folder ?? ''}
          placeholder={t('All folders')}
          options={folders.map((folder) => ({ value: folder, label: folder }))}
          onChange={(folder) => onFilter({ folder: folder || undefined })}
        />
      )}
      {labels.length > 0 && (
        <Select
          className="w-auto!"
          aria-label={t('Label')}
          value={filters.label ?? ''}
          placeholder={t('All labels')}
          options={labels.map((label) => ({ value: label, label }))}
          onChange={(label) => onFilter({ label: label || undefined })}
        />
      )}
    </div>
  );
}

function useLastRuns(): ReadonlyMap<string, RunSummary> {
  const { data } = useQuery({
    queryKey: ['runs', 'last'],
    queryFn: () => request<ApiPage<RunSummary>>('GET', '/api/executions', { query: { limit: 100 } }),
    refetchInterval: 10_000,
  });
  // The newest first: of each workflow the first one that is found.
  return new Map([...(data?.items ?? [])].reverse().map((run) => [run.workflow_id, run]));
}

function WorkflowTable({ workflows }: { workflows: readonly WorkflowSummary[] }) {
  const navigate = useNavigate();
  const runs = useLastRuns();
  const columns: Column<WorkflowSummary>[] = [
    {
      key: 'name',
      header: t('Name'),
      cell: (one) => (
        <div className="min-w-0">
          <Link to="/workflows/$workflowId" params={{ workflowId: one.id }} className="font-medium hover:underline">
            {one.name}
          </Link>
          {one.description && <p className="line-clamp-1 max-w-lg text-sm text-muted">{one.description}</p>}
          {(one.folder !== null || one.labels.length > 0) && (
            <p className="mt-0.5 flex flex-wrap gap-1.5 text-xs text-muted">
              {one.folder}
              {one.labels.map((label) => (
                <span key={label} className="rounded-full bg-hover px-1.5">
                  {label}
                </span>
              ))}
            </p>
          )}
        </div>
      ),
    },
    { key: 'state', header: t('State'), cell: (one) => <State workflow={one} /> },
    {
      key: 'run',
      header: t('Last run'),
      hideOnPhone: true,
      cell: (one) => <LastRun run={runs.get(one.id)} />,
    },
    { key: 'updated', header: t('Changed'), hideOnPhone: true, cell: (one) => <Time at={one.updated_at} /> },
    { key: 'menu', header: <span className="sr-only">{t('Actions')}</span>, align: 'right', cell: (one) => <RowMenu workflow={one} /> },
  ];
  return (
    <Table
      label={t('All workflows')}
      columns={columns}
      rows={workflows}
      rowKey={(one) => one.id}
      onRowClick={(one) => void navigate({ to: '/workflows/$workflowId', params: { workflowId: one.id } })}
    />
  );
}

function State({ workflow }: { workflow: WorkflowSummary }) {
  if (workflow.published_version === null) return <Badge>{t('Not published')}</Badge>;
  return <Badge tone={workflow.is_active ? 'ok' : 'neutral'}>{workflow.is_active ? t('On') : t('Off')}</Badge>;
}

function LastRun({ run }: { run: RunSummary | undefined }) {
  if (!run) return <span className="text-muted">–</span>;
  return (
    <Link to={'/runs/$runId'} params={{ runId: run.id }} className="inline-flex items-center gap-2 hover:underline">
      <Status status={run.status} />
      <span className="text-muted">
        <Time at={run.created_at} />
      </span>
    </Link>
  );
}
