/** Another run that goes on from a point of this one: from where, and with which version of the workflow. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { t } from '@/app/i18n';
import { formatDateTime } from '@/app/i18n/format';
import { calls, type Version } from '@/editor/api';
import { Button, Cancel, Dialog, Field, type Option, Select, toastError } from '@/ui';
import { retryRun, type RetryBody, type Run } from './api';
import { useNodeTitles } from './useNodeTitles';

const FAILED = 'failed';

/** Where it can go on: from what failed, or from any step that is in no loop. */
function useBegins(run: Run): Option[] {
  const titleOf = useNodeTitles(run);
  const steps = run.nodes.filter(({ id }) => !id.includes('['));
  return [
    ...(run.status === 'succeeded' ? [] : [{ value: FAILED, label: t('From what failed') }]),
    ...steps.map((node, index) => ({
      value: node.id,
      label: index === 0 ? t('From its first step, {step}', { step: titleOf(node) }) : t('From the step {step}', { step: titleOf(node) }),
    })),
  ];
}

function labelOf({ version, created_at, message, is_published }: Version): string {
  const about = [formatDateTime(created_at, { dateStyle: 'medium' }), ...(is_published ? [t('runs now')] : []), ...(message ? [message] : [])];
  return t('Version {n} · {about}', { n: version, about: about.join(' · ') });
}

function useVersions(run: Run): Option[] {
  const { data = [] } = useQuery({ queryKey: ['versions', run.workflow_id], queryFn: () => calls.versions(run.workflow_id), retry: false });
  const same = run.draft ? t('The same draft') : t('The same version, {n}', { n: run.workflow_version });
  return [
    { value: 'same', label: same },
    { value: 'current', label: t('The version that runs now') },
    ...data.filter(({ version }) => version !== run.workflow_version).map((one) => ({ value: String(one.version), label: labelOf(one) })),
  ];
}

export function RunAgainDialog({ run, chosen, onClose }: { run: Run; chosen: string | undefined; onClose: () => void }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const begins = useBegins(run);
  const versions = useVersions(run);
  const [from, setFrom] = useState(chosen ?? begins[0]?.value ?? FAILED);
  const [version, setVersion] = useState('same');
  // A click that is sent again after a lost answer starts nothing twice.
  const key = useRef(crypto.randomUUID());
  const retry = useMutation({
    mutationFn: (body: RetryBody) => retryRun(run.id, body, key.current),
    onSuccess: (next) => {
      onClose();
      void client.invalidateQueries({ queryKey: ['runs', 'list'] });
      void navigate({ to: '/runs/$runId', params: { runId: next.id } });
    },
    onError: (error) => toastError(t('It could not be started again'), error),
    onSettled: () => {
      key.current = crypto.randomUUID();
    },
  });
  const wanted = version === 'same' || version === 'current' ? version : Number(version);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      onSubmit={() => retry.mutate({ from, version: wanted })}
      title={t('Run again')}
      description={t('Another run begins with all that this one has found out before that point.')}
      footer={
        <>
          <Cancel />
          <Button type="submit" autoFocus variant="primary" loading={retry.isPending}>
            {t('Run')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('Begin')}>
          <Select value={from} options={begins} onChange={setFrom} />
        </Field>
        <Field label={t('Version')}>
          <Select value={version} options={versions} onChange={setVersion} />
        </Field>
      </div>
    </Dialog>
  );
}
