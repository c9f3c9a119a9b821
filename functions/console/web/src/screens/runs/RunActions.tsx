/** What can be done with a run: stop it, go on from where it failed, open the workflow with its data. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Ban, PencilRuler, RotateCw } from 'lucide-react';
import { useState } from 'react';
import { t } from '@/app/i18n';
import { Button, buttonClass, confirm, toast, toastError } from '@/ui';
import { cancelRun, isOpen, type Run } from './api';
import { RunAgainDialog } from './RunAgainDialog';

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
    <Button needs="execute" icon={Ban} loading={cancel.isPending} onClick={() => void ask()}>
      {t('Cancel the run')}
    </Button>
  );
}

function Retry({ run, from }: { run: Run; from: string | undefined }) {
  const [isAsking, setAsking] = useState(false);
  if (run.test || run.nodes.length === 0) return null;
  return (
    <>
      <Button needs="execute" icon={RotateCw} onClick={() => setAsking(true)}>
        {t('Run again')}
      </Button>
      {isAsking && <RunAgainDialog run={run} chosen={from} onClose={() => setAsking(false)} />}
    </>
  );
}
