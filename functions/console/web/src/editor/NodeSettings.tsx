/** The settings of a step: the form of its type, and for an action of an integration the form of that action. */

import { useMemo } from 'react';

import { said, t } from '@/app/i18n';
import { Field, Select } from '@/ui';

import { check } from '../form/check';
import { describe, oneOfIn, type Field as FormField } from '../form/describe';
import { Described } from '../form/Described';
import { placed } from '../form/place';
import { FieldRow, FormContext, SchemaForm, withValue } from '../form/SchemaForm';
import { sentenceOf } from '../form/words';
import type { IntegrationAction, NodeType } from './api';
import { firstSentence, useIntegrations, useIntegrationTypes } from './catalogue';
import * as commands from './commands';
import { below, pathOfNode } from './locate';
import { useDefinition, useEditor, useEditorStore } from './store';
import type { JsonObject, NodeDefinition } from './types';

export function NodeSettings({ node, type }: { node: NodeDefinition; type: NodeType }) {
  const store = useEditorStore();
  const definition = useDefinition();
  const problems = useEditor((state) => state.problems);
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const fields = useMemo(() => describe(type.config_schema), [type]);
  const config = node.config ?? {};
  const action = useAction(config);
  const allFields = action ? withParams(fields, action) : fields;
  const found = check(allFields, config).map((finding) => ({ path: finding.path, message: sentenceOf(finding) }));
  const told = below(problems, pathOfNode(definition, node.id)).map((one) => ({ ...one, path: one.path.replace(/^config\.?/, '') }));
  // What the form has found itself is not said twice.
  const own = new Set(found.map((one) => one.path));
  const sentences = placed(allFields, [...found, ...told.filter((one) => !own.has(one.path))]);
  const change = (next: Record<string, unknown>) =>
    store.getState().apply(t('Changed {id}', { id: node.id }), (document) => commands.setNode(document, node.id, { config: next as JsonObject }), `config:${node.id}`);
  return (
    <FormContext value={{ problems: sentences, integrations: type.integrations.length > 0 ? type.integrations : ['*'], isLiteral: false, isReadOnly }}>
      <div className="flex flex-col gap-4">
        <p className="text-muted">
          <Described text={said(firstSentence(type.description))} />
        </p>
        {sentences[''] && <p className="text-sm text-bad">{sentences['']}</p>}
        {hasActions(fields) ? (
          <ActionForm fields={allFields} config={config} onChange={change} />
        ) : (
          <SchemaForm fields={allFields} values={config} onChange={change} oneOf={oneOfIn(type.config_schema)} />
        )}
      </div>
    </FormContext>
  );
}

/** Whether a config names an integration, one of its actions, and what that takes. */
function hasActions(fields: readonly FormField[]): boolean {
  return ['integration', 'action', 'params'].every((key) => fields.some((field) => field.key === key));
}

function useAction(config: JsonObject): IntegrationAction | undefined {
  const actions = useActions(config);
  return actions.find((one) => one.name === config.action);
}

function useActions(config: JsonObject): readonly IntegrationAction[] {
  const integrations = useIntegrations();
  const types = useIntegrationTypes();
  const chosen = integrations.find((one) => one.name === config.integration);
  return types.find((one) => one.type === chosen?.type)?.actions ?? [];
}

function withParams(fields: readonly FormField[], action: IntegrationAction): FormField[] {
  return fields.map((field) =>
    field.key === 'params' ? { ...field, widget: 'object', required: true, fields: describe(action.input_schema), label: said(action.title), description: '' } : field,
  );
}

interface ActionFormProps {
  fields: readonly FormField[];
  config: JsonObject;
  onChange: (config: Record<string, unknown>) => void;
}

function ActionForm({ fields, config, onChange }: ActionFormProps) {
  const actions = useActions(config);
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const of = (key: string) => fields.find((field) => field.key === key);
  const [integration, params] = [of('integration'), of('params')];
  const chosen = actions.find((one) => one.name === config.action);
  const set = (key: string, value: unknown) => onChange(withValue(config, key, value));
  return (
    <>
      {integration && (
        <FieldRow field={integration} value={config.integration} path="integration" onChange={(value) => onChange(value === undefined ? {} : { integration: value })} />
      )}
      {actions.length > 0 && (
        <Field label={t('Action')} required hint={chosen ? <Described text={said(firstSentence(chosen.description))} /> : undefined}>
          <Select
            value={typeof config.action === 'string' ? config.action : ''}
            placeholder={t('Choose')}
            disabled={isReadOnly}
            options={actions.map((one) => ({ value: one.name, label: said(one.title) }))}
            onChange={(name) => onChange({ integration: config.integration, action: name, params: {} })}
          />
        </Field>
      )}
      {params && chosen && <FieldRow field={params} value={config.params} path="params" onChange={(value) => set('params', value)} />}
    </>
  );
}
