/** Undo of everything: each change keeps the document before it, whose unchanged parts are shared. */

import { omit } from './omit';
import type { WorkflowDocument } from './types';

export interface Change {
  before: WorkflowDocument;
  after: WorkflowDocument;
  /** What was done, for people: "Add If". */
  label: string;
  /** Changes of one key that follow each other at once are one: the letters of a word, the steps of a drag. */
  merge?: string;
  at: number;
}

export interface History {
  document: WorkflowDocument;
  past: readonly Change[];
  future: readonly Change[];
}

const MERGE_WITHIN_MS = 1_200;
const MAX_CHANGES = 500;

export function newHistory(document: WorkflowDocument): History {
  return { document, past: [], future: [] };
}

export interface Edit {
  label: string;
  at: number;
  merge?: string;
}

/** The history with one more change; the same one if nothing changes. */
export function record(history: History, after: WorkflowDocument, edit: Edit): History {
  const before = history.document;
  if (after === before) return history;
  const last = history.past[history.past.length - 1];
  const joins =
    edit.merge !== undefined &&
    last?.merge === edit.merge &&
    edit.at - last.at <= MERGE_WITHIN_MS &&
    history.future.length === 0;
  if (joins) {
    const joined = { ...last, after, at: edit.at };
    return { document: after, past: [...history.past.slice(0, -1), joined], future: [] };
  }
  const past = [...history.past, { before, after, ...edit }].slice(-MAX_CHANGES);
  return { document: after, past, future: [] };
}

export function undo(history: History): History {
  const last = history.past[history.past.length - 1];
  if (!last) return history;
  return { document: last.before, past: history.past.slice(0, -1), future: [last, ...history.future] };
}

export function redo(history: History): History {
  const [next, ...future] = history.future;
  if (!next) return history;
  // A change that was undone is done; what joined it before does not join what comes now.
  return { document: next.after, past: [...history.past, omit(next, 'merge')], future };
}
