/** Who outside is told when runs end. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Ban, CircleAlert, CircleCheck, CirclePause, Megaphone, Plus } from 'lucide-react';
import { useState } from 'react';
import { POLL } from '@/api/queries';
import { t } from '@/app/i18n';
import { Badge, Button, EmptyState, ErrorState, Page, Skeleton, Table, Time, type Column } from '@/ui';
import { calls, type Subscription } from './api';
import { EVENTS, eventsIn } from './events';
import { SubscriptionDialog } from './SubscriptionDialog';

export default function SubscriptionsScreen() {
  const [isAdding, setAdding] = useState(false);
  const list = useQuery({ queryKey: ['subscriptions', 'list'], queryFn: calls.list, refetchInterval: POLL.waiting });
  const subscriptions = list.data?.items ?? [];
  const add = (
    <Button needs="connect" icon={Plus} variant="primary" onClick={() => setAdding(true)}>
      {t('New subscription')}
    </Button>
  );
  return (
    <Page title={t('Subscriptions')} actions={subscriptions.length > 0 && add}>
      {list.isPending && <Skeleton lines={5} />}
      {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && subscriptions.length === 0 && (
        <EmptyState
          icon={Megaphone}
          title={t('Tell other systems')}
          text={t('When a run ends, Mainspring can send a signed message to an address of yours: to a chat, a ticket system, a program.')}
          action={add}
        />
      )}
      {subscriptions.length > 0 && <SubscriptionTable subscriptions={subscriptions} />}
      {isAdding && <SubscriptionDialog onClose={() => setAdding(false)} />}
    </Page>
  );
}

export function SubscriptionState({ subscription }: { subscription: Subscription }) {
  if (!subscription.is_enabled)
    return (
      <Badge tone={subscription.disabled_reason ? 'bad' : 'neutral'} icon={Ban}>
        {t('Off')}
      </Badge>
    );
  if (subscription.paused_until)
    return (
      <Badge tone="wait" icon={CirclePause}>
        {t('Paused')}
      </Badge>
    );
  if (subscription.failing_since)
    return (
      <Badge tone="bad" icon={CircleAlert}>
        {t('Failing')}
      </Badge>
    );
  return (
    <Badge tone="ok" icon={CircleCheck}>
      {t('On')}
    </Badge>
  );
}

/** The events of a subscription in words. */
export function eventWords(subscription: Subscription): string {
  const found = eventsIn(subscription.events);
  if (found.length === EVENTS.length) return t('Every end of a run');
  return EVENTS.filter(({ value }) => found.includes(value))
    .map(({ label }) => t(label))
    .join(', ');
}

function SubscriptionTable({ subscriptions }: { subscriptions: readonly Subscription[] }) {
  const navigate = useNavigate();
  const columns: Column<Subscription>[] = [
    {
      key: 'url',
      header: t('Address'),
      className: 'max-w-md',
      cell: (one) => (
        <>
          <Link to="/subscriptions/$subscriptionId" params={{ subscriptionId: one.id }} className="font-medium break-all hover:underline">
            {one.description ?? one.url}
          </Link>
          {one.description && <p className="truncate text-sm text-muted">{one.url}</p>}
        </>
      ),
    },
    { key: 'state', header: t('State'), cell: (one) => <SubscriptionState subscription={one} /> },
    { key: 'events', header: t('Tells of'), hideOnPhone: true, cell: (one) => <span className="text-muted">{eventWords(one)}</span> },
    { key: 'created', header: t('Created'), hideOnPhone: true, cell: (one) => <Time at={one.created_at} /> },
  ];
  return (
    <Table
      label={t('Subscriptions')}
      columns={columns}
      rows={subscriptions}
      rowKey={(one) => one.id}
      onRowClick={(one) => void navigate({ to: '/subscriptions/$subscriptionId', params: { subscriptionId: one.id } })}
    />
  );
}
