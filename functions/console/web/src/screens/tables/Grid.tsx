/** The rows of one table: looked through, changed, added, deleted; as CSV in and out. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { Download, Plus, Rows3, Trash2, Upload } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { t } from '@/app/i18n';
import { Button, confirm, EmptyState, ErrorState, IconButton, Page, Skeleton, Table, TextInput, Time, toastError, type Column } from '@/ui';
import { calls, type TableRow } from './api';
import { cellOf, columnsOf, textOf } from './cells';
import { ImportDialog } from './ImportDialog';
import { RowDialog } from './RowDialog';

const MOST_COLUMNS = 7;

export default function GridScreen() {
  const { table = '' }: { table?: string } = useParams({ strict: false });
  const [prefix, setPrefix] = useState('');
  const wanted = useDeferredValue(prefix.trim());
  const [dialog, setDialog] = useState<'new' | 'import' | TableRow | null>(null);
  const list = useInfiniteQuery({
    queryKey: ['tables', table, wanted],
    queryFn: ({ pageParam }) => calls.rows(table, wanted, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const columns = columnsOf(rows);
  const close = () => setDialog(null);
  return (
    <Page title={table} back={{ to: '/tables', label: t('All tables') }} actions={<Actions table={table} onOpen={setDialog} />}>
      {(rows.length > 0 || wanted !== '') && (
        <TextInput type="search" className="max-w-sm" aria-label={t('Keys that begin with')} placeholder={t('Keys that begin with')} value={prefix} onChange={(event) => setPrefix(event.target.value)} />
      )}
      {list.isPending && <Skeleton lines={5} />}
      {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && rows.length === 0 && (
        <EmptyState icon={Rows3} title={t('No rows')} text={t('Add one by hand, or bring in a CSV file.')} action={<Button onClick={() => setDialog('new')}>{t('Add a row')}</Button>} />
      )}
      {rows.length > 0 && <Rows rows={rows} columns={columns} onOpen={setDialog} />}
      {list.hasNextPage && (
        <Button className="self-center" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
      {dialog === 'import' && <ImportDialog table={table} onClose={close} />}
      {dialog !== null && dialog !== 'import' && <RowDialog table={table} row={dialog === 'new' ? null : dialog} columns={columns} onClose={close} />}
    </Page>
  );
}

function Actions({ table, onOpen }: { table: string; onOpen: (dialog: 'new' | 'import') => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const take = async () => {
    try {
      const csv = await calls.exportCsv(table);
      const url = URL.createObjectURL(new Blob([csv], { type: 'text/csv' }));
      const link = document.createElement('a');
      link.href = url;
      link.download = `${table}.csv`;
      link.click();
      URL.revokeObjectURL(url);
    } catch (error) {
      toastError(t('The table could not be read'), error);
    }
  };
  const remove = async () => {
    const yes = await confirm({ title: t('Delete {name}?', { name: table }), text: t('All its rows are gone, for all workflows.'), action: t('Delete'), danger: true });
    if (!yes) return;
    try {
      await calls.removeTable(table);
      await navigate({ to: '/tables' });
    } catch (error) {
      toastError(t('It could not be deleted'), error);
    }
    await client.invalidateQueries({ queryKey: ['tables'] });
  };
  return (
    <>
      <IconButton icon={Trash2} label={t('Delete {name}', { name: table })} onClick={() => void remove()} />
      <IconButton icon={Download} label={t('Take out as CSV')} onClick={() => void take()} />
      <IconButton icon={Upload} label={t('Bring in CSV')} onClick={() => onOpen('import')} />
      <Button icon={Plus} variant="primary" onClick={() => onOpen('new')}>
        {t('Add a row')}
      </Button>
    </>
  );
}

function Rows({ rows, columns, onOpen }: { rows: readonly TableRow[]; columns: readonly string[]; onOpen: (row: TableRow) => void }) {
  const shown: Column<TableRow>[] = [
    {
      key: ' key',
      header: t('Key'),
      cell: (row) => (
        <button type="button" className="text-left font-mono text-sm break-all hover:underline" onClick={() => onOpen(row)}>
          {row.key}
        </button>
      ),
    },
    ...columns.slice(0, MOST_COLUMNS).map((column) => ({
      key: column,
      header: column,
      className: 'max-w-56',
      cell: (row: TableRow) => <span className="block truncate">{textOf(cellOf(row.value, column))}</span>,
    })),
    { key: ' changed', header: t('Changed'), hideOnPhone: true, cell: (row) => <Time at={row.updated_at} /> },
  ];
  return <Table label={t('Rows')} columns={shown} rows={rows} rowKey={(row) => row.key} onRowClick={onOpen} />;
}
