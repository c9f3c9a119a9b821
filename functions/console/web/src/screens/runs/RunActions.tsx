/** What can be done with a run: stop it, go on from where it failed, open the workflow with its data. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Ban, ChevronDown, PencilRuler, RotateCw } from 'lucide-react';
import { useRef } from 'react';
import { t } from '@/app/i18n';
import { Button, buttonClass, confirm, Menu, toast, toastError, type MenuEntry } from '@/ui';
import { cancelRun, isOpen, retryRun, type RetryBody, type Run } from './api';

export function RunActions({ run, from }: { run: Run; from: string | undefined }) {
  return (
    <>
      {isOpen(run.status) ? <Cancel run={run} /> : <Retry run={run} from={from} />}
      <Link
        to={'/workflows/$workflowId'}
        params={{ workflowId: run.workflow_id }}
        search={{ pin: run.id }}
        className={buttonClass()}
      >
        <PencilRuler aria-hidden className="size-4" />
        <span className="max-sm:sr-only">{t('Open in the editor')}</span>
      </Link>
    </>
  );
}

function Cancel({ run }: { run: Run }) {
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.id),
    onSuccess: () => toast(t('The run is canceled'), { tone: 'ok' }),
    onError: (error) => toastError(t('The run could not be canceled'), error),
    onSettled: () => client.invalidateQueries({ queryKey: ['runs'] }),
  });
  const ask = async () => {
    const yes = await confirm({
      title: t('Cancel this run?'),
      text: t('No further step starts. What its steps have done already stays done.'),
      action: t('Cancel the run'),
      danger: true,
    });
    if (yes) cancel.mutate();
  };
  return (
    <Button icon={Ban} loading={cancel.isPending} onClick={() => void ask()}>
      {t('Cancel the run')}
    </Button>
  );
}

function Retry({ run, from }: { run: Run; from: string | undefined }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  // A click that is sent again after a lost answer starts nothing twice.
  const key = useRef(crypto.randomUUID());
  const retry = useMutation({
    mutationFn: (body: RetryBody) => retryRun(run.id, body, key.current),
    onSuccess: (next) => {
      void client.invalidateQueries({ queryKey: ['runs', 'list'] });
      void navigate({ to: '/runs/$runId', params: { runId: next.id } });
    },
    onError: (error) => toastError(t('It could not be started again'), error),
    onSettled: () => {
      key.current = crypto.randomUUID();
    },
  });
  if (run.test) return null;
  const entries: MenuEntry[] = [];
  const offer = (heading: string, body: RetryBody) => {
    entries.push(
      { heading },
      { label: t('With the same version'), onSelect: () => retry.mutate({ ...body, version: 'same' }) },
      { label: t('With the version that is live now'), onSelect: () => retry.mutate({ ...body, version: 'current' }) },
    );
  };
  if (run.status !== 'succeeded') offer(t('From what failed'), { from: 'failed' });
  if (from) offer(t('From the step {node}', { node: from }), { from });
  const first = run.nodes.find(({ id }) => !id.includes('['))?.id;
  if (first && first !== from) offer(t('From its first step'), { from: first });
  return (
    <Menu
      trigger={
        <Button icon={RotateCw} loading={retry.isPending}>
          {t('Run again')}
          <ChevronDown aria-hidden className="size-3.5" />
        </Button>
      }
      items={entries}
    />
  );
}
