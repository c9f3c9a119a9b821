/** What starts a workflow by itself: its settings, and for a webhook its address and secret, for a schedule its times. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Copy, Trash2, X } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';

import { locale, said, t } from '@/app/i18n';
import { formatDateTime } from '@/app/i18n/format';
import { useLeaveQuestion } from '@/app/typed';
import { Badge, Button, CopyRow, Field, IconButton, TextInput, toast, toastError } from '@/ui';

import { check } from '../form/check';
import { describe, oneOfIn } from '../form/describe';
import { Described } from '../form/Described';
import { placed } from '../form/place';
import { FormContext, SchemaForm } from '../form/SchemaForm';
import { sentenceOf } from '../form/words';
import * as actions from './actions';
import { newSecret } from '../screens/triggers/newSecret';
import { calls, type TriggerState, type TriggerType } from './api';
import { firstSentence, type Catalogue } from './catalogue';
import * as commands from './commands';
import { TypeIcon } from './icons';
import { below } from './locate';
import { useDefinition, useEditor, useEditorStore } from './store';
import type { JsonObject, TriggerDefinition } from './types';

interface TriggerPanelProps {
  trigger: TriggerDefinition;
  catalogue: Catalogue;
  workflowId: string;
  published: number | null;
}

export function TriggerPanel({ trigger, catalogue, workflowId, published }: TriggerPanelProps) {
  const store = useEditorStore();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const type = catalogue.triggers.get(trigger.type);
  const title = type?.title ?? trigger.type;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-start gap-3 border-b border-line px-4 py-4">
        <span className="mt-0.5 flex size-8.5 shrink-0 items-center justify-center rounded-full bg-accent text-accent-ink">
          <TypeIcon name={type?.icon} className="size-4" />
        </span>
        <div className="min-w-0 flex-1">
          <input
            aria-label={t('Name of the trigger')}
            value={trigger.name ?? ''}
            placeholder={title}
            disabled={isReadOnly}
            className="-ml-1 h-7 w-full rounded px-1 text-lg font-semibold hover:bg-hover focus:bg-card"
            onChange={(event) => {
              const name = event.target.value === '' ? undefined : event.target.value;
              store.getState().apply(t('Changed the name'), (document) => commands.setTrigger(document, trigger.id, { name }), `trigger-name:${trigger.id}`);
            }}
          />
          <p className="px-0.5 text-sm text-muted">
            {title} · <code>{trigger.id}</code>
          </p>
        </div>
        {!isReadOnly && <IconButton icon={Trash2} label={t('Delete the trigger')} onClick={() => actions.removeChosen(store)} />}
        <IconButton icon={X} label={t('Close')} onClick={() => store.getState().select({ kind: 'none' })} />
      </div>
      <div className="flex min-h-0 flex-1 flex-col gap-5 overflow-y-auto p-4">
        {type ? <TriggerForm trigger={trigger} type={type} /> : <p className="text-bad">{t('There is no trigger called {type} in this installation.', { type: trigger.type })}</p>}
        {trigger.type === 'schedule' && <Times config={trigger.config ?? {}} />}
        <Live trigger={trigger} workflowId={workflowId} published={published} />
      </div>
    </div>
  );
}

function TriggerForm({ trigger, type }: { trigger: TriggerDefinition; type: TriggerType }) {
  const store = useEditorStore();
  const definition = useDefinition();
  const problems = useEditor((state) => state.problems);
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const fields = useMemo(() => describe(type.config_schema), [type]);
  const config = trigger.config ?? {};
  const index = (definition.triggers ?? []).findIndex((one) => one.id === trigger.id);
  const found = check(fields, config).map((one) => ({ path: one.path, message: sentenceOf(one) }));
  const told = below(problems, `triggers[${index}]`).map((one) => ({ ...one, path: one.path.replace(/^config\.?/, '') }));
  const own = new Set(found.map((one) => one.path));
  const sentences = placed(fields, [...found, ...told.filter((one) => !own.has(one.path))]);
  return (
    <FormContext value={{ problems: sentences, integrations: [], isLiteral: true, isReadOnly }}>
      <p className="text-muted">
        <Described text={said(firstSentence(type.description))} />
      </p>
      {sentences[''] && <p className="text-sm text-bad">{sentences['']}</p>}
      <SchemaForm
        fields={fields}
        values={config}
        oneOf={oneOfIn(type.config_schema)}
        onChange={(next) =>
          store.getState().apply(t('Changed the trigger'), (document) => commands.setTrigger(document, trigger.id, { config: next as JsonObject }), `trigger:${trigger.id}`)
        }
      />
    </FormContext>
  );
}

const AFTER_MS = 400;

/** A schedule in words, and its next ten times. */
function Times({ config }: { config: JsonObject }) {
  const [found, setFound] = useState<{ words: string; times: string[]; timezone: string } | null>(null);
  const key = JSON.stringify(config);
  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      calls
        .schedule(JSON.parse(key) as JsonObject, locale(), controller.signal)
        .then(setFound)
        .catch(() => setFound(null)); // what is wrong is said at the field
    }, AFTER_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key]);
  if (!found) return null;
  return (
    <section className="flex flex-col gap-1 rounded-md border border-line bg-page p-3">
      <h2 className="font-medium">{found.words}</h2>
      <p className="text-sm text-muted">{t('The next times, in {zone}', { zone: found.timezone })}</p>
      <ol className="text-sm tabular-nums">
        {found.times.map((time) => (
          <li key={time}>{formatDateTime(time, { dateStyle: 'full', timeStyle: 'short', timeZone: found.timezone })}</li>
        ))}
      </ol>
    </section>
  );
}

