/** One approval: what is asked, what it is about, and the decision, which stays within reach of a thumb. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { isNotFound } from '@/api/client';
import { POLL } from '@/api/queries';
import { t } from '@/app/i18n';
import { Badge, EmptyState, ErrorState, Page, Skeleton, Time } from '@/ui';
import { ValueView } from '@/ui/ValueView';
import { DecisionForm } from '../runs/WaitForm';
import { startWord } from '../runs/words';
import { readApproval, type Approval } from './api';
import { Decision } from './index';
import { WhoDecides } from './WhoDecides';

export default function ApprovalScreen() {
  const { approvalId = '' }: { approvalId?: string } = useParams({ strict: false });
  const approval = useQuery({
    queryKey: ['approvals', 'one', approvalId],
    queryFn: () => readApproval(approvalId),
    refetchInterval: ({ state }) => (state.data && !state.data.decision ? POLL.list : false),
  });
  const back = { to: '/approvals', label: t('All approvals') };
  if (approval.data) return <Loaded key={approvalId} item={approval.data} back={back} />;
  return (
    <Page title={t('Approval')} back={back}>
      {approval.isPending && <Skeleton lines={6} />}
      {approval.error &&
        (isNotFound(approval.error) ? (
          <EmptyState title={t('This is not asked any more')} text={t('The run has ended, or its time is over.')} />
        ) : (
          <ErrorState error={approval.error} onRetry={() => void approval.refetch()} />
        ))}
    </Page>
  );
}

function Loaded({ item, back }: { item: Approval; back: { to: string; label: string } }) {
  const navigate = useNavigate();
  const isHere = useRef(false);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  // Who has gone elsewhere meanwhile stays there.
  const goOn = () => {
    if (isHere.current) void navigate({ to: '/approvals' });
  };
  return (
    <Page title={item.workflow_name || t('Approval')} back={back} aside={item.test && <Badge tone="violet">{t('Test')}</Badge>} full>
      <div className="flex h-full flex-col">
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys */}
        <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={0} role="region" aria-label={t('Approval')}>
          <div className="mx-auto flex w-full max-w-2xl flex-col gap-5 p-4 md:p-6">
            <Question item={item} />
            <Context item={item} />
            {item.history.length > 0 && <Earlier item={item} />}
          </div>
        </div>
        {!item.decision && item.may_answer && (
          <div className="shrink-0 border-t border-line bg-card">
            <div className="mx-auto w-full max-w-2xl p-4">
              <DecisionForm runId={item.execution_id} node={item.node} attempt={item.attempt} form={item.form} onDone={goOn} />
            </div>
          </div>
        )}
      </div>
    </Page>
  );
}

function Question({ item }: { item: Approval }) {
  return (
    <section className="flex flex-col gap-2">
      <h2 className="text-xl font-semibold break-words whitespace-pre-wrap">{item.message}</h2>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-muted">
        <span>
          {t('Asked')} <Time at={item.asked_at} />
        </span>
        {item.deadline && !item.decision && (
          <Badge tone="wait">
            {t('until')} <Time at={item.deadline} />
          </Badge>
        )}
        {!item.decision && item.needs > 1 && <span>{t('{n} of {needs} approved', { n: item.answers.length, needs: item.needs })}</span>}
        {item.approvers.length > 0 && (item.decision || item.may_answer) && <span>{t('for {people}', { people: item.approvers.join(', ') })}</span>}
      </p>
      {item.decision && (
        <div className="flex flex-col gap-1 rounded-lg border border-line bg-card px-4 py-3">
          <p className="flex flex-wrap items-center gap-2 text-sm text-muted">
            <Decision item={item} />
          </p>
          {item.comment && <p className="break-words whitespace-pre-wrap">{item.comment}</p>}
        </div>
      )}
      {item.answers.length > 0 && <Answers item={item} />}
      {!item.decision && !item.may_answer && <WhoDecides item={item} />}
      {item.notes && <p className="break-words whitespace-pre-wrap text-muted">{item.notes}</p>}
    </section>
  );
}

/** Where several people have to approve it: what each of them has said. */
function Answers({ item }: { item: Approval }) {
  return (
    <ul className="flex flex-col divide-y divide-line rounded-lg border border-line bg-card">
      {item.answers.map((one) => (
        <li key={one.by} className="px-4 py-2.5">
          <p className="flex flex-wrap items-center gap-2 text-sm text-muted">
            <Badge tone={one.decision === 'approved' ? 'ok' : 'bad'}>{one.decision === 'approved' ? t('Approved') : t('Rejected')}</Badge>
            <span className="break-all">{one.email ?? one.by}</span>
            <Time at={one.at} />
          </p>
          {one.comment && <p className="mt-1 break-words whitespace-pre-wrap">{one.comment}</p>}
        </li>
      ))}
    </ul>
  );
}

function Context({ item }: { item: Approval }) {
  const hasInput = item.input !== null && item.input !== undefined && JSON.stringify(item.input) !== '{}';
  return (
    <section className="flex flex-col gap-4 rounded-lg border border-line bg-card p-4">
      <p className="flex flex-wrap justify-between gap-2 text-sm text-muted">
        <span>
          {item.trigger_type !== null && startWord(item.trigger_type)} {item.started_at && <Time at={item.started_at} />}
        </span>
        <Link to="/runs/$runId" params={{ runId: item.execution_id }} search={{ node: item.node }} className="text-accent underline">
          {t('See the run')}
        </Link>
      </p>
      {hasInput && <ValueView label={t('What it began with')} value={item.input} />}
      {item.before.map((step) => (
        <ValueView key={step.id} label={step.name ?? step.id} value={step.output} />
      ))}
    </section>
  );
}

function Earlier({ item }: { item: Approval }) {
  return (
    <section className="flex flex-col gap-2">
      <h2 className="font-semibold">{t('Decided before')}</h2>
      <ul className="flex flex-col divide-y divide-line rounded-lg border border-line bg-card">
        {item.history.map((one) => (
          <li key={one.id} className="px-4 py-3">
            <p className="line-clamp-2 break-words">{one.message}</p>
            <p className="mt-1 flex flex-wrap items-center gap-2 text-sm text-muted">
              <Decision item={one} />
            </p>
            {one.comment && <p className="mt-1 break-words whitespace-pre-wrap">{one.comment}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
