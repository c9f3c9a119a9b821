/**
 * Name and description belong to the workflow, not to a version: they are saved one second after their last change.
 *
 * Until that has happened this browser keeps them, as it does what is not in the draft yet.
 */

import { useEffect } from 'react';
import { useQueryClient } from '@tanstack/react-query';

import { t } from '@/app/i18n';
import { keep, readKept } from '@/app/kept';
import { toastError } from '@/ui';

import { calls, isTemporary, type Workflow } from './api';
import type { EditorStore } from './store';
import type { EditorSession } from './useEditorSession';

const AFTER_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

interface Metadata {
  name: string;
  description: string;
}

function keptAs(workflowId: string): string {
  return `metadata.${workflowId}`;
}

/** The name and the description that were typed last; those of the workflow unless some could not be saved. */
export function metadataOf(workflow: Workflow): Metadata {
  const kept = readKept(keptAs(workflow.id)) as Metadata | null;
  return kept ?? asSaved(workflow);
}

export function asSaved(workflow: Workflow): Metadata {
  return { name: workflow.name, description: workflow.description ?? '' };
}

function writtenIn(store: EditorStore): Metadata {
  const { name, description } = store.getState().history.document;
  return { name, description };
}

function isSame(one: Metadata, other: Metadata): boolean {
  return one.name.trim() === other.name.trim() && one.description === other.description;
}

export function useMetadata({ store, workflow }: EditorSession): void {
  const queries = useQueryClient();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let saved = asSaved(workflow);
    let failures = 0;
    const schedule = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => void save(), ms);
    };
    const save = async () => {
      timer = undefined;
      const wanted = writtenIn(store);
      if (wanted.name.trim() === '' || isSame(wanted, saved)) return;
      try {
        await calls.patchWorkflow(workflow.id, { name: wanted.name.trim(), description: wanted.description === '' ? null : wanted.description });
      } catch (error) {
        failures += 1;
        if (isTemporary(error)) schedule(Math.min(MAX_PAUSE_MS, AFTER_MS * 2 ** failures));
        else toastError(t('The name could not be saved'), error);
        return;
      }
      saved = wanted;
      failures = 0;
      if (isSame(writtenIn(store), saved)) keep(keptAs(workflow.id), null);
      await queries.invalidateQueries({ queryKey: ['workflows'] });
    };
    const end = store.subscribe(({ history: { document } }, before) => {
      if (document.name === before.history.document.name && document.description === before.history.document.description) return;
      const now = writtenIn(store);
      keep(keptAs(workflow.id), isSame(now, saved) ? null : now);
      schedule(AFTER_MS);
    });
    if (!isSame(writtenIn(store), saved)) schedule(AFTER_MS); // it was kept from the last time
    return () => {
      end();
      const isDue = timer !== undefined;
      clearTimeout(timer);
      if (isDue) void save().finally(() => clearTimeout(timer)); // once: what cannot be saved now is kept
    };
    // Only what the workflow is, not what became of it since: that is in `saved`.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [store, workflow.id]);
}