/** A webhook's address, which is there from the beginning, and its secret, which can be set once it is published. */
function Live({ trigger, workflowId, published }: Omit<TriggerPanelProps, 'catalogue'>) {
  const isWebhook = trigger.type === 'webhook';
  const address = useQuery({
    queryKey: ['workflow-trigger', workflowId, trigger.id, 'address'],
    queryFn: () => calls.hookAddress(workflowId, trigger.id),
    enabled: isWebhook,
    retry: false,
  });
  const { data: live } = useQuery({
    queryKey: ['version', workflowId, published],
    queryFn: () => calls.version(workflowId, published ?? 0),
    enabled: isWebhook && published !== null,
    staleTime: Infinity,
  });
  const isLive = live?.definition.triggers?.some((one) => one.id === trigger.id) ?? false;
  const { data: state } = useQuery({
    queryKey: ['workflow-trigger', workflowId, trigger.id],
    queryFn: () => calls.trigger(workflowId, trigger.id),
    enabled: isWebhook && isLive,
    staleTime: 5_000,
    retry: false,
  });
  if (!isWebhook) return null;
  const hint = isLive ? t('Whatever is sent here starts the workflow while it is on.') : t('It stays the same. Once the workflow is published and on, whatever is sent here starts it; until then it answers 404.');
  return (
    <section className="flex flex-col gap-4">
      {address.data && (
        <Field label={t('Address')} hint={hint}>
          <CopyRow text={address.data.url} label={t('Copy the address')} />
        </Field>
      )}
      {address.error && <p className="text-sm text-muted">{t('You may not see its address: whoever has it can start the workflow.')}</p>}
      {state && state.has_secret !== null && <Secret state={state} workflowId={workflowId} />}
      {!state && needsSecret(trigger) && (
        <p className="text-sm text-muted">{t('Its senders prove with a secret who they are. Publish the workflow, then set the secret here; until then nothing is accepted.')}</p>
      )}
    </section>
  );
}

/** What its senders have to prove is written in `auth`; without it everybody may send. */
function needsSecret({ config }: TriggerDefinition): boolean {
  const { auth } = config ?? {};
  return typeof auth === 'object' && auth !== null && 'type' in auth && auth.type !== 'none';
}

function Secret({ state, workflowId }: { state: TriggerState; workflowId: string }) {
  const queries = useQueryClient();
  const [secret, setSecret] = useState('');
  useLeaveQuestion(secret !== '');
  const [isBusy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      await calls.setSecret(workflowId, state.id, secret);
      setSecret('');
      toast(t('The secret is set'), { tone: 'ok' });
      await queries.invalidateQueries({ queryKey: ['workflow-trigger', workflowId] });
    } catch (error) {
      toastError(t('The secret could not be set'), error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Field
      label={t('Secret')}
      aside={state.has_secret === false ? <Badge tone="bad">{t('is missing')}</Badge> : undefined}
      hint={t('It proves who is sending. Give it to the sender before you set it: it is kept encrypted and cannot be read again.')}
    >
      <div className="flex gap-1">
        <TextInput type="text" className="font-mono" autoComplete="off" aria-label={t('Secret')} value={secret} onChange={(event) => setSecret(event.target.value)} />
        {secret === '' ? (
          <Button onClick={() => setSecret(newSecret())}>{t('Make one')}</Button>
        ) : (
          <IconButton icon={Copy} label={t('Copy the secret')} onClick={() => void navigator.clipboard.writeText(secret).then(() => toast(t('Copied')))} />
        )}
        <Button needs="publish" loading={isBusy} disabled={secret === ''} onClick={() => void save()}>
          {t('Set')}
        </Button>
      </div>
    </Field>
  );
}
