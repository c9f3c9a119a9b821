/** Rows from a CSV file: first what would happen, then it does. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { Button, Cancel, Dialog, Field, TextArea, toast } from '@/ui';
import { calls, type Imported } from './api';

export function ImportDialog({ table, onClose }: { table: string; onClose: () => void }) {
  const client = useQueryClient();
  const typed = useTyped(`csv.${table}`, { csv: '' });
  const { csv } = typed.value;
  const [tried, setTried] = useState<Imported | null>(null);
  const bring = useMutation({
    mutationFn: (isTrial: boolean) => calls.importCsv(table, csv, isTrial),
    onSuccess: (result, isTrial) => {
      setTried(result);
      if (isTrial) return;
      if (!result.problems.length) typed.forget();
      void client.invalidateQueries({ queryKey: ['tables'] });
      toast(t('{created} added, {updated} changed', { created: result.created, updated: result.updated }), { tone: 'ok' });
      if (!result.problems.length) onClose();
    },
  });
  const change = (text: string) => {
    typed.change({ csv: text });
    setTried(null);
  };
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      size="lg"
      title={t('Bring in CSV')}
      description={t('The column “key” names the row, all others are its fields.')}
      onSubmit={() => bring.mutate(tried === null)}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={bring.isPending} disabled={!csv.trim()}>
            {tried ? t('Bring in') : t('Check')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('A file')}>
          <input type="file" className="text-sm text-muted file:mr-3 file:h-8 file:rounded-md file:border file:border-line file:bg-card file:px-3 file:font-medium file:text-ink" accept=".csv,text/csv" onChange={(event) => void event.target.files?.[0]?.text().then(change)} aria-label={t('A file')} />
        </Field>
        <Field label={t('Or its text')}>
          <TextArea rows={8} className="font-mono" value={csv} placeholder={'key,name,total\n17,Ada,120'} onChange={(event) => change(event.target.value)} />
        </Field>
        {tried && (
          <div role="status" className="flex flex-col gap-1">
            <p className="font-medium">
              {t('{created} new, {updated} changed, {unchanged} as they are', { created: tried.created, updated: tried.updated, unchanged: tried.unchanged })}
            </p>
            {tried.problems.map((problem) => (
              <p key={problem.line} className="text-bad">
                {t('Line {n}: {message}', { n: problem.line, message: problem.message })}
              </p>
            ))}
          </div>
        )}
        {bring.error && (
          <p role="alert" className="text-bad">
            {bring.error.message}
          </p>
        )}
      </div>
    </Dialog>
  );
}
