/** Which run is shown on the canvas: this one, the last, or any other. */

import { useQuery } from '@tanstack/react-query';
import { Ban, ExternalLink, History, X } from 'lucide-react';
import { Link } from '@tanstack/react-router';

import { t } from '@/app/i18n';
import { formatDateTime } from '@/app/i18n/format';
import { IconButton, Menu, Money, Status, statusLook, toastError } from '@/ui';

import { calls } from './api';
import { useEditor } from './store';
import { isOpen, type TestRuns } from './useTestRun';

export function RunBar({ workflowId, runs }: { workflowId: string; runs: TestRuns }) {
  const run = useEditor((state) => state.run);
  return (
    <div className="flex items-center gap-1.5">
      {run && (
        <>
          <span data-run={run.status} role="status" className="flex items-center gap-1.5">
            <Status status={run.status} />
            <span className="text-sm text-muted max-md:hidden">
              <Money dollars={run.dollars} />
            </span>
          </span>
          {isOpen(run.status) && (
            <IconButton needs="execute" icon={Ban} label={t('Cancel the run')} onClick={() => void calls.cancelRun(run.id).catch((error: unknown) => toastError(t('It could not be canceled'), error))} />
          )}
          <Link to={'/runs/$runId'} params={{ runId: run.id }} aria-label={t('Open the run')} className="rounded-md p-2 text-muted hover:bg-hover hover:text-ink max-md:hidden">
            <ExternalLink aria-hidden className="size-4" />
          </Link>
          <IconButton icon={X} label={t('Hide the run')} onClick={runs.hide} />
        </>
      )}
      <RunMenu workflowId={workflowId} runs={runs} shown={run?.id} />
    </div>
  );
}

function RunMenu({ workflowId, runs, shown }: { workflowId: string; runs: TestRuns; shown: string | undefined }) {
  const { data, refetch } = useQuery({ queryKey: ['runs', workflowId, 'recent', shown], queryFn: () => calls.runs(workflowId), staleTime: 2_000 });
  const items = (data?.items ?? []).map((run) => ({
    label: `${statusLook(run.status).word} · ${formatDateTime(run.created_at)}${run.test ? ` · ${t('test')}` : ''}`,
    icon: statusLook(run.status).icon,
    checked: run.id === shown,
    onSelect: () => runs.show(run.id),
  }));
  return (
    <Menu
      trigger={<IconButton icon={History} label={t('Show a run on the canvas')} onPointerDown={() => void refetch()} />}
      items={[{ heading: t('Runs') }, ...(items.length > 0 ? items : [{ label: t('It has not run yet.'), disabled: true, onSelect: () => undefined }])]}
    />
  );
}
