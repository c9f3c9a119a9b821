import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { t } from '@/app/i18n';
import { formatNumber } from '@/app/i18n/format';
import { Duration, ErrorState, Money, Skeleton, Table, type Column } from '@/ui';
import { byWorkflow, type Item } from './queries';

export function ByWorkflow({ days }: { days: number }) {
  const stats = useQuery(byWorkflow(days));
  return (
    <section className="flex flex-col gap-2">
      <h2 className="font-semibold">{t('By workflow')}</h2>
      {stats.isPending && <Skeleton />}
      {stats.isError && <ErrorState error={stats.error} onRetry={() => void stats.refetch()} />}
      {stats.data?.items.length === 0 && <p className="text-muted">{t('No run has ended in this time.')}</p>}
      {stats.data && stats.data.items.length > 0 && (
        <Table label={t('By workflow')} columns={columns()} rows={stats.data.items} rowKey={(row) => row.workflow_id ?? ''} />
      )}
    </section>
  );
}

function columns(): Column<Item>[] {
  return [
    {
      key: 'name',
      header: t('Workflow'),
      cell: (row) => (
        <Link to={`/workflows/${row.workflow_id ?? ''}`} className="font-medium hover:underline">
          {row.workflow_name ?? t('deleted workflow')}
        </Link>
      ),
    },
    { key: 'runs', header: t('Runs'), align: 'right', className: 'tabular-nums', cell: (row) => formatNumber(row.runs) },
    {
      key: 'failed',
      header: t('Failed'),
      align: 'right',
      className: 'tabular-nums',
      cell: (row) => {
        const failed = row.failed + row.timed_out;
        return failed ? <span className="font-medium text-bad">{formatNumber(failed)}</span> : '–';
      },
    },
    {
      key: 'duration',
      header: t('Mean duration'),
      align: 'right',
      hideOnPhone: true,
      cell: (row) => (row.runs ? <Duration ms={row.duration_ms / row.runs} /> : '–'),
    },
    { key: 'cost', header: t('Cost'), align: 'right', cell: (row) => <Money dollars={row.dollars + row.test_dollars} /> },
  ];
}
