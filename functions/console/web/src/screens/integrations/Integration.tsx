/** One integration: whether it works, what uses it, and what can be done with it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { CircleAlert, CircleCheck, FlaskConical, Link2, Pencil, Trash2 } from 'lucide-react';
import { useMemo, useState } from 'react';
import { ApiError, isNotFound } from '@/api/client';
import { POLL } from '@/api/queries';
import { said, t } from '@/app/i18n';
import { describe } from '@/form/describe';
import { Badge, Button, Card, confirm, cx, EmptyState, ErrorState, Line, Page, Skeleton, Time, toastError } from '@/ui';
import { ValueView } from '@/ui/ValueView';
import { calls, useTypes, type Integration, type IntegrationType, type Tested, type Usage } from './api';
import { labelIn, sentence, settingsOf } from './config';
import { IntegrationState } from './index';
import { IntegrationForm } from './IntegrationForm';

export default function IntegrationScreen() {
  const { integrationId = '' }: { integrationId?: string } = useParams({ strict: false });
  const types = useTypes();
  // Consent is given in another tab or window: whoever comes back sees what became of it.
  const one = useQuery({
    queryKey: ['integrations', 'one', integrationId],
    queryFn: () => calls.one(integrationId),
    refetchOnWindowFocus: 'always',
    refetchInterval: (query) => (query.state.data?.status === 'not_connected' ? POLL.list : false),
  });
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
          <Button needs="execute" icon={FlaskConical} loading={test.isPending} onClick={() => test.mutate()}>
            {t('Test')}
          </Button>
          <Button needs="connect" icon={Pencil} disabled={!type} onClick={() => setChanging(true)}>
            {t('Change')}
          </Button>
          <Remove integration={integration} />
        </>
      }
    >
      {integration.status_reason && <p className="rounded-lg border border-wait/30 bg-wait-soft px-4 py-3 text-wait">{sentence(integration.status_reason)}</p>}
      <div role="status" className="empty:hidden">
        {test.data && <Outcome tested={test.data} />}
      </div>
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Settings integration={integration} type={type} />
        <Usages integration={integration} />
      </div>
      {isChanging && type && <IntegrationForm type={type} integration={integration} onClose={() => setChanging(false)} />}
    </Page>
  );
}

/** What is set, by the names that the form has. */
function Settings({ integration, type }: { integration: Integration; type: IntegrationType | undefined }) {
  const fields = useMemo(() => (type ? describe(type.config_schema) : []), [type]);
  return (
    <Card title={t('Settings')}>
      {integration.description && <p className="mb-4 break-words">{integration.description}</p>}
      <dl className="grid grid-cols-[minmax(6rem,auto)_minmax(0,1fr)] gap-x-6 gap-y-2">
        <Line name={t('Service')}>{type ? said(type.title) : integration.type}</Line>
        {settingsOf(fields, integration.config).map(({ key, label, value }) => (
          <Line key={key} name={label}>
            <Setting label={label} value={value} />
          </Line>
        ))}
        {integration.secrets.map((key) => (
          <Line key={key} name={labelIn(fields, key)}>
            <span className="text-muted">{t('Kept, and shown to nobody')}</span>
          </Line>
        ))}
        <Line name={t('Secrets go only to')}>
          <span className="break-all">{integration.hosts.join(', ') || '–'}</span>
        </Line>
        <Line name={t('Changed')}>
          <Time at={integration.updated_at} />
        </Line>
      </dl>
    </Card>
  );
}

function Setting({ label, value }: { label: string; value: unknown }) {
  if (typeof value === 'boolean') return value ? t('Yes') : t('No');
  if (typeof value === 'string' || typeof value === 'number') return <span className="line-clamp-3">{value}</span>;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' || typeof one === 'number')) return value.join(', ') || '–';
  return <ValueView label={label} value={value} />;
}

function useTest(integration: Integration) {
  return useMutation({
    mutationFn: () => calls.test(integration.id),
    onError: (error) => toastError(t('It could not be tested'), error),
  });
}

/** What a test has found stays until the next one. */
function Outcome({ tested: { ok, message, milliseconds } }: { tested: Tested }) {
  const Icon = ok ? CircleCheck : CircleAlert;
  return (
    <div className={cx('flex items-start gap-3 rounded-lg border px-4 py-3', ok ? 'border-ok/30 bg-ok-soft text-ok' : 'border-bad/30 bg-bad-soft text-bad')}>
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <p className="min-w-0 break-words">
        <span className="font-medium">{ok ? t('It works') : t('It does not work')}.</span> {sentence(message)} {ok && t('Answered after {ms} ms.', { ms: milliseconds })}
      </p>
    </div>
  );
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
    <Button needs="connect" icon={Link2} variant={integration.status === 'ready' ? 'secondary' : 'primary'} loading={isAsking} onClick={() => void connect()}>
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
    <Button needs="connect" icon={Trash2} variant="danger" onClick={() => void ask()}>
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
      <ul className="flex flex-col gap-3">{data?.items.map((usage) => <UsageLine key={usage.workflow_id} usage={usage} />)}</ul>
    </Card>
  );
}

function UsageLine({ usage }: { usage: Usage }) {
  return (
    <li className="flex items-start justify-between gap-3">
      <div className="min-w-0">
        <Link to={'/workflows/$workflowId'} params={{ workflowId: usage.workflow_id }} className="break-words text-accent underline">
          {usage.name}
        </Link>
        {usage.nodes.length > 0 && (
          <p className="text-sm break-words text-muted">
            {t('{n, plural, one {In the step {names}} other {In the steps {names}}}', { n: usage.nodes.length, names: usage.nodes.map(({ id, name }) => name ?? id).join(', ') })}
          </p>
        )}
      </div>
      <Badge tone={usage.is_active ? 'ok' : 'neutral'}>{usage.is_active ? t('On') : t('Off')}</Badge>
    </li>
  );
}
