/** The workflow as JSON. What is valid becomes the document at once; what is not yet is kept as it is written. */

import { useEffect, useRef, useState } from 'react';

import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { keep, readKept } from '@/app/kept';
import { Button } from '@/ui';

import { CodeInput } from '../form/CodeInput';
import { isBody } from './clipboard';
import { equal } from './compare';
import { useDefinition, useEditor, useEditorStore } from './store';
import type { Definition } from './types';

/** By this name, text that is no workflow yet outlives the tab. */
function keptAs(workflowId: string): string {
  return `code.${workflowId}`;
}

function unfinished(workflowId: string): string | null {
  const kept = readKept(keptAs(workflowId));
  return typeof kept === 'string' ? kept : null;
}

function parsed(text: string): Definition | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return messageOf(error);
  }
  return isBody(value) ? value : t('A workflow is an object with nodes, which have an id and a type, and edges.');
}

export function CodeView({ workflowId }: { workflowId: string }) {
  const store = useEditorStore();
  const definition = useDefinition();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const [text, setText] = useState(() => unfinished(workflowId) ?? JSON.stringify(definition, null, 2));
  const [problem, setProblem] = useState<string | null>(() => {
    const found = parsed(text);
    return typeof found === 'string' ? found : null;
  });
  const told = useRef(definition);
  useEffect(() => {
    if (equal(definition, told.current)) return;
    told.current = definition; // changed elsewhere, such as by undo
    setText(JSON.stringify(definition, null, 2));
    setProblem(null);
    keep(keptAs(workflowId), null);
  }, [definition, workflowId]);

  const change = (next: string) => {
    setText(next);
    const found = parsed(next);
    if (typeof found === 'string') {
      setProblem(found);
      keep(keptAs(workflowId), next);
      return;
    }
    setProblem(null);
    keep(keptAs(workflowId), null);
    told.current = found;
    store.getState().apply(t('Edited as code'), (document) => (equal(document.definition, found) ? document : { ...document, definition: found }), 'code');
  };
  const discard = () => {
    keep(keptAs(workflowId), null);
    setProblem(null);
    setText(JSON.stringify(definition, null, 2));
  };
  return (
    <div className="flex h-full min-h-0 flex-col">
      {problem !== null && (
        <div role="status" className="flex items-center gap-3 border-b border-line bg-wait-soft px-4 py-2 text-wait">
          <span className="min-w-0 flex-1 break-words">
            {t('Not in the workflow yet:')} {problem}
          </span>
          <Button size="sm" onClick={discard}>
            {t('Discard')}
          </Button>
        </div>
      )}
      <div className="min-h-0 flex-1 p-3">
        <CodeInput value={text} onChange={change} language="json" fill label={t('The workflow as JSON')} readOnly={isReadOnly} />
      </div>
    </div>
  );
}
