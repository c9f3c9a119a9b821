/** API keys of the workspace, and the service accounts to which some of them belong. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { EllipsisVertical, Plus } from 'lucide-react';
import { useState } from 'react';
import { api, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { useSession } from '@/app/session';
import { Badge, Button, Card, confirm, ErrorState, IconButton, Menu, Skeleton, Table, Time, toast, toastError, type Column } from '@/ui';
import { KEYS, type Key } from './key-queries';
import { NewKey } from './NewKey';
import { RotateKey } from './RotateKey';
import { ServiceAccounts } from './ServiceAccounts';
import { ShowKey } from './ShowKey';

export default function Keys() {
  const manages = useSession((state) => state.me?.permissions.includes('manage') ?? false);
  const [adds, setAdds] = useState(false);
  const [shown, setShown] = useState<string | null>(null);
  const keys = useQuery({ queryKey: KEYS, queryFn: () => unwrap(api.GET('/api/keys')) });
  const show = (key: string) => {
    setAdds(false);
    setShown(key);
  };
  return (
    <div className="flex flex-col gap-5">
      <Card
        title={t('API keys')}
        aside={
          <Button icon={Plus} onClick={() => setAdds(true)}>
            {t('Make a key')}
          </Button>
        }
      >
        {keys.isPending && <Skeleton />}
        {keys.isError && <ErrorState error={keys.error} onRetry={() => void keys.refetch()} />}
        {keys.data?.items.length === 0 && (
          <p className="text-muted">{t('With a key a program calls the API in this workspace, without a password. There is none yet.')}</p>
        )}
        {keys.data && keys.data.items.length > 0 && <KeyTable keys={keys.data.items} onRotated={show} />}
      </Card>
      {manages && <ServiceAccounts />}
      {adds && <NewKey onClose={() => setAdds(false)} onMade={show} />}
      {shown && <ShowKey value={shown} onClose={() => setShown(null)} />}
    </div>
  );
}

function KeyTable({ keys, onRotated }: { keys: Key[]; onRotated: (key: string) => void }) {
  const columns: Column<Key>[] = [
    {
      key: 'name',
      header: t('Name'),
      cell: (key) => (
        <div className="min-w-0">
          <div className="font-medium">{key.name}</div>
          <div className="text-muted">{key.owner_name}</div>
        </div>
      ),
    },
    {
      key: 'rights',
      header: t('Rights'),
      hideOnPhone: true,
      cell: (key) => (
        <div className="flex flex-wrap gap-1">
          {key.permissions.map((one) => (
            <Badge key={one}>{one}</Badge>
          ))}
          {key.workflows && <Badge tone="accent">{t('{n, plural, one {# workflow} other {# workflows}} only', { n: key.workflows.length })}</Badge>}
        </div>
      ),
    },
    { key: 'end', header: t('Ends'), cell: (key) => <End of={key} /> },
    { key: 'used', header: t('Last used'), hideOnPhone: true, cell: (key) => key.last_used_on ?? t('never') },
    { key: 'more', header: <span className="sr-only">{t('Actions')}</span>, align: 'right', cell: (key) => <Actions of={key} onRotated={onRotated} /> },
  ];
  return <Table label={t('API keys')} columns={columns} rows={keys} rowKey={(key) => key.id} />;
}

function End({ of: key }: { of: Key }) {
  if (key.state === 'expired') return <Badge tone="bad">{t('Expired')}</Badge>;
  if (key.state === 'without_owner') return <Badge tone="bad">{t('Its owner is gone')}</Badge>;
  return key.expires_at ? <Time at={key.expires_at} /> : t('never');
}

function Actions({ of: key, onRotated }: { of: Key; onRotated: (key: string) => void }) {
  const me = useSession((state) => state.me);
  const client = useQueryClient();
  const [rotates, setRotates] = useState(false);
  const revoke = useMutation({
    mutationFn: () => unwrap(api.DELETE('/api/keys/{key_id}', { params: { path: { key_id: key.id } } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: KEYS });
      toast(t('{name} is revoked', { name: key.name }), { tone: 'ok' });
    },
    onError: (error) => toastError(t('The key was not revoked'), error),
  });
  const ask = async () => {
    const sure = await confirm({
      title: t('Revoke {name}?', { name: key.name }),
      text: t('Whatever uses it is refused from now on.'),
      action: t('Revoke'),
      danger: true,
    });
    if (sure) revoke.mutate();
  };
  const mine = key.owner_type === 'service_account' || key.owner_id === me?.id;
  return (
    <>
      <Menu
        trigger={<IconButton icon={EllipsisVertical} label={t('Actions for {name}', { name: key.name })} />}
        items={[
          { label: t('Rotate'), onSelect: () => setRotates(true), disabled: !mine || key.state === 'without_owner' },
          { label: t('Revoke'), danger: true, onSelect: () => void ask() },
        ]}
      />
      {rotates && (
        <RotateKey
          of={key}
          onClose={() => setRotates(false)}
          onRotated={(value) => {
            setRotates(false);
            onRotated(value);
          }}
        />
      )}
    </>
  );
}
