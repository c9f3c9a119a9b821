/** One subscription: its state, its deliveries with each attempt, and what can be done with them. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { KeyRound, Pencil, RotateCw, Send, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { isNotFound } from '@/api/client';
import { POLL } from '@/api/queries';
import { msg, t } from '@/app/i18n';
import { formatDateTime, formatDuration } from '@/app/i18n/format';
import { Badge, Button, Card, confirm, Dialog, EmptyState, ErrorState, IconButton, Page, Skeleton, Switch, Table, Time, toast, toastError, type Column, type Tone } from '@/ui';
import { ValueView } from '@/ui/ValueView';
import { calls, type DeliverySummary, type Subscription } from './api';
import { eventWords, SubscriptionState } from './index';
import { SecretShown, SubscriptionDialog } from './SubscriptionDialog';

export default function SubscriptionScreen() {
  const { subscriptionId = '' }: { subscriptionId?: string } = useParams({ strict: false });
  const one = useQuery({ queryKey: ['subscriptions', 'one', subscriptionId], queryFn: () => calls.one(subscriptionId), refetchInterval: POLL.waiting });
  const back = { to: '/subscriptions', label: t('All subscriptions') };
  if (one.data) return <Loaded subscription={one.data} back={back} />;
  return (
    <Page title={t('Subscription')} back={back}>
      {one.isPending && <Skeleton lines={6} />}
      {one.error &&
        (isNotFound(one.error) ? <EmptyState title={t('There is no such subscription')} /> : <ErrorState error={one.error} onRetry={() => void one.refetch()} />)}
    </Page>
  );
}

function Loaded({ subscription, back }: { subscription: Subscription; back: { to: string; label: string } }) {
  const [isChanging, setChanging] = useState(false);
  return (
    <Page
      title={subscription.description ?? subscription.url}
      back={back}
      aside={<SubscriptionState subscription={subscription} />}
      actions={<Actions subscription={subscription} onChange={() => setChanging(true)} />}
    >
      <About subscription={subscription} />
      <Deliveries subscription={subscription} />
      {isChanging && <SubscriptionDialog subscription={subscription} onClose={() => setChanging(false)} />}
    </Page>
  );
}

function Actions({ subscription, onChange }: { subscription: Subscription; onChange: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [secret, setSecret] = useState<string | null>(null);
  const refresh = () => client.invalidateQueries({ queryKey: ['subscriptions'] });
  const ping = useMutation({
    mutationFn: () => calls.ping(subscription.id),
    onSuccess: () => toast(t('A test message is on its way'), { tone: 'ok' }),
    onError: (error) => toastError(t('The message could not be sent'), error),
    onSettled: refresh,
  });
  const rotate = async () => {
    const text = t('Messages are signed with the new one from now on. The receiver has to know it.');
    if (!(await confirm({ title: t('Make a new secret?'), text, action: t('New secret'), danger: true }))) return;
    await calls.rotate(subscription.id).then(
      (made) => setSecret(made.secret),
      (error: unknown) => toastError(t('That could not be changed'), error),
    );
  };
  const remove = async () => {
    const text = t('Nothing is sent to it any more, and its deliveries are gone.');
    if (!(await confirm({ title: t('Delete this subscription?'), text, action: t('Delete'), danger: true }))) return;
    await calls.remove(subscription.id).then(
      () => navigate({ to: '/subscriptions' }),
      (error: unknown) => toastError(t('It could not be deleted'), error),
    );
    await refresh();
  };
  return (
    <>
      <Button needs="execute" icon={Send} loading={ping.isPending} onClick={() => ping.mutate()}>
        {t('Send a test')}
      </Button>
      <IconButton needs="connect" icon={Pencil} label={t('Change')} onClick={onChange} />
      <IconButton needs="connect" icon={KeyRound} label={t('New secret')} onClick={() => void rotate()} />
      <IconButton needs="connect" icon={Trash2} label={t('Delete')} onClick={() => void remove()} />
      {secret !== null && <SecretShown secret={secret} onClose={() => setSecret(null)} />}
    </>
  );
}

function About({ subscription }: { subscription: Subscription }) {
  const client = useQueryClient();
  const turn = useMutation({
    mutationFn: (on: boolean) => calls.change(subscription.id, { is_enabled: on }),
    onError: (error) => toastError(t('That could not be changed'), error),
    onSettled: () => client.invalidateQueries({ queryKey: ['subscriptions'] }),
  });
  return (
    <Card>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-2">
        <dt className="text-muted">{t('Address')}</dt>
        <dd className="break-all">{subscription.url}</dd>
        <dt className="text-muted">{t('Tells of')}</dt>
        <dd>{eventWords(subscription)}</dd>
        {subscription.disabled_reason && (
          <>
            <dt className="text-muted">{t('Off, because')}</dt>
            <dd className="text-bad">{subscription.disabled_reason}</dd>
          </>
        )}
        {subscription.failing_since && (
          <>
            <dt className="text-muted">{t('Failing since')}</dt>
            <dd className="text-bad">
              <Time at={subscription.failing_since} />
            </dd>
          </>
        )}
        {subscription.paused_until && (
          <>
            <dt className="text-muted">{t('Paused until')}</dt>
            <dd>
              <Time at={subscription.paused_until} />
            </dd>
          </>
        )}
      </dl>
      <div className="mt-4">
        <Switch label={t('Send messages')} checked={subscription.is_enabled} needs="connect" disabled={turn.isPending} onChange={(on) => turn.mutate(on)} />
      </div>
    </Card>
  );
}

const STATES: Record<string, { tone: Tone; word: string }> = {
  pending: { tone: 'run', word: msg('On its way') },
  delivered: { tone: 'ok', word: msg('Delivered') },
  failed: { tone: 'bad', word: msg('Failed') },
};

function DeliveryState({ status }: { status: string }) {
  const { tone, word } = STATES[status] ?? { tone: 'neutral', word: status };
  return <Badge tone={tone}>{t(word)}</Badge>;
}

function Deliveries({ subscription }: { subscription: Subscription }) {
  const [shown, setShown] = useState<string | null>(null);
  const list = useInfiniteQuery({
    queryKey: ['subscriptions', 'deliveries', subscription.id],
    queryFn: ({ pageParam }) => calls.deliveries(subscription.id, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) === 1 ? POLL.list : false),
  });
  const deliveries = list.data?.pages.flatMap((page) => page.items) ?? [];
  const columns: Column<DeliverySummary>[] = [
    {
      key: 'type',
      header: t('Message'),
      cell: (one) => (
        <button type="button" className="font-medium hover:underline" onClick={() => setShown(one.id)}>
          {one.type}
        </button>
      ),
    },
    { key: 'state', header: t('State'), cell: (one) => <DeliveryState status={one.status} /> },
    { key: 'attempts', header: t('Attempts'), align: 'right', hideOnPhone: true, cell: (one) => one.attempts.length },
    { key: 'at', header: t('Created'), cell: (one) => <Time at={one.created_at} /> },
  ];
  return (
    <section className="flex flex-col gap-3">
      <h2 className="text-lg font-semibold">{t('Deliveries')}</h2>
      {list.isPending && <Skeleton lines={4} />}
      {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && deliveries.length === 0 && <p className="text-muted">{t('Nothing has been sent yet. Send a test to see whether it arrives.')}</p>}
      {deliveries.length > 0 && <Table label={t('Deliveries')} columns={columns} rows={deliveries} rowKey={(one) => one.id} onRowClick={(one) => setShown(one.id)} />}
      {list.hasNextPage && (
        <Button className="self-center" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
      {shown !== null && <DeliveryDialog subscription={subscription.id} delivery={shown} onClose={() => setShown(null)} />}
    </section>
  );
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function DeliveryDialog({ subscription, delivery, onClose }: { subscription: string; delivery: string; onClose: () => void }) {
  const client = useQueryClient();
  const { data, error } = useQuery({ queryKey: ['subscriptions', 'delivery', delivery], queryFn: () => calls.delivery(subscription, delivery), refetchInterval: POLL.list });
  const replay = useMutation({
    mutationFn: () => calls.replay(subscription, delivery),
    onSuccess: () => toast(t('It is sent again'), { tone: 'ok' }),
    onError: (problem) => toastError(t('The message could not be sent'), problem),
    onSettled: () => client.invalidateQueries({ queryKey: ['subscriptions'] }),
  });
  return (
    <Dialog
      open
      drawer
      onOpenChange={onClose}
      title={data?.type ?? t('Message')}
      footer={
        <Button needs="execute" icon={RotateCw} loading={replay.isPending} onClick={() => replay.mutate()}>
          {t('Send again')}
        </Button>
      }
    >
      {error && <ErrorState error={error} />}
      {!data && !error && <Skeleton lines={5} />}
      {data && (
        <div className="flex flex-col gap-4">
          <p className="flex flex-wrap items-center gap-2 text-muted">
            <DeliveryState status={data.status} />
            {data.next_at && (
              <>
                {t('Next attempt')} <Time at={data.next_at} />
              </>
            )}
          </p>
          <ol aria-label={t('Attempts')} className="flex flex-col gap-2">
            {data.attempts.map((attempt) => (
              <li key={attempt.at} className="rounded-md border border-line px-3 py-2 text-sm">
                <span className="font-medium">{attempt.status ?? t('No answer')}</span>
                <span className="text-muted">
                  {' · '}
                  {formatDuration(attempt.milliseconds)} · {formatDateTime(attempt.at, { dateStyle: 'medium', timeStyle: 'medium' })}
                </span>
                {attempt.error && <p className="mt-1 break-words text-bad">{attempt.error}</p>}
              </li>
            ))}
          </ol>
          <ValueView label={t('What is sent')} value={bodyOf(data.body)} />
        </div>
      )}
    </Dialog>
  );
}
