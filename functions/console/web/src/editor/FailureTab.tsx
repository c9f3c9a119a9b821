/** What happens when a step fails: tried again, gone on with, or led elsewhere. */

import { Plus } from 'lucide-react';
import { useMemo } from 'react';

import { t } from '@/app/i18n';
import { Button, Field, Select, Switch, TextInput } from '@/ui';

import { check } from '../form/check';
import { describe } from '../form/describe';
import { placed } from '../form/place';
import { FormContext, SchemaForm } from '../form/SchemaForm';
import { sentenceOf } from '../form/words';
import type { NodeType } from './api';
import * as commands from './commands';
import { useDefinition, useEditor, useEditorStore } from './store';
import { bodyOf, edgesOf } from './tree';
import type { JsonObject, NodeDefinition, Scope } from './types';
import { ERROR_PORT, portOf } from './types';

export function FailureTab({ node, type, scope }: { node: NodeDefinition; type: NodeType; scope: Scope }) {
  const store = useEditorStore();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const set = (fields: Partial<NodeDefinition>) =>
    store.getState().apply(t('Changed what happens on failure'), (document) => commands.setNode(document, node.id, fields), `failure:${node.id}`);
  return (
    <div className="flex flex-col gap-5">
      <AfterFailure node={node} scope={scope} />
      <Field label={t('Longest time of an attempt, in seconds')} hint={t('Without it: {n} seconds.', { n: type.default_timeout_seconds })}>
        <TextInput
          type="number"
          min={0}
          disabled={isReadOnly}
          value={node.timeout_seconds ?? ''}
          onChange={(event) => set({ timeout_seconds: event.target.value === '' ? undefined : event.target.valueAsNumber })}
        />
      </Field>
      {type.effect !== 'none' && (
        <Switch
          label={t('At most once')}
          hint={t('An attempt that was cut off is not made again: for what must not happen twice.')}
          checked={node.delivery === 'at_most_once'}
          disabled={isReadOnly}
          onChange={(on) => set({ delivery: on ? 'at_most_once' : undefined })}
        />
      )}
      <RetryForm node={node} type={type} onChange={(retry) => set({ retry })} />
    </div>
  );
}

function AfterFailure({ node, scope }: { node: NodeDefinition; scope: Scope }) {
  const store = useEditorStore();
  const definition = useDefinition();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const edges = edgesOf(bodyOf(definition, scope) ?? definition);
  const ways = edges.filter((edge) => edge.from === node.id && portOf(edge) === ERROR_PORT);
  return (
    <div className="flex flex-col gap-2">
      <Field label={t('When it fails')}>
        <Select
          value={node.on_error ?? 'fail'}
          disabled={isReadOnly}
          options={[
            { value: 'fail', label: ways.length > 0 ? t('Go on by its error path') : t('The run fails') },
            { value: 'continue', label: t('Go on as if it had succeeded, with the error as its output') },
          ]}
          onChange={(value) => {
            const on_error = value === 'continue' ? value : undefined;
            store.getState().apply(t('Changed what happens on failure'), (document) => commands.setNode(document, node.id, { on_error }));
          }}
        />
      </Field>
      {ways.length > 0 && <p className="text-sm text-muted">{t('On error: {ways}', { ways: ways.map((edge) => edge.to).join(', ') })}</p>}
      {!isReadOnly && (
        <Button
          size="sm"
          icon={Plus}
          className="self-start"
          onClick={() => store.getState().openPalette({ kind: 'after', node: node.id, port: ERROR_PORT, scope })}
        >
          {t('Add a step for the error')}
        </Button>
      )}
    </div>
  );
}

interface RetryFormProps {
  node: NodeDefinition;
  type: NodeType;
  onChange: (retry: JsonObject | undefined) => void;
}

function RetryForm({ node, type, onChange }: RetryFormProps) {
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const fields = useMemo(() => describe(type.retry_schema), [type]);
  const retry = node.retry ?? undefined;
  const problems = placed(fields, retry ? check(fields, retry).map((one) => ({ path: one.path, message: sentenceOf(one) })) : []);
  return (
    <div className="flex flex-col gap-3">
      <Switch
        label={t('Try again when it fails')}
        checked={retry !== undefined}
        disabled={isReadOnly}
        onChange={(on) => onChange(on ? {} : undefined)}
      />
      {retry && (
        <FormContext value={{ problems, integrations: [], isLiteral: true, isReadOnly }}>
          <SchemaForm fields={fields} values={retry} onChange={(next) => onChange(next as JsonObject)} />
        </FormContext>
      )}
    </div>
  );
}
