/** The tables in which workflows keep what they need to remember. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Plus, Table2 } from 'lucide-react';
import { useState } from 'react';
import { isNotFound } from '@/api/client';
import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { Button, Cancel, Dialog, EmptyState, ErrorState, Field, Page, Skeleton, TextInput } from '@/ui';
import { calls } from './api';

export default function TablesScreen() {
  const [isAdding, setAdding] = useState(false);
  const { data, error, isPending, refetch } = useQuery({ queryKey: ['tables'], queryFn: calls.tables });
  const add = (
    <Button needs="edit" icon={Plus} variant="primary" onClick={() => setAdding(true)}>
      {t('New table')}
    </Button>
  );
  return (
    <Page title={t('Tables')} actions={Boolean(data?.items.length) && add}>
      {isPending && <Skeleton lines={4} />}
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && (
        <EmptyState icon={Table2} title={t('No tables yet')} text={t('Workflows remember things in tables: customers, counters, what was done before. You can look at them and change them here.')} action={add} />
      )}
      <ul className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
        {data?.items.map(({ name }) => (
          <li key={name}>
            <Link to="/tables/$table" params={{ table: name }} className="flex items-center gap-3 rounded-lg border border-line bg-card p-4 shadow-raised hover:border-line-strong">
              <span className="flex size-8 shrink-0 items-center justify-center rounded-md bg-accent-soft text-accent">
                <Table2 aria-hidden className="size-4" />
              </span>
              <span className="min-w-0 truncate font-semibold">{name}</span>
            </Link>
          </li>
        ))}
      </ul>
      {isAdding && <NewTable onClose={() => setAdding(false)} />}
    </Page>
  );
}

/** For the API nothing is at a name that no table can have. */
function told(error: unknown): string {
  return isNotFound(error) ? t('No table can be called so: letters, digits, _, -, . and blanks only, at most 100.') : messageOf(error);
}

/** A table is there once it has a row. */
function NewTable({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const typed = useTyped('table.new', { name: '' });
  const { name } = typed.value;
  // Which names a table may have is known by the API alone.
  const look = useMutation({
    mutationFn: () => calls.rows(name, '', undefined),
    onSuccess: () => {
      typed.forget();
      void client.invalidateQueries({ queryKey: ['tables'] });
      void navigate({ to: '/tables/$table', params: { table: name } });
    },
  });
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      size="sm"
      title={t('New table')}
      onSubmit={() => look.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={look.isPending} disabled={!name}>
            {t('Go on')}
          </Button>
        </>
      }
    >
      <Field label={t('Name')} required error={look.error && told(look.error)} hint={t('It is kept with its first row.')}>
        <TextInput value={name} onChange={(event) => typed.change({ name: event.target.value })} />
      </Field>
    </Dialog>
  );
}
