/** The workflow itself: what it is called, its constants, its result, and how many of its runs go on at once. */

import { useMemo } from 'react';
import { useQuery } from '@tanstack/react-query';

import { request } from '@/api/client';
import { t } from '@/app/i18n';
import { Field, TextArea, TextInput } from '@/ui';

import { Described } from '../form/Described';
import { describe, type Field as FormField, type Schema } from '../form/describe';
import { placed } from '../form/place';
import { FormContext, SchemaForm } from '../form/SchemaForm';
import * as commands from './commands';
import { useEditor, useEditorStore } from './store';
import type { Definition } from './types';

const LISTS = new Set(['nodes', 'edges', 'triggers', 'ui']);

function useFields(): FormField[] {
  const { data } = useQuery({
    queryKey: ['workflow-schema'],
    queryFn: () => request<Schema>('GET', '/api/workflow-schema'),
    staleTime: Infinity,
  });
  return useMemo(() => (data ? describe(data).filter((field) => !LISTS.has(field.key)) : []), [data]);
}

export function WorkflowPanel() {
  const store = useEditorStore();
  const document = useEditor((state) => state.history.document);
  const problems = useEditor((state) => state.problems);
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const fields = useFields();
  const { definition } = document;
  const values = Object.fromEntries(Object.entries(definition).filter(([key]) => !LISTS.has(key)));
  const own = problems.filter((one) => one.node === null && !/^(nodes|edges|triggers)\b/.test(one.path));
  const change = (next: Record<string, unknown>) => {
    const kept = Object.fromEntries(Object.entries(definition).filter(([key]) => LISTS.has(key)));
    store.getState().apply(t('Changed the workflow'), (one) => ({ ...one, definition: { ...next, ...kept } as unknown as Definition }), 'workflow');
  };
  return (
    <FormContext value={{ problems: placed(fields, own), integrations: [], isLiteral: false, isReadOnly }}>
      <div className="flex h-full flex-col gap-5 overflow-y-auto p-4">
        <h2 className="text-lg font-semibold">{t('Workflow')}</h2>
        <Field label={t('Name')} required error={document.name.trim() === '' ? t('A workflow has a name.') : null}>
          <TextInput
            value={document.name}
            maxLength={200}
            disabled={isReadOnly}
            onChange={(event) => store.getState().apply(t('Changed the name'), (one) => ({ ...one, name: event.target.value }), 'workflow-name')}
          />
        </Field>
        <Field label={t('Description')}>
          <TextArea
            rows={3}
            value={document.description}
            disabled={isReadOnly}
            onChange={(event) => store.getState().apply(t('Changed the description'), (one) => ({ ...one, description: event.target.value }), 'workflow-description')}
          />
        </Field>
        <Summary count={commands.countNodes(definition)} />
        <SchemaForm fields={fields} values={values} onChange={change} />
      </div>
    </FormContext>
  );
}

function Summary({ count }: { count: number }) {
  const problems = useEditor((state) => state.problems);
  const isUnchecked = useEditor((state) => state.isUnchecked);
  const store = useEditorStore();
  const errors = problems.filter((one) => one.severity !== 'warning');
  if (count === 0)
    return <p className="rounded-md border border-line bg-page p-3 text-muted">{t('Add what starts it, such as a form that is sent to a webhook, and then one step after the other.')}</p>;
  return (
    <section className="flex flex-col gap-1.5 rounded-md border border-line bg-page p-3">
      <p className="font-medium">
        {t('{n, plural, one {# step} other {# steps}}', { n: count })}
        {' · '}
        {errors.length === 0 ? (isUnchecked ? t('not checked') : t('nothing is wrong')) : t('{n, plural, one {# problem} other {# problems}}', { n: errors.length })}
      </p>
      {isUnchecked && <p className="text-sm text-wait">{t('The last changes could not be checked. It is tried again.')}</p>}
      {problems.length > 0 && (
        <ul className="flex flex-col gap-1 text-sm">
          {problems.slice(0, 20).map((problem, index) => (
            <li key={index}>
              {problem.node !== null ? (
                <button type="button" className="text-left underline decoration-line-strong hover:decoration-ink" onClick={() => store.getState().selectNode(problem.node ?? '')}>
                  <code>{problem.node}</code>: <Described text={problem.message} />
                </button>
              ) : (
                <Described text={problem.message} />
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
