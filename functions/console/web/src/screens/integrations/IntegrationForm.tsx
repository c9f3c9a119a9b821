/** Makes an integration, or changes one: a form from its type's schema. Secrets that are not typed anew stay. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { ApiError } from '@/api/client';
import { said, t } from '@/app/i18n';
import { together, useTyped } from '@/app/typed';
import { describe } from '@/form/describe';
import { Described } from '@/form/Described';
import { placed } from '@/form/place';
import { FormContext, SchemaForm } from '@/form/SchemaForm';
import { Button, Cancel, Dialog, Field, TextInput } from '@/ui';
import { calls, type Integration, type IntegrationType } from './api';
import { changesOf, formProblems, givenOf, labelIn } from './config';

export function IntegrationForm({ type, integration, onClose }: { type: IntegrationType; integration?: Integration; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const fields = useMemo(() => describe(type.config_schema), [type]);
  const before = useMemo(() => givenOf(integration?.config ?? {}), [integration]);
  const keptAs = `integration.${integration?.id ?? type.type}`;
  const about = useTyped(keptAs, { name: integration?.name ?? '', description: integration?.description ?? '' });
  const settings = useTyped(`${keptAs}.config`, before, type.secrets);
  const typed = together(about, settings);
  const { name, description } = about.value;
  const { value: config, set: setConfig } = settings;
  const save = useMutation({
    mutationFn: () => {
      const common = { name: name.trim(), description: description.trim() || null };
      if (!integration) return calls.create({ ...common, type: type.type, config });
      const changed = changesOf(before, config);
      return calls.change(integration.id, { ...common, ...(Object.keys(changed).length ? { config: changed } : {}) });
    },
    onSuccess: (saved) => {
      typed.forget();
      void client.invalidateQueries({ queryKey: ['integrations'] });
      onClose();
      void navigate({ to: '/integrations/$integrationId', params: { integrationId: saved.id } });
    },
  });
  const told = save.error instanceof ApiError ? save.error.fields : {};
  const problems = placed(
    fields,
    Object.entries(formProblems(told)).map(([path, message]) => ({ path, message })),
  );
  const elsewhere = save.error && (problems[''] ?? (Object.keys(told).length ? null : save.error.message));
  return (
    <Dialog
      open
      drawer
      typed={typed}
      onOpenChange={onClose}
      title={integration ? t('Change {name}', { name: integration.name }) : t('Connect {service}', { service: said(type.title) })}
      description={<Described text={said(type.description.split('\n')[0] ?? '')} />}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={save.isPending} disabled={!name.trim()}>
            {t('Save')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('Name')} required error={told.name} hint={t('Workflows use it by this name.')}>
          <TextInput value={name} maxLength={100} onChange={(event) => about.change({ name: event.target.value })} />
        </Field>
        <Field label={t('Description')} error={told.description}>
          <TextInput value={description} maxLength={500} onChange={(event) => about.change({ description: event.target.value })} />
        </Field>
        {integration && integration.secrets.length > 0 && (
          <p className="rounded-md bg-hover px-3 py-2 text-sm text-muted">
            {t('These are kept unless you type them anew: {names}', { names: integration.secrets.map((key) => labelIn(fields, key)).join(', ') })}
          </p>
        )}
        <FormContext value={{ problems, integrations: ['*'], isLiteral: true, isReadOnly: false }}>
          <SchemaForm fields={fields} values={config} onChange={setConfig} />
        </FormContext>
        {elsewhere && (
          <p role="alert" className="text-bad">
            {elsewhere}
          </p>
        )}
      </div>
    </Dialog>
  );
}
