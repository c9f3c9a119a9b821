/** All that starts workflows by itself: which of it is well, and which is failing or silent. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Zap } from 'lucide-react';
import { POLL } from '@/api/queries';
import { t } from '@/app/i18n';
import { Badge, Button, buttonClass, EmptyState, ErrorState, Page, Skeleton, Table, Time, type Column } from '@/ui';
import { calls, type Trigger } from './api';
import { bySickness, healthOf } from './health';
import { detailOf, nameOf, typeLook } from './words';

export default function TriggersScreen() {
  const list = useInfiniteQuery({
    queryKey: ['triggers', 'list'],
    queryFn: ({ pageParam }) => calls.list(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) === 1 ? POLL.list : false),
  });
  const triggers = bySickness(list.data?.pages.flatMap((page) => page.items) ?? []);
  return (
    <Page title={t('Triggers')}>
      {list.isPending && <Skeleton lines={5} />}
      {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && triggers.length === 0 && (
        <EmptyState
          icon={Zap}
          title={t('No workflow starts by itself yet')}
          text={t('Give a workflow a schedule, a web address or an event in its editor. Here you see whether it works.')}
          action={
            <Link to="/workflows" className={buttonClass('primary')}>
              {t('To the workflows')}
            </Link>
          }
        />
      )}
      {triggers.length > 0 && <TriggerTable triggers={triggers} />}
      {list.hasNextPage && (
        <Button className="self-center" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
    </Page>
  );
}

export function HealthBadge({ trigger }: { trigger: Trigger }) {
  const { tone, icon, word } = healthOf(trigger);
  return (
    <Badge tone={tone} icon={icon}>
      {t(word)}
    </Badge>
  );
}

function TriggerTable({ triggers }: { triggers: readonly Trigger[] }) {
  const navigate = useNavigate();
  const columns: Column<Trigger>[] = [
    {
      key: 'name',
      header: t('Trigger'),
      cell: (one) => {
        const { word, icon: Icon } = typeLook(one.type);
        return (
          <div className="flex items-start gap-3">
            <span className="mt-0.5 flex size-7 shrink-0 items-center justify-center rounded-md bg-accent-soft text-accent">
              <Icon aria-hidden className="size-4" />
            </span>
            <div className="min-w-0">
              <Link to="/triggers/$workflowId/$triggerId" params={{ workflowId: one.workflow_id, triggerId: one.id }} className="font-medium hover:underline">
                {one.workflow_name}
              </Link>
              <p className="text-sm break-words text-muted">
                {one.name ?? word}
                {detailOf(one) && ` · ${detailOf(one)}`}
              </p>
            </div>
          </div>
        );
      },
    },
    { key: 'health', header: t('Health'), cell: (one) => <HealthBadge trigger={one} /> },
    { key: 'last', header: t('Last start'), hideOnPhone: true, cell: (one) => <Time at={one.last_fired_at} /> },
    { key: 'next', header: t('Next start'), hideOnPhone: true, cell: (one) => <Time at={one.next_expected_at} /> },
    { key: 'fired', header: t('Starts'), hideOnPhone: true, align: 'right', cell: (one) => <span className="tabular-nums">{one.fired}</span> },
  ];
  return (
    <Table
      label={t('Triggers')}
      columns={columns}
      rows={triggers}
      rowKey={(one) => `${one.workflow_id} ${nameOf(one)} ${one.id}`}
      onRowClick={(one) => void navigate({ to: '/triggers/$workflowId/$triggerId', params: { workflowId: one.workflow_id, triggerId: one.id } })}
    />
  );
}
