/** Opens a workflow: its draft or newest version, what this browser had not saved, and saving from then on. */

import { useEffect, useState } from 'react';

import { ApiError } from '@/api/client';
import { can } from '@/app/can';
import { keep, readKept } from '@/app/kept';
import { useSession } from '@/app/session';

import { calls, draftOf, isTemporary, type Workflow } from './api';
import { autosave, beginning, type Autosave, type Backup, type Ports, type SaveConflict } from './autosave';
import { isBody } from './clipboard';
import { createEditorStore, definitionOf, documentOf, type EditorStore } from './store';
import type { Definition } from './types';
import { asSaved, metadataOf } from './useMetadata';

export interface EditorSession {
  workflow: Workflow;
  workflowEtag: string | null;
  store: EditorStore;
  saver: Autosave;
  /** What was not saved when this was open last has been brought back. */
  isRecovered: boolean;
  setWorkflow: (workflow: Workflow, etag?: string | null) => void;
}

type Opened = Omit<EditorSession, 'setWorkflow'>;

/** By this name, what is not saved yet outlives the tab. */
function keptAs(workflowId: string): string {
  return `unsaved.${workflowId}`;
}

function readBackup(workflowId: string): Backup | null {
  const found = readKept(keptAs(workflowId)) as Backup | null;
  return found && isBody(found.definition) && isBody(found.saved) ? found : null;
}

function portsFor(workflowId: string, store: EditorStore): Ports {
  return {
    put: (definition, etag) => calls.saveDraft(workflowId, definition, etag),
    get: () => draftOf(workflowId),
    backup: (backup) => keep(keptAs(workflowId), backup),
    isConflict: (error) => error instanceof ApiError && (error.status === 412 || error.code === 'draft_conflict'),
    isTemporary,
    later: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    onState: (save, error) => store.setState({ save, saveError: error instanceof Error ? error.message : null }),
    onMerged: (definition) => store.getState().adopt(definition),
    onConflict: (conflict: SaveConflict) => store.setState({ conflict }),
  };
}

const EMPTY: Definition = { nodes: [], edges: [] };

async function open(id: string): Promise<Opened> {
  const { data: workflow, etag } = await calls.workflow(id);
  // A draft that is not there is not asked for: browsers tell each 404 as an error.
  const draft = workflow.drafts.some((one) => one.is_mine) ? await draftOf(id) : null;
  const newest = workflow.definition ?? EMPTY;
  const saved = { definition: draft && isBody(draft.definition) ? draft.definition : newest, etag: draft?.etag ?? null };
  const isReadOnly = !can(useSession.getState().me, 'edit');
  const begin = beginning(saved, isReadOnly ? null : readBackup(id));
  const { name, description } = isReadOnly ? asSaved(workflow) : metadataOf(workflow);
  const store = createEditorStore(documentOf(name, description, begin.definition), { isReadOnly });
  const saver = autosave(portsFor(id, store), begin.from);
  if (begin.isRecovered) saver.changed(begin.definition);
  store.subscribe((state, before) => {
    if (state.history.document !== before.history.document) saver.changed(definitionOf(state.history.document));
  });
  return { workflow, workflowEtag: etag, store, saver, isRecovered: begin.isRecovered || name !== workflow.name || description !== (workflow.description ?? '') };
}

export function useEditorSession(id: string): { session: EditorSession | null; error: unknown; retry: () => void } {
  const [opened, setOpened] = useState<{ id: string; session: Opened } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isLeft = false;
    let saver: Autosave | null = null;
    open(id)
      .then((session) => {
        saver = session.saver;
        if (isLeft) saver.stop();
        else {
          setError(null);
          setOpened({ id, session });
        }
      })
      .catch((caught: unknown) => {
        if (!isLeft) setError(caught);
      });
    const leave = () => {
      if (globalThis.document.visibilityState === 'hidden') saver?.flush().catch(() => undefined);
    };
    globalThis.document.addEventListener('visibilitychange', leave);
    return () => {
      isLeft = true;
      globalThis.document.removeEventListener('visibilitychange', leave);
      // What is not saved yet is saved on the way out; the browser has it in any case.
      saver?.flush().catch(() => undefined);
    };
  }, [id, attempt]);
  const session = opened?.id === id ? opened.session : null;
  const setWorkflow = (workflow: Workflow, etag?: string | null) =>
    setOpened((before) => before && { ...before, session: { ...before.session, workflow, workflowEtag: etag ?? before.session.workflowEtag } });
  return { session: session && { ...session, setWorkflow }, error, retry: () => setAttempt((n) => n + 1) };
}
