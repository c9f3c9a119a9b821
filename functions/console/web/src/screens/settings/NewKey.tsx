import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { useSession } from '@/app/session';
import { Button, Cancel, Dialog, Field, Select, Switch, TextInput } from '@/ui';
import { ends, KEYS, PERMISSIONS, SERVICE_ACCOUNTS, type Permission } from './key-queries';

const MOST_WORKFLOWS = 100;

export function NewKey({ onClose, onMade }: { onClose: () => void; onMade: (key: string) => void }) {
  const me = useSession((state) => state.me);
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [permissions, setPermissions] = useState<Permission[]>(['read', 'execute']);
  const [days, setDays] = useState('90');
  const [workflow, setWorkflow] = useState('');
  const [account, setAccount] = useState('');
  const manages = me?.permissions.includes('manage') ?? false;
  const accounts = useQuery({
    queryKey: SERVICE_ACCOUNTS,
    queryFn: () => unwrap(api.GET('/api/service-accounts')),
    enabled: manages,
  });
  const workflows = useQuery({
    queryKey: ['workflows', 'names'],
    queryFn: () => unwrap(api.GET('/api/workflows', { params: { query: { limit: MOST_WORKFLOWS } } })),
  });
  const make = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/keys', {
          body: {
            name: name.trim(),
            permissions,
            ...(days ? { expires_in_days: Number(days) } : {}),
            ...(workflow ? { workflows: [workflow] } : {}),
            ...(account ? { service_account_id: account } : {}),
          },
        }),
      ),
    onSuccess: async ({ key }) => {
      await client.invalidateQueries({ queryKey: KEYS });
      onMade(key);
    },
  });
  const { error } = make;
  const fields = error instanceof ApiError ? error.fields : {};
  const known = ['name', 'permissions', 'service_account_id'];
  const other = error && !known.some((field) => field in fields) ? error.message : undefined;
  const may = (Object.keys(PERMISSIONS) as Permission[]).filter((one) => me?.permissions.includes(one));
  const choose = (one: Permission, on: boolean) =>
    setPermissions((before) => (on ? [...before, one] : before.filter((there) => there !== one)));
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('Make a key')}
      description={t('It works in this workspace only, and never does more than its owner may.')}
      onSubmit={() => make.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={make.isPending} disabled={!permissions.length}>
            {t('Make a key')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('What it is for')} required error={fields.name ?? other}>
          <TextInput autoFocus autoComplete="off" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        {manages && (
          <Field label={t('Owner')} hint={t('A service account stays when people go.')} error={fields.service_account_id}>
            <Select
              value={account}
              onChange={setAccount}
              options={[
                { value: '', label: t('You') },
                ...(accounts.data?.items ?? []).map((one) => ({ value: one.id, label: one.name })),
              ]}
            />
          </Field>
        )}
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t('Only for')}>
            <Select
              value={workflow}
              onChange={setWorkflow}
              options={[
                { value: '', label: t('everything') },
                ...(workflows.data?.items ?? []).map((one) => ({ value: one.id, label: one.name })),
              ]}
            />
          </Field>
          <Field label={t('Ends')}>
            <Select value={days} onChange={setDays} options={ends()} />
          </Field>
        </div>
        <fieldset className="flex flex-col gap-2.5">
          <legend className="mb-2 font-medium">{t('What it may do')}</legend>
          {may.map((one) => (
            <Switch key={one} checked={permissions.includes(one)} onChange={(on) => choose(one, on)} label={t(PERMISSIONS[one])} />
          ))}
          {fields.permissions && <p className="text-bad">{fields.permissions}</p>}
        </fieldset>
      </div>
    </Dialog>
  );
}
