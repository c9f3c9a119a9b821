/** One integration: whether it works, what uses it, and what can be done with it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { FlaskConical, Link2, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { ApiError, isNotFound } from '@/api/client';
import { t } from '@/app/i18n';
import { Badge, Button, Card, confirm, EmptyState, ErrorState, Page, Skeleton, Time, toast, toastError } from '@/ui';
import { ValueView } from '@/ui/ValueView';
import { calls, useTypes, type Integration, type IntegrationType, type Usage } from './api';
import { IntegrationState } from './index';
import { IntegrationForm } from './IntegrationForm';

export default function IntegrationScreen() {
  const { integrationId = '' }: { integrationId?: string } = useParams({ strict: false });
  const types = useTypes();
  // Consent is given in another tab: whoever comes back sees what became of it.
  const one = useQuery({ queryKey: ['integrations', 'one', integrationId], queryFn: () => calls.one(integrationId), refetchOnWindowFocus: 'always' });
  const back = { to: '/integrations', label: t('All integrations') };
  if (one.data) return <Loaded integration={one.data} type={types.data?.find(({ type }) => type === one.data.type)} back={back} />;
  return (
    <Page title={t('Integration')} back={back}>
      {one.isPending && <Skeleton lines={6} />}
      {one.error &&
        (isNotFound(one.error) ? <EmptyState title={t('There is no such integration')} /> : <ErrorState error={one.error} onRetry={() => void one.refetch()} />)}
    </Page>
  );
}

interface LoadedProps {
  integration: Integration;
  type: IntegrationType | undefined;
  back: { to: string; label: string };
}

function Loaded({ integration, type, back }: LoadedProps) {
  const [isChanging, setChanging] = useState(false);
  const test = useTest(integration);
  return (
    <Page
      title={integration.name}
      back={back}
      aside={<IntegrationState integration={integration} />}
      actions={
        <>
          {type?.is_connected_by_people && <Connect integration={integration} />}
          <Button icon={FlaskConical} loading={test.isPending} onClick={() => test.mutate()}>
            {t('Test')}
          </Button>
          <Button icon={Pencil} disabled={!type} onClick={() => setChanging(true)}>
            {t('Change')}
          </Button>
          <Remove integration={integration} />
        </>
      }
    >
      {integration.status_reason && <p className="rounded-lg border border-wait/30 bg-wait-soft px-4 py-3 text-wait">{integration.status_reason}</p>}
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Card title={t('Settings')}>
          <div className="flex flex-col gap-4">
            {integration.description && <p className="break-words">{integration.description}</p>}
            <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-2">
              <dt className="text-muted">{t('Service')}</dt>
              <dd>{type?.title ?? integration.type}</dd>
              <dt className="text-muted">{t('Reaches')}</dt>
              <dd className="break-all">{integration.hosts.join(', ') || '–'}</dd>
              <dt className="text-muted">{t('Secrets')}</dt>
              <dd>{integration.secrets.join(', ') || '–'}</dd>
              <dt className="text-muted">{t('Changed')}</dt>
              <dd>
                <Time at={integration.updated_at} />
              </dd>
            </dl>
            <ValueView label={t('What is set')} value={integration.config} />
          </div>
        </Card>
        <Usages integration={integration} />
      </div>
      {isChanging && type && <IntegrationForm type={type} integration={integration} onClose={() => setChanging(false)} />}
    </Page>
  );
}

function useTest(integration: Integration) {
  return useMutation({
    mutationFn: () => calls.test(integration.id),
    onSuccess: ({ ok, message, milliseconds }) =>
      ok ? toast(t('It works'), { tone: 'ok', text: t('Answered after {ms} ms.', { ms: milliseconds }) }) : toast(t('It does not work'), { tone: 'bad', text: message }),
    onError: (error) => toastError(t('It could not be tested'), error),
  });
}

/** Asks the service for the consent of the person, in a tab of its own. */
function Connect({ integration }: { integration: Integration }) {
  const [isAsking, setAsking] = useState(false);
  const connect = async () => {
    // Opened by the click itself: a browser lets nobody open a tab later.
    const tab = window.open('about:blank', '_blank');
    setAsking(true);
    try {
      const { url } = await calls.consent(integration.id);
      if (tab) tab.location.href = url;
      else location.assign(url);
    } catch (error) {
      tab?.close();
      toastError(t('The account could not be connected'), error);
    } finally {
      setAsking(false);
    }
  };
  return (
    <Button icon={Link2} variant={integration.status === 'ready' ? 'secondary' : 'primary'} loading={isAsking} onClick={() => void connect()}>
      {integration.status === 'ready' ? t('Connect another account') : t('Connect an account')}
    </Button>
  );
}

function Remove({ integration }: { integration: Integration }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const done = async () => {
    await navigate({ to: '/integrations' });
    await client.invalidateQueries({ queryKey: ['integrations'] });
  };
  const ask = async () => {
    const yes = await confirm({ title: t('Delete {name}?', { name: integration.name }), text: t('Its secrets are gone with it.'), action: t('Delete'), danger: true });
    if (!yes) return;
    try {
      await calls.remove(integration.id, false);
      await done();
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) await force(error);
      else toastError(t('It could not be deleted'), error);
    }
  };
  const force = async (conflict: ApiError) => {
    const usages = await calls.usages(integration.id).then(({ items }) => items.map(({ name }) => name));
    const yes = await confirm({
      title: t('Workflows use it'),
      text: usages.length ? t('These fail without it: {names}', { names: usages.join(', ') }) : conflict.message,
      action: t('Delete it anyway'),
      danger: true,
    });
    if (!yes) return;
    await calls.remove(integration.id, true).then(done, (error: unknown) => toastError(t('It could not be deleted'), error));
  };
  return (
    <Button icon={Trash2} variant="danger" onClick={() => void ask()}>
      <span className="max-sm:sr-only">{t('Delete')}</span>
    </Button>
  );
}

function Usages({ integration }: { integration: Integration }) {
  const { data, error } = useQuery({ queryKey: ['integrations', 'usages', integration.id], queryFn: () => calls.usages(integration.id) });
  return (
    <Card title={t('Who uses it')}>
      {error && <ErrorState error={error} />}
      {!data && !error && <Skeleton lines={3} />}
      {data?.items.length === 0 && <p className="text-muted">{t('No workflow yet. Choose it in a step of a workflow.')}</p>}
      <ul className="flex flex-col gap-2">{data?.items.map((usage) => <UsageLine key={usage.workflow_id} usage={usage} />)}</ul>
    </Card>
  );
}

function UsageLine({ usage }: { usage: Usage }) {
  return (
    <li className="flex items-center justify-between gap-3">
      <Link to={'/workflows/$workflowId'} params={{ workflowId: usage.workflow_id }} className="min-w-0 truncate text-accent underline">
        {usage.name}
      </Link>
      <Badge tone={usage.is_active ? 'ok' : 'neutral'}>{usage.is_active ? t('On') : t('Off')}</Badge>
    </li>
  );
}
