/** What waits for somebody's decision: made to be read and answered with a thumb. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Check, ChevronRight, Inbox, X } from 'lucide-react';
import { POLL } from '@/api/queries';
import { t } from '@/app/i18n';
import { Badge, Button, EmptyState, ErrorState, Page, Select, Skeleton, Time } from '@/ui';
import { listApprovals, type ApprovalQuery, type ApprovalSummary } from './api';

interface Shown {
  show?: string;
}

const VIEWS: Record<string, ApprovalQuery> = {
  mine: { mine: true, state: 'open' },
  all: { mine: false, state: 'open' },
  decided: { mine: true, state: 'decided' },
  history: { mine: false, state: 'decided' },
};

export default function ApprovalsScreen() {
  const { show = 'mine' }: Shown = useSearch({ strict: false });
  const navigate = useNavigate();
  const view = VIEWS[show] ?? { mine: true, state: 'open' };
  const list = useInfiniteQuery({
    queryKey: ['approvals', 'list', view],
    queryFn: ({ pageParam }) => listApprovals(view, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) => (view.state === 'open' && (query.state.data?.pages.length ?? 1) === 1 ? POLL.list : false),
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page
      title={t('Approvals')}
      actions={
        <Select
          aria-label={t('Which approvals')}
          value={show}
          options={[
            { value: 'mine', label: t('Waiting for me') },
            { value: 'all', label: t('Waiting for anybody') },
            { value: 'decided', label: t('Decided by me') },
            { value: 'history', label: t('All that are decided') },
          ]}
          onChange={(value) => void navigate({ to: '/approvals', search: { show: value }, replace: true })}
        />
      }
    >
      {list.isPending && <Skeleton lines={5} />}
      {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && items.length === 0 && <Nothing isOpen={view.state === 'open'} />}
      {items.length > 0 && (
        <ul className="mx-auto flex w-full max-w-2xl flex-col gap-2">
          {items.map((item) => (
            <li key={item.id}>
              <Card item={item} />
            </li>
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button className="self-center" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
    </Page>
  );
}

function Nothing({ isOpen }: { isOpen: boolean }) {
  return (
    <EmptyState
      icon={Inbox}
      title={isOpen ? t('Nothing waits for a decision') : t('Nothing has been decided yet')}
      text={isOpen ? t('When a workflow asks somebody to approve something, it is here.') : t('Decisions of the last 90 days are here, with who made them and why.')}
    />
  );
}

function Card({ item }: { item: ApprovalSummary }) {
  return (
    <Link
      to="/approvals/$approvalId"
      params={{ approvalId: item.id }}
      className="flex items-center gap-3 rounded-lg border border-line bg-card px-4 py-3.5 shadow-raised hover:border-line-strong"
    >
      <span className="min-w-0 flex-1">
        <span className="flex flex-wrap items-center gap-2 text-sm text-muted">
          <span className="font-medium">{item.workflow_name}</span>
          {item.test && <Badge tone="violet">{t('Test')}</Badge>}
        </span>
        <span className="mt-0.5 line-clamp-2 font-semibold break-words">{item.message}</span>
        <span className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
          {item.decision ? <Decision item={item} /> : <Time at={item.asked_at} />}
          {!item.decision && item.deadline && (
            <Badge tone="wait">
              {t('until')} <Time at={item.deadline} />
            </Badge>
          )}
          {!item.decision && item.needs > 1 && <span>{t('{n} of {needs} approved', { n: item.answers.length, needs: item.needs })}</span>}
          {!item.decision && !item.may_answer && <span>{t('for {people}', { people: item.approvers.join(', ') })}</span>}
        </span>
      </span>
      <ChevronRight aria-hidden className="size-4 shrink-0 text-muted" />
    </Link>
  );
}

/** What was decided, by whom and when. */
export function Decision({ item }: { item: ApprovalSummary }) {
  const isYes = item.decision === 'approved';
  return (
    <>
      <Badge tone={isYes ? 'ok' : 'bad'} icon={isYes ? Check : X}>
        {isYes ? t('Approved') : t('Rejected')}
      </Badge>
      {item.decided_by && <span className="break-all">{item.decided_by.email}</span>}
      {item.decided_at && <Time at={item.decided_at} />}
    </>
  );
}
