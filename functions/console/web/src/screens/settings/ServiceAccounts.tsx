/** Members that are no people: programs work as they, with API keys. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { api, ApiError, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { useSession } from '@/app/session';
import { Button, Cancel, Card, type Column, confirm, Dialog, ErrorState, Field, Select, Skeleton, Table, TextInput, Time, toastError } from '@/ui';
import { KEYS, SERVICE_ACCOUNTS, type ServiceAccount } from './key-queries';

export function ServiceAccounts() {
  const [adds, setAdds] = useState(false);
  const accounts = useQuery({ queryKey: SERVICE_ACCOUNTS, queryFn: () => unwrap(api.GET('/api/service-accounts')) });
  const columns: Column<ServiceAccount>[] = [
    { key: 'name', header: t('Name'), cell: (one) => <span className="font-medium">{one.name}</span> },
    { key: 'role', header: t('Role'), cell: (one) => one.role },
    { key: 'since', header: t('Since'), hideOnPhone: true, cell: (one) => <Time at={one.added_at} /> },
    { key: 'remove', header: <span className="sr-only">{t('Actions')}</span>, align: 'right', cell: (one) => <Remove account={one} /> },
  ];
  return (
    <Card
      title={t('Service accounts')}
      aside={
        <Button icon={Plus} onClick={() => setAdds(true)}>
          {t('Add a service account')}
        </Button>
      }
    >
      {accounts.isPending && <Skeleton />}
      {accounts.isError && <ErrorState error={accounts.error} onRetry={() => void accounts.refetch()} />}
      {accounts.data?.items.length === 0 && (
        <p className="text-muted">{t('A member that is no person: what works with its keys goes on when people leave.')}</p>
      )}
      {accounts.data && accounts.data.items.length > 0 && (
        <Table label={t('Service accounts')} columns={columns} rows={accounts.data.items} rowKey={(one) => one.id} />
      )}
      {adds && <AddAccount onClose={() => setAdds(false)} />}
    </Card>
  );
}

function Remove({ account }: { account: ServiceAccount }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => unwrap(api.DELETE('/api/service-accounts/{account_id}', { params: { path: { account_id: account.id } } })),
    onSuccess: () => Promise.all([SERVICE_ACCOUNTS, KEYS].map((queryKey) => client.invalidateQueries({ queryKey }))),
    onError: (error) => toastError(t('The service account was not removed'), error),
  });
  const ask = async () => {
    const sure = await confirm({
      title: t('Remove {name}?', { name: account.name }),
      text: t('Its keys are refused from now on. What it made stays.'),
      action: t('Remove'),
      danger: true,
    });
    if (sure) remove.mutate();
  };
  return (
    <Button size="sm" variant="danger" loading={remove.isPending} onClick={() => void ask()}>
      {t('Remove')}
    </Button>
  );
}

function AddAccount({ onClose }: { onClose: () => void }) {
  const workspaceId = useSession((state) => state.me?.workspace_id ?? '');
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState('operator');
  const params = { params: { path: { workspace_id: workspaceId } } };
  const workspace = useQuery({
    queryKey: ['roles-to-give', workspaceId],
    queryFn: () => unwrap(api.GET('/api/workspaces/{workspace_id}', params)),
  });
  const add = useMutation({
    mutationFn: () => unwrap(api.POST('/api/service-accounts', { body: { name: name.trim(), role } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: SERVICE_ACCOUNTS });
      onClose();
    },
  });
  const { error } = add;
  const problem = error instanceof ApiError ? (error.fields.name ?? error.message) : error?.message;
  const roles = workspace.data?.roles.map((one) => one.name) ?? [role];
  return (
    <Dialog
      open
      onOpenChange={onClose}
      size="sm"
      title={t('Add a service account')}
      onSubmit={() => add.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={add.isPending}>
            {t('Add')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('Name')} required error={problem}>
          <TextInput autoFocus autoComplete="off" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t('Role')}>
          <Select value={role} onChange={setRole} options={roles.map((one) => ({ value: one, label: one }))} />
        </Field>
      </div>
    </Dialog>
  );
}
