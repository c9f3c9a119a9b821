/** With what a test run begins: an input of one's own, a trigger's sample, or what the trigger really got last. */

import { useState } from 'react';

import { t } from '@/app/i18n';
import { Button, Dialog, Field, Select } from '@/ui';

import { CodeInput } from '../form/CodeInput';
import { JsonText } from '../form/JsonText';
import type { TestRun } from './api';
import { useEditor, useEditorStore } from './store';
import type { Json } from './types';
import type { TestRuns } from './useTestRun';

type Begin = Pick<TestRun, 'input' | 'trigger'>;

export function TestRunDialog({ workflowId, runs, onClose }: { workflowId: string; runs: TestRuns; onClose: () => void }) {
  const store = useEditorStore();
  const document = useEditor((state) => state.history.document);
  const triggers = document.definition.triggers ?? [];
  const [from, setFrom] = useState('input');
  const [isBusy, setBusy] = useState(false);
  const input = document.ui.testInput ?? {};
  const setInput = (value: unknown) =>
    store.getState().apply(t('Changed the test input'), (one) => ({ ...one, ui: { ...one.ui, testInput: (value ?? {}) as Json } }), 'test-input');
  const start = async () => {
    setBusy(true);
    if (await runs.start(beginOf(from, input))) onClose();
    else setBusy(false);
  };
  return (
    <Dialog
      open
      typed={null}
      onOpenChange={onClose}
      onSubmit={() => void start()}
      title={t('Test run')}
      description={t('It runs what is on the canvas now, saved or not. Steps really do what they do, unless they are pinned.')}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" autoFocus variant="primary" loading={isBusy}>
            {t('Run')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {triggers.length > 0 && (
          <Field label={t('Begin with')}>
            <Select
              value={from}
              onChange={setFrom}
              options={[
                { value: 'input', label: t('An input of my own') },
                ...triggers.flatMap(({ id, name }) => [
                  { value: `sample:${id}`, label: t('An example of {trigger}', { trigger: name ?? id }) },
                  { value: `last:${id}`, label: t('What {trigger} got last', { trigger: name ?? id }) },
                ]),
              ]}
            />
          </Field>
        )}
        {from === 'input' && (
          <Field label={t('Input')} hint={t('JSON; steps see it as trigger.body.')}>
            <JsonText value={input} onChange={setInput} keptAs={`input.${workflowId}`}>
              {(text, setText) => <CodeInput value={text} onChange={setText} language="json" label={t('Input')} />}
            </JsonText>
          </Field>
        )}
      </div>
    </Dialog>
  );
}

function beginOf(from: string, input: Json): Begin {
  const [kind, id] = from.split(':');
  if (id === undefined) return { input };
  return { trigger: kind === 'last' ? { id, last: true } : { id } };
}
