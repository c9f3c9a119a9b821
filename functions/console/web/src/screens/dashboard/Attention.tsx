/** What wants somebody's attention: decisions, triggers that are not well, runs that failed. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { msg, t } from '@/app/i18n';
import { Badge, Card, ErrorState, Skeleton, Time } from '@/ui';
import { lastFailures, myApprovals, sickTriggers, type TriggerHealth } from './queries';

interface AttentionProps<Item> {
  title: string;
  /** Where all of them are. */
  all: string;
  /** Which of them. */
  filter?: Record<string, string>;
  query: UseQueryResult<Item[]>;
  /** What is said where there are none. */
  none: string;
  children: (item: Item) => ReactNode;
  keyOf: (item: Item) => string;
}

function Attention<Item>({ title, all, filter = {}, query, none, children, keyOf }: AttentionProps<Item>) {
  return (
    <Card
      title={title}
      aside={
        <Link to={all} search={filter} className="text-accent hover:underline">
          {t('All')}
          <span className="sr-only">: {title}</span>
        </Link>
      }
    >
      {query.isPending && <Skeleton />}
      {query.isError && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {query.data?.length === 0 && <p className="text-muted">{none}</p>}
      {query.data && query.data.length > 0 && (
        <ul className="-my-2 divide-y divide-line">
          {query.data.map((item) => (
            <li key={keyOf(item)} className="py-2">
              {children(item)}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

const LINK = 'font-medium hover:underline';

export function Approvals() {
  const query = useQuery({ ...myApprovals, select: ({ items }) => items });
  return (
    <Attention title={t('Waiting for you')} all="/approvals" query={query} none={t('Nothing waits for your decision.')} keyOf={({ id }) => id}>
      {({ id, message, workflow_name, asked_at }) => (
        <>
          <Link to={`/approvals/${id}`} className={LINK}>
            {message || workflow_name}
          </Link>
          <p className="text-sm text-muted">
            {workflow_name} · <Time at={asked_at} />
          </p>
        </>
      )}
    </Attention>
  );
}

const HEALTH: Record<string, string> = { failing: msg('Failing'), silent: msg('Silent'), no_secret: msg('No secret') };

export function SickTriggers() {
  const query = useQuery(sickTriggers);
  return (
    <Attention
      title={t('Triggers with a problem')}
      all="/triggers"
      query={query}
      none={t('All triggers are well.')}
      keyOf={({ workflow_id, id }) => `${workflow_id}/${id}`}
    >
      {(trigger) => (
        <>
          <div className="flex items-center justify-between gap-3">
            <Link to={`/triggers/${trigger.workflow_id}/${trigger.id}`} className={`min-w-0 truncate ${LINK}`}>
              {trigger.name ?? trigger.id}
            </Link>
            <Badge tone={trigger.status === 'failing' ? 'bad' : 'wait'}>{t(HEALTH[trigger.status] ?? trigger.status)}</Badge>
          </div>
          <p className="text-sm text-muted">
            {trigger.workflow_name} <Why trigger={trigger} />
          </p>
        </>
      )}
    </Attention>
  );
}

function Why({ trigger }: { trigger: TriggerHealth }) {
  if (trigger.silent_since)
    return (
      <>
        · <Time at={trigger.silent_since} />
      </>
    );
  return trigger.last_failure?.message ? <>· {trigger.last_failure.message}</> : null;
}

export function Failures() {
  const query = useQuery({ ...lastFailures, select: ({ items }) => items });
  return (
    <Attention title={t('Last failures')} all="/runs" filter={{ status: 'failed,timed_out' }} query={query} none={t('Nothing has failed.')} keyOf={({ id }) => id}>
      {({ id, workflow_name, error, completed_at, created_at }) => (
        <>
          <Link to={`/runs/${id}`} className={LINK}>
            {workflow_name ?? id}
          </Link>
          <p className="line-clamp-2 text-sm break-words text-bad">{error?.message}</p>
          <p className="text-sm text-muted">
            <Time at={completed_at ?? created_at} />
          </p>
        </>
      )}
    </Attention>
  );
}
