/** Name and description belong to the workflow, not to a version: they are saved one second after their last change. */

import { useEffect } from 'react';
import { useQueryClient } from '@tanstack/react-query';

import { t } from '@/app/i18n';
import { toastError } from '@/ui';

import { calls } from './api';
import type { EditorSession } from './useEditorSession';

const AFTER_MS = 1_000;

export function useMetadata({ store, workflow }: EditorSession): void {
  const queries = useQueryClient();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const saved = { name: workflow.name, description: workflow.description ?? '' };
    const save = () => {
      timer = undefined;
      const { name, description } = store.getState().history.document;
      if (name.trim() === '' || (name === saved.name && description === saved.description)) return;
      calls
        .patchWorkflow(workflow.id, { name: name.trim(), description: description === '' ? null : description })
        .then(() => {
          Object.assign(saved, { name, description });
          return queries.invalidateQueries({ queryKey: ['workflows'] });
        })
        .catch((error: unknown) => toastError(t('The name could not be saved'), error));
    };
    const end = store.subscribe(({ history: { document } }, before) => {
      if (document.name === before.history.document.name && document.description === before.history.document.description) return;
      clearTimeout(timer);
      timer = setTimeout(save, AFTER_MS);
    });
    return () => {
      end();
      if (timer !== undefined) {
        clearTimeout(timer);
        save();
      }
    };
    // Only what the workflow is, not what became of it since: that is in `saved`.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [store, workflow.id]);
}
