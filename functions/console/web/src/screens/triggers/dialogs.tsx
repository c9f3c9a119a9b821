/** What is done with a trigger: a test, times of before, another secret. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { ApiError } from '@/api/client';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { Button, Cancel, Dialog, Field, Select, TextArea, TextInput, toast, toastError } from '@/ui';
import { calls, type Trigger } from './api';
import { newSecret } from './newSecret';

interface DialogProps {
  trigger: Trigger;
  onClose: () => void;
}

/** Starts the workflow as if the trigger had; with a sample, what came last, or what is written. */
export function TestDialog({ trigger, onClose }: DialogProps) {
  const navigate = useNavigate();
  const sample = useQuery({ queryKey: ['triggers', 'sample', trigger.workflow_id, trigger.id, trigger.fired], queryFn: () => calls.sample(trigger.workflow_id, trigger.id) });
  const typed = useTyped(`trigger.${trigger.workflow_id}.${trigger.id}`, { text: '' });
  const [withWhat, setWithWhat] = useState<'sample' | 'last' | 'own'>(typed.isBroughtBack ? 'own' : 'sample');
  const [problem, setProblem] = useState<string | null>(null);
  const key = useRef(crypto.randomUUID());
  const written = typed.value.text || JSON.stringify(sample.data?.last ?? sample.data?.sample ?? {}, null, 2);
  const test = useMutation({
    mutationFn: (body: { payload?: Record<string, unknown>; last?: boolean }) => calls.test(trigger.workflow_id, trigger.id, body, key.current),
    onSuccess: ({ id }) => {
      typed.forget();
      void navigate({ to: '/runs/$runId', params: { runId: id } });
    },
    onError: (error) => {
      key.current = crypto.randomUUID();
      toastError(t('The test could not be started'), error);
    },
  });
  const send = () => {
    setProblem(null);
    if (withWhat !== 'own') {
      test.mutate(withWhat === 'last' ? { last: true } : {});
      return;
    }
    try {
      test.mutate({ payload: JSON.parse(written) as Record<string, unknown> });
    } catch {
      setProblem(t('This is no JSON yet.'));
    }
  };
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      title={t('Test this trigger')}
      description={t('Starts the workflow as this trigger would. Its steps do what they do: mail is sent.')}
      onSubmit={send}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={test.isPending}>
            {t('Start a test')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('With')}>
          <Select
            value={withWhat}
            options={[
              { value: 'sample', label: t('An example') },
              ...(sample.data?.last ? [{ value: 'last', label: t('What came last') }] : []),
              { value: 'own', label: t('Data of my own') },
            ]}
            onChange={(value) => setWithWhat(value as typeof withWhat)}
          />
        </Field>
        {withWhat === 'own' && (
          <Field label={t('What the trigger gives')} error={problem} hint={t('As JSON. What you leave out is as in the example.')}>
            <TextArea rows={10} className="font-mono" value={written} onChange={(event) => typed.change({ text: event.target.value })} />
          </Field>
        )}
      </div>
    </Dialog>
  );
}

/** `2026-11-27T09:30` of the reader's clock, for an input of date and time. */
export function localInput(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** Starts what a schedule would have started between two times. */
export function BackfillDialog({ trigger, onClose }: DialogProps) {
  const client = useQueryClient();
  const [from, setFrom] = useState(() => localInput(new Date(Date.now() - 86_400_000)));
  const [to, setTo] = useState(() => localInput(new Date()));
  const backfill = useMutation({
    mutationFn: () =>
      calls.backfill(trigger.workflow_id, { from: new Date(from).toISOString(), to: new Date(to).toISOString(), trigger_id: trigger.id }),
    onSuccess: ({ started, items }) => {
      const before = items.length - started;
      toast(t('{n, plural, =0 {Nothing was missing} one {# run started} other {# runs started}}', { n: started }), {
        tone: 'ok',
        ...(before ? { text: t('{n, plural, one {# time} other {# times}} had run before.', { n: before }) } : {}),
      });
      void client.invalidateQueries({ queryKey: ['runs'] });
      onClose();
    },
  });
  const fields = backfill.error instanceof ApiError ? backfill.error.fields : {};
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('Catch up')}
      description={t('Starts one run for each time of the schedule in this span. Times that have run are left out.')}
      onSubmit={() => backfill.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={backfill.isPending} disabled={!from || !to}>
            {t('Start the runs')}
          </Button>
        </>
      }
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t('From')} error={fields.from}>
          <TextInput type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} />
        </Field>
        <Field label={t('To')} error={fields.to}>
          <TextInput type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} />
        </Field>
      </div>
      {backfill.error && !fields.from && !fields.to && (
        <p role="alert" className="mt-3 text-bad">
          {backfill.error.message}
        </p>
      )}
    </Dialog>
  );
}

export function SecretDialog({ trigger, onClose }: DialogProps) {
  const client = useQueryClient();
  const [secret, setSecret] = useState('');
  const set = useMutation({
    mutationFn: () => calls.setSecret(trigger.workflow_id, trigger.id, secret),
    onSuccess: () => {
      toast(t('The secret is set'), { tone: 'ok' });
      void client.invalidateQueries({ queryKey: ['triggers'] });
      onClose();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={trigger.has_secret ? t('Replace the secret') : t('Set a secret')}
      description={t('Whoever sends to this address signs with it. It cannot be read here again: keep it where the sender needs it.')}
      onSubmit={() => set.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={set.isPending} disabled={!secret}>
            {t('Save')}
          </Button>
        </>
      }
    >
      <Field label={t('Secret')} error={set.error?.message}>
        <div className="flex gap-2">
          <TextInput className="font-mono" autoComplete="off" value={secret} onChange={(event) => setSecret(event.target.value)} />
          <Button onClick={() => setSecret(newSecret())}>{t('Make one')}</Button>
        </div>
      </Field>
    </Dialog>
  );
}
