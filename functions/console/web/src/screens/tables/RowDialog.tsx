/** One row: its cells as fields. Nobody overwrites what somebody else, or a workflow, has changed meanwhile. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { ApiError } from '@/api/client';
import { t } from '@/app/i18n';
import { together, useTyped } from '@/app/typed';
import { Button, Cancel, confirm, Dialog, Field, TextArea, TextInput, toastError } from '@/ui';
import { calls, type TableRow } from './api';
import { cellOf, isFields, textOf, withCells } from './cells';

interface RowDialogProps {
  table: string;
  row: TableRow | null;
  columns: readonly string[];
  onClose: () => void;
}

export function RowDialog({ table, row, columns, onClose }: RowDialogProps) {
  const client = useQueryClient();
  const value = row?.value;
  const own = row && !isFields(value) ? ['value'] : columns.filter((column) => column !== 'value' || (isFields(value) && 'value' in value));
  const keptAs = `row.${table}.${row?.key ?? ''}`;
  const named = useTyped(keptAs, { key: row?.key ?? '', added: '' });
  const cells = useTyped<Record<string, string>>(`${keptAs}.cells`, Object.fromEntries(own.map((column) => [column, textOf(cellOf(value, column))])));
  const typed = together(named, cells);
  const { key, added } = named.value;
  const { value: texts, set: setTexts } = cells;
  const giveUp = () => {
    typed.forget();
    onClose();
  };
  const refresh = () => client.invalidateQueries({ queryKey: ['tables'] });
  const save = useMutation({
    mutationFn: () => calls.put(table, key.trim(), withCells(value, texts), row),
    onSuccess: () => {
      typed.forget();
      void refresh();
      onClose();
    },
  });
  const isChanged = save.error instanceof ApiError && save.error.status === 412;
  const remove = async () => {
    if (!row || !(await confirm({ title: t('Delete {name}?', { name: row.key }), action: t('Delete'), danger: true }))) return;
    await calls.removeRow(table, row).then(giveUp, (error: unknown) => toastError(t('It could not be deleted'), error));
    await refresh();
  };
  const addField = () => {
    const name = added.trim();
    if (name && !(name in texts)) setTexts({ ...texts, [name]: '' });
    named.change({ added: '' });
  };
  return (
    <Dialog
      open
      drawer
      typed={typed}
      onOpenChange={onClose}
      title={row ? row.key : t('Add a row')}
      onSubmit={() => save.mutate()}
      footer={
        <>
          {row && (
            <Button needs="edit" variant="danger" className="mr-auto" onClick={() => void remove()}>
              {t('Delete')}
            </Button>
          )}
          <Cancel />
          <Button needs="edit" type="submit" variant="primary" loading={save.isPending} disabled={!key.trim()}>
            {t('Save')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {!row && (
          <Field label={t('Key')} required>
            <TextInput value={key} className="font-mono" onChange={(event) => named.change({ key: event.target.value })} />
          </Field>
        )}
        {Object.entries(texts).map(([column, text]) => (
          <Field key={column} label={column}>
            <TextArea rows={text.length > 60 ? 4 : 1} value={text} onChange={(event) => setTexts({ ...texts, [column]: event.target.value })} />
          </Field>
        ))}
        {(!row || isFields(value)) && (
          <Field label={t('Another field')}>
            <div className="flex gap-2">
              <TextInput value={added} placeholder={t('Its name')} onChange={(event) => named.change({ added: event.target.value })} />
              <Button needs="edit" icon={Plus} disabled={!added.trim()} onClick={addField}>
                {t('Add')}
              </Button>
            </div>
          </Field>
        )}
        {save.error && (
          <p role="alert" className="text-bad">
            {isChanged ? t('This row has changed meanwhile. What you typed is still here: copy it, close, and look at the row again.') : save.error.message}
          </p>
        )}
      </div>
    </Dialog>
  );
}
