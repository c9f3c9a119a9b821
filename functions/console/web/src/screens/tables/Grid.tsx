/** The rows of one table: looked through, changed, added, deleted; as CSV in and out. */
import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { Download, Plus, Rows3, Trash2, Upload } from 'lucide-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { useCan } from '@/app/can';
import { t } from '@/app/i18n';
import { Button, confirm, EmptyState, ErrorState, IconButton, Page, Skeleton, TextInput, toast, toastError } from '@/ui';
import { calls, type TableRow } from './api';
import { columnsOf } from './cells';
import { useRowEdits } from './edits';
import { ImportDialog } from './ImportDialog';
import { RowDialog } from './RowDialog';
import { RowGrid } from './RowGrid';
import { UnsavedEdits } from './Unsaved';

const MOST_COLUMNS = 40;

export default function GridScreen() {
  const { table = '' }: { table?: string } = useParams({ strict: false });
  const [prefix, setPrefix] = useState('');
  const wanted = useDeferredValue(prefix.trim());
  const [dialog, setDialog] = useState<'new' | 'import' | TableRow | null>(null);
  const queryKey = useMemo(() => ['tables', table, wanted], [table, wanted]);
  const edits = useRowEdits(table, queryKey);
  const list = useInfiniteQuery({
    queryKey,
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) => calls.rows(table, wanted, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const columns = columnsOf(rows);
  const close = () => setDialog(null);
  const isChangeable = useCan('edit');
  const remove = useRemove(table);
  return (
    <Page title={table} back={{ to: '/tables', label: t('All tables') }} actions={<Actions table={table} onOpen={setDialog} />}>
      {(rows.length > 0 || wanted !== '') && (
        <TextInput type="search" className="max-w-sm" aria-label={t('Keys that begin with')} placeholder={t('Keys that begin with')} value={prefix} onChange={(event) => setPrefix(event.target.value)} />
      )}
      {list.isPending && <Skeleton lines={5} />}
      {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && rows.length === 0 && (
        <EmptyState icon={Rows3} title={t('No rows')} text={t('Add one by hand, or bring in a CSV file.')} action={<Button needs="edit" onClick={() => setDialog('new')}>{t('Add a row')}</Button>} />
      )}
      <UnsavedEdits edits={edits} />
      {rows.length > 0 && <RowGrid rows={rows} columns={columns.slice(0, MOST_COLUMNS)} onEdit={edits.edit} onType={edits.type} onOpen={setDialog} onRemove={(row) => void remove(row)} />}
      {columns.length > MOST_COLUMNS && (
        <p className="text-sm text-muted">{t('The other {n} fields are in each row: click its key.', { n: columns.length - MOST_COLUMNS })}</p>
      )}
      {list.hasNextPage && (
        <Button className="self-center" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
      {rows.length > 0 && (
        <p className="text-sm text-muted max-md:hidden">
          {isChangeable
            ? t('{n, plural, one {# row} other {# rows}} shown. Click a cell to change it; arrows move, Enter edits, Escape cancels, Tab goes to the next.', { n: rows.length })
            : t('{n, plural, one {# row} other {# rows}} shown.', { n: rows.length })}
        </p>
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
      <IconButton needs="edit" icon={Trash2} label={t('Delete {name}', { name: table })} onClick={() => void remove()} />
      <IconButton icon={Download} label={t('Take out as CSV')} onClick={() => void take()} />
      <IconButton needs="edit" icon={Upload} label={t('Bring in CSV')} onClick={() => onOpen('import')} />
      <Button needs="edit" icon={Plus} variant="primary" onClick={() => onOpen('new')}>
        {t('Add a row')}
      </Button>
    </>
  );
}

/** Deletes a row at once, and offers to put it back: nothing is asked, nothing is lost. */
function useRemove(table: string) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ['tables'] });
  return async (row: TableRow) => {
    try {
      await calls.removeRow(table, row);
      const restore = () => calls.restore(table, row).then(refresh, (error: unknown) => toastError(t('{key} could not be put back', { key: row.key }), error));
      toast(t('{key} is deleted', { key: row.key }), { action: { label: t('Undo'), onClick: () => void restore() } });
    } catch (error) {
      toastError(t('It could not be deleted'), error);
    }
    await refresh();
  };
}
