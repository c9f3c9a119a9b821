/** Makes a subscription, or changes one. A new one's secret is shown once. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '@/api/client';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { Button, Cancel, CopyRow, Dialog, Field, TextInput } from '@/ui';
import { calls, type Subscription } from './api';
import { EVENTS, eventsIn } from './events';

export function SubscriptionDialog({ subscription, onClose }: { subscription?: Subscription; onClose: () => void }) {
  const client = useQueryClient();
  const typed = useTyped(`subscription.${subscription?.id ?? 'new'}`, {
    url: subscription?.url ?? '',
    description: subscription?.description ?? '',
    events: eventsIn(subscription?.events ?? ['execution.failed', 'execution.timed_out']),
  });
  const { url, description, events } = typed.value;
  const [secret, setSecret] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: async () => {
      const body = { url: url.trim(), events, description: description.trim() || null };
      if (subscription) await calls.change(subscription.id, body);
      else setSecret((await calls.create(body)).secret);
    },
    onSuccess: () => {
      typed.forget();
      void client.invalidateQueries({ queryKey: ['subscriptions'] });
      if (subscription) onClose();
    },
  });
  if (secret !== null) return <SecretShown secret={secret} onClose={onClose} />;
  const fields = save.error instanceof ApiError ? save.error.fields : {};
  const rest = save.error && Object.keys(fields).every((one) => !['url', 'description'].includes(one)) ? save.error.message : null;
  const toggle = (event: string) => typed.change({ events: events.includes(event) ? events.filter((one) => one !== event) : [...events, event] });
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      title={subscription ? t('Change the subscription') : t('New subscription')}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={save.isPending} disabled={!url.trim() || !events.length}>
            {t('Save')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('Address')} required error={fields.url} hint={t('Messages are sent there with POST, as JSON.')}>
          <TextInput type="url" inputMode="url" placeholder="https://example.com/mainspring" value={url} onChange={(event) => typed.change({ url: event.target.value })} />
        </Field>
        <Field label={t('Description')} error={fields.description}>
          <TextInput value={description} maxLength={500} onChange={(event) => typed.change({ description: event.target.value })} />
        </Field>
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-1.5 font-medium">{t('Tells of')}</legend>
          {EVENTS.map(({ value, label }) => (
            <label key={value} className="flex items-center gap-2.5">
              <input type="checkbox" className="size-4 accent-(--accent)" checked={events.includes(value)} onChange={() => toggle(value)} />
              {t(label)}
            </label>
          ))}
        </fieldset>
        {rest && (
          <p role="alert" className="text-bad">
            {Object.values(fields).join(' ') || rest}
          </p>
        )}
      </div>
    </Dialog>
  );
}

/** A secret that the API tells once. */
export function SecretShown({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog
      open
      persistent
      onOpenChange={onClose}
      title={t('Keep this secret now')}
      description={t('The receiver checks with it that messages are from Mainspring. It is not shown again.')}
      footer={
        <Button variant="primary" onClick={onClose}>
          {t('I have kept it')}
        </Button>
      }
    >
      <Field label={t('Secret')}>
        <CopyRow text={secret} />
      </Field>
    </Dialog>
  );
}
