/** One trigger: its health, its address, what it got last, and what can be done with it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { FlaskConical, History, KeyRound, PencilRuler, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { isNotFound } from '@/api/client';
import { POLL } from '@/api/queries';
import { t } from '@/app/i18n';
import { formatDateTime } from '@/app/i18n/format';
import { Button, buttonClass, Card, confirm, CopyRow, EmptyState, ErrorState, Field, Line, Page, Skeleton, Status, Switch, Time, toast, toastError } from '@/ui';
import { ValueView } from '@/ui/ValueView';
import { RunLink } from '../runs/Facts';
import { calls, type Trigger } from './api';
import { isRefusing } from './health';
import { BackfillDialog, SecretDialog, TestDialog } from './dialogs';
import { HealthBadge } from './index';
import { detailOf, nameOf, typeLook } from './words';

export default function TriggerScreen() {
  const { workflowId = '', triggerId = '' }: { workflowId?: string; triggerId?: string } = useParams({ strict: false });
  const trigger = useQuery({
    queryKey: ['triggers', 'one', workflowId, triggerId],
    queryFn: () => calls.one(workflowId, triggerId),
    refetchInterval: POLL.list,
  });
  const back = { to: '/triggers', label: t('All triggers') };
  if (trigger.data) return <Loaded trigger={trigger.data} back={back} />;
  return (
    <Page title={t('Trigger')} back={back}>
      {trigger.isPending && <Skeleton lines={6} />}
      {trigger.error &&
        (isNotFound(trigger.error) ? (
          <EmptyState title={t('There is no such trigger')} text={t('The workflow may have changed since.')} />
        ) : (
          <ErrorState error={trigger.error} onRetry={() => void trigger.refetch()} />
        ))}
    </Page>
  );
}

function Loaded({ trigger, back }: { trigger: Trigger; back: { to: string; label: string } }) {
  const [dialog, setDialog] = useState<'test' | 'backfill' | 'secret' | null>(null);
  const close = () => setDialog(null);
  return (
    <Page
      title={`${trigger.workflow_name}: ${trigger.name ?? typeLook(trigger.type).word}`}
      back={back}
      aside={<HealthBadge trigger={trigger} />}
      actions={
        <>
          {trigger.type === 'schedule' && (
            <Button needs="execute" icon={History} onClick={() => setDialog('backfill')}>
              {t('Catch up')}
            </Button>
          )}
          <Button needs="execute" icon={FlaskConical} onClick={() => setDialog('test')}>
            {t('Test')}
          </Button>
          <Link to={'/workflows/$workflowId'} params={{ workflowId: trigger.workflow_id }} className={buttonClass()}>
            <PencilRuler aria-hidden className="size-4" />
            <span className="max-sm:sr-only">{t('Open in the editor')}</span>
          </Link>
        </>
      }
    >
      <Trouble trigger={trigger} />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <HealthCard trigger={trigger} />
        {trigger.type === 'webhook' && <AddressCard trigger={trigger} onSecret={() => setDialog('secret')} />}
        {trigger.type === 'schedule' && <TimesCard trigger={trigger} />}
        <Deliveries trigger={trigger} />
      </div>
      {dialog === 'test' && <TestDialog trigger={trigger} onClose={close} />}
      {dialog === 'backfill' && <BackfillDialog trigger={trigger} onClose={close} />}
      {dialog === 'secret' && <SecretDialog trigger={trigger} onClose={close} />}
    </Page>
  );
}

function Trouble({ trigger }: { trigger: Trigger }) {
  const failure = trigger.last_failure;
  const lines = [
    trigger.silent_since && t('It should have started something since {time}, and has not.', { time: formatDateTime(trigger.silent_since) }),
    trigger.consecutive_failures > 0 &&
      t('{n, plural, one {The last run has failed.} other {The last # runs have failed.}}', { n: trigger.consecutive_failures }) +
        (typeof failure?.message === 'string' ? ` ${failure.message}` : ''),
    isRefusing(trigger) && trigger.last_refusal && t('It refused what came last: {why}', { why: trigger.last_refusal }),
  ].filter((line) => typeof line === 'string' && line !== '');
  if (!lines.length) return null;
  return (
    <ul role="alert" className="flex flex-col gap-1 rounded-lg border border-wait/30 bg-wait-soft px-4 py-3 text-wait">
      {lines.map((line) => (
        <li key={String(line)} className="break-words">
          {line}
        </li>
      ))}
    </ul>
  );
}

function HealthCard({ trigger }: { trigger: Trigger }) {
  const client = useQueryClient();
  const turn = useMutation({
    mutationFn: (on: boolean) => calls.activate(trigger.workflow_id, on),
    onError: (error) => toastError(t('That could not be changed'), error),
    onSettled: () => client.invalidateQueries({ queryKey: ['triggers'] }),
  });
  const outcome = trigger.last_outcome;
  return (
    <Card
      title={t('Health')}
      aside={
        <span className="flex items-center gap-2 text-sm">
          {trigger.is_active ? t('On') : t('Off')}
          <Switch bare label={t('Triggers of this workflow')} checked={trigger.is_active} needs="publish" disabled={turn.isPending} onChange={(on) => turn.mutate(on)} />
        </span>
      }
    >
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-2">
        <Line name={t('Listens to')}>{detailOf(trigger) || typeLook(trigger.type).word}</Line>
        <Line name={t('Last start')}>
          <Time at={trigger.last_fired_at} />
        </Line>
        <Line name={t('Next start')}>
          <Time at={trigger.next_expected_at} />
        </Line>
        <Line name={t('Last run')}>
          {outcome ? (
            <span className="inline-flex items-center gap-2">
              <Status status={outcome.status} /> <RunLink id={outcome.execution_id}>{t('See the run')}</RunLink>
            </span>
          ) : (
            '–'
          )}
        </Line>
        <Line name={t('Starts')}>{trigger.fired}</Line>
        <Line name={t('Failed')}>{trigger.failed}</Line>
        <Line name={t('Refused')}>{trigger.refused}</Line>
      </dl>
      <p className="mt-3">
        <Link to="/runs" search={{ workflow: trigger.workflow_id, start: trigger.type }} className="text-accent underline">
          {t('All runs that it started')}
        </Link>
      </p>
    </Card>
  );
}

function AddressCard({ trigger, onSecret }: { trigger: Trigger; onSecret: () => void }) {
  const client = useQueryClient();
  const rotate = useMutation({
    mutationFn: () => calls.rotate(trigger.workflow_id, trigger.id),
    onSuccess: (now) => {
      client.setQueryData(['triggers', 'one', trigger.workflow_id, trigger.id], now);
      toast(t('It has a new address'), { tone: 'ok' });
    },
    onError: (error) => toastError(t('That could not be changed'), error),
    onSettled: () => client.invalidateQueries({ queryKey: ['triggers'] }),
  });
  const ask = async () => {
    const yes = await confirm({
      title: t('Give it a new address?'),
      text: t('The address of now ends at once. Whoever sends to it needs the new one.'),
      action: t('New address'),
      danger: true,
    });
    if (yes) rotate.mutate();
  };
  return (
    <Card title={t('Address')}>
      <div className="flex flex-col gap-4">
        {trigger.url ? (
          <Field label={t('Send to')} hint={trigger.is_active ? undefined : t('It takes nothing while the workflow is off.')}>
            <CopyRow text={trigger.url} />
          </Field>
        ) : (
          <p className="text-muted">{t('It has no address before its workflow is on for the first time.')}</p>
        )}
        {trigger.has_secret !== null && (
          <p className="text-muted">
            {trigger.has_secret ? t('It has a secret, with which deliveries are checked. Nobody can read it again.') : t('It has no secret yet.')}
          </p>
        )}
        <div className="flex flex-wrap gap-2">
          {trigger.has_secret !== null && (
            <Button needs="publish" icon={KeyRound} onClick={onSecret}>
              {trigger.has_secret ? t('Replace the secret') : t('Set a secret')}
            </Button>
          )}
          <Button needs="publish" icon={RefreshCw} variant="danger" loading={rotate.isPending} onClick={() => void ask()}>
            {t('New address')}
          </Button>
        </div>
      </div>
    </Card>
  );
}

function TimesCard({ trigger }: { trigger: Trigger }) {
  const { data, isPending, error } = useQuery({
    queryKey: ['triggers', 'times', trigger.workflow_id],
    queryFn: () => calls.schedule(trigger.workflow_id),
    staleTime: 30_000,
  });
  const own = data?.items.find(({ trigger_id }) => trigger_id === trigger.id);
  return (
    <Card title={t('Next times')} aside={own && <span className="text-sm text-muted">{own.timezone}</span>}>
      {isPending && <Skeleton lines={4} />}
      {error && <ErrorState error={error} />}
      {data && !own?.times.length && <p className="text-muted">{t('There are none any more.')}</p>}
      <ol className="flex flex-col gap-1.5">
        {own?.times.map((time) => (
          <li key={time} className="flex justify-between gap-4">
            <span>{formatDateTime(time, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: own.timezone })}</span>
            <span className="text-muted">
              <Time at={time} />
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Deliveries({ trigger }: { trigger: Trigger }) {
  const { data } = useQuery({
    queryKey: ['triggers', 'sample', trigger.workflow_id, trigger.id, trigger.fired],
    queryFn: () => calls.sample(trigger.workflow_id, trigger.id),
    // A start is counted a moment before what started it can be read.
    refetchInterval: (query) => (trigger.fired > 0 && !query.state.data?.last ? POLL.list : false),
  });
  return (
    <Card title={data?.last ? t('What it got last') : t('What it gives, for example')}>
      {data ? <ValueView label={nameOf(trigger)} value={data.last ?? data.sample} /> : <Skeleton lines={4} />}
    </Card>
  );
}
