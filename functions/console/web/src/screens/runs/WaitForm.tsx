/** What a step waits for, and the answer: a decision, or what a callback would bring. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Send } from 'lucide-react';
import { useState } from 'react';
import { POLL } from '@/api/queries';
import { t } from '@/app/i18n';
import { keep } from '@/app/kept';
import { useTyped } from '@/app/typed';
import { useCan } from '@/app/can';
import { ApiError } from '@/api/client';
import { BroughtBack, Button, CopyRow, ErrorState, Field, Skeleton, TextArea, Time, toast, toastError } from '@/ui';
import { approvalOf } from '../approvals/api';
import { WhoDecides } from '../approvals/WhoDecides';
import { sendSignal, type Run, type SignalBody, type Wait } from './api';
import { DecisionFields } from './DecisionFields';

interface WaitProps {
  run: Pick<Run, 'id'>;
  node: string;
  wait: Wait;
}

export function WaitForm(props: WaitProps) {
  const { wait } = props;
  if (wait.kind === 'approval')
    return (
      <div className="flex flex-col gap-3 rounded-lg border border-line bg-page p-3">
        {wait.message && <p className="break-words whitespace-pre-wrap">{wait.message}</p>}
        {wait.approvers && <p className="text-sm text-muted">{t('Asked: {people}', { people: wait.approvers.join(', ') })}</p>}
        <Until at={wait.deadline} />
        <Decide key={`${props.node} ${wait.attempt}`} {...props} />
      </div>
    );
  if (wait.kind === 'callback') return <CallbackForm key={`${props.node} ${wait.attempt}`} {...props} />;
  return <Until at={wait.deadline} />;
}

/** The answer of whoever may give one; anybody else sees who may. */
function Decide({ run, node, wait }: WaitProps) {
  const approval = useQuery({
    queryKey: ['approvals', 'of', run.id, node, wait.attempt],
    queryFn: () => approvalOf(run.id, node, wait.attempt),
    refetchInterval: POLL.list,
  });
  if (approval.data?.may_answer) return <DecisionForm runId={run.id} node={node} attempt={wait.attempt} form={wait.form} />;
  if (approval.data) return <WhoDecides item={approval.data} />;
  if (approval.isPending) return <Skeleton lines={2} />;
  if (approval.error) return <ErrorState error={approval.error} onRetry={() => void approval.refetch()} />;
  return <p className="text-muted">{t('This is not asked any more')}</p>;
}

function Until({ at }: { at: string | null }) {
  if (!at) return null;
  return (
    <p className="text-sm text-muted">
      {t('Time to answer ends')} <Time at={at} />
    </p>
  );
}

/** Sends an answer, and tells what became of it; the first answer stands. */
export function useSignal(runId: string, node: string, onDone?: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: SignalBody) => sendSignal(runId, node, body),
    onSuccess: (answer, { decision }) => {
      const said = decision === 'approved' ? t('Approved') : decision === 'rejected' ? t('Rejected') : t('Sent');
      toast(answer.decided ? said : t('Further people have to approve it'), { tone: 'ok' });
      onDone?.();
    },
    onError: (error) => {
      const wasFirst = error instanceof ApiError && error.code === 'already_answered';
      toastError(wasFirst ? t('Somebody else was faster') : t('The answer was not taken'), error);
    },
    onSettled: () =>
      Promise.all([client.invalidateQueries({ queryKey: ['runs'] }), client.invalidateQueries({ queryKey: ['approvals'] })]),
  });
}

function keptName(runId: string, node: string, attempt: number): string {
  return `answer.${runId}.${node}.${attempt}`;
}

interface DecisionFormProps {
  runId: string;
  node: string;
  attempt: number;
  form?: object | null;
  onDone?: () => void;
}

export function DecisionForm({ runId, node, attempt, form, onDone }: DecisionFormProps) {
  const keptAs = keptName(runId, node, attempt);
  const signal = useSignal(runId, node, () => {
    keep(keptAs, null);
    onDone?.();
  });
  return (
    <DecisionFields
      keptAs={keptAs}
      form={form}
      error={signal.error instanceof ApiError && signal.error.status === 422 ? signal.error : null}
      sending={signal.isPending ? (signal.variables.decision ?? null) : null}
      onDecide={(given) => signal.mutate({ ...given, attempt })}
    />
  );
}

function CallbackForm({ run, node, wait }: WaitProps) {
  const typed = useTyped(keptName(run.id, node, wait.attempt), { text: '' });
  const { text } = typed.value;
  const [problem, setProblem] = useState<string | null>(null);
  const signal = useSignal(run.id, node, () => typed.forget());
  const mayAnswer = useCan('answer');
  const send = () => {
    try {
      const body: unknown = text.trim() ? JSON.parse(text) : {};
      setProblem(null);
      signal.mutate({ body, attempt: wait.attempt });
    } catch {
      setProblem(t('This is no JSON yet.'));
    }
  };
  return (
    <div className="flex flex-col gap-3 rounded-lg border border-line bg-page p-3">
      <p>{t('It waits until another system calls back.')}</p>
      <Until at={wait.deadline} />
      {wait.url && (
        <Field label={t('Address to call')}>
          <CopyRow text={wait.url} />
        </Field>
      )}
      {mayAnswer && (
        <>
          <BroughtBack typed={typed} />
          <Field label={t('Answer in its place')} error={problem} hint={t('What the other system would send, as JSON.')}>
            <TextArea rows={3} className="font-mono" value={text} placeholder='{"paid": true}' onChange={(event) => typed.change({ text: event.target.value })} />
          </Field>
          <Button icon={Send} className="self-start" loading={signal.isPending} onClick={send}>
            {t('Send')}
          </Button>
        </>
      )}
    </div>
  );
}
