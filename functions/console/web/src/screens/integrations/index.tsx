/** The services that workflows may use, with what is needed to reach them. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { CircleAlert, CircleCheck, Plug, Plus } from 'lucide-react';
import { useState } from 'react';
import { said, t } from '@/app/i18n';
import { TypeIcon } from '@/editor/icons';
import { Badge, Button, EmptyState, ErrorState, Page, Skeleton, Table, Time, type Column } from '@/ui';
import { calls, useTypes, type Integration, type IntegrationType } from './api';
import { Gallery } from './Gallery';
import { IntegrationForm } from './IntegrationForm';

export default function IntegrationsScreen() {
  const { new: asked }: { new?: unknown } = useSearch({ strict: false });
  const [adding, setAdding] = useState<'gallery' | IntegrationType | null>(asked === undefined ? null : 'gallery');
  const types = useTypes();
  const list = useQuery({ queryKey: ['integrations', 'list'], queryFn: calls.list });
  const integrations = list.data?.items ?? [];
  const add = (
    <Button needs="connect" icon={Plus} variant="primary" onClick={() => setAdding('gallery')}>
      {t('Connect a service')}
    </Button>
  );
  return (
    <Page title={t('Integrations')} actions={integrations.length > 0 && add}>
      {list.isPending && <Skeleton lines={5} />}
      {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && integrations.length === 0 && (
        <EmptyState
          icon={Plug}
          title={t('Connect the services that you use')}
          text={t('Mail, chats, databases, anything with a web address. Passwords and keys are encrypted, and nobody can read them again.')}
          action={add}
        />
      )}
      {integrations.length > 0 && <IntegrationTable integrations={integrations} types={types.data ?? []} />}
      {adding === 'gallery' && <Gallery types={types.data} error={types.error} onChoose={setAdding} onClose={() => setAdding(null)} />}
      {adding !== null && adding !== 'gallery' && <IntegrationForm type={adding} onClose={() => setAdding(null)} />}
    </Page>
  );
}

export function IntegrationState({ integration }: { integration: Integration }) {
  if (integration.status === 'ready')
    return (
      <Badge tone="ok" icon={CircleCheck}>
        {t('Ready')}
      </Badge>
    );
  return (
    <Badge tone="wait" icon={CircleAlert}>
      {t('Not connected')}
    </Badge>
  );
}

function IntegrationTable({ integrations, types }: { integrations: readonly Integration[]; types: readonly IntegrationType[] }) {
  const navigate = useNavigate();
  const columns: Column<Integration>[] = [
    {
      key: 'name',
      header: t('Name'),
      cell: (one) => {
        const type = types.find((other) => other.type === one.type);
        return (
          <div className="flex items-center gap-3">
            <span className="flex size-8 shrink-0 items-center justify-center rounded-md bg-run-soft text-run">
              <TypeIcon name={type?.icon} className="size-4" />
            </span>
            <div className="min-w-0">
              <Link to="/integrations/$integrationId" params={{ integrationId: one.id }} className="font-medium break-words hover:underline">
                {one.name}
              </Link>
              <p className="text-sm text-muted">{type ? said(type.title) : one.type}</p>
            </div>
          </div>
        );
      },
    },
    { key: 'state', header: t('State'), cell: (one) => <IntegrationState integration={one} /> },
    { key: 'hosts', header: t('Reaches'), hideOnPhone: true, className: 'max-w-72', cell: (one) => <span className="block truncate text-muted">{one.hosts.join(', ') || '–'}</span> },
    { key: 'changed', header: t('Changed'), hideOnPhone: true, cell: (one) => <Time at={one.updated_at} /> },
  ];
  return (
    <Table
      label={t('Integrations')}
      columns={columns}
      rows={integrations}
      rowKey={(one) => one.id}
      onRowClick={(one) => void navigate({ to: '/integrations/$integrationId', params: { integrationId: one.id } })}
    />
  );
}
