/** The state of one open workflow: its document with undo, what is chosen, problems, and how saving goes. */

import { createContext, useContext } from 'react';
import { createStore, useStore, type StoreApi } from 'zustand';

import type { Problem } from './api';
import type { SaveConflict, SaveState } from './autosave';
import { newHistory, record, redo, undo, type History } from './history';
import { omit } from './omit';
import { stepped, type ShownRun } from './shownRun';
import { findNode, loopsAround } from './tree';
import type { Definition, Edge, Scope, WorkflowDocument } from './types';

export type Selection =
  | { kind: 'none' }
  | { kind: 'nodes'; ids: readonly string[] }
  | { kind: 'edge'; edge: Edge; scope: Scope }
  | { kind: 'trigger'; id: string };

/** Where the palette puts what is chosen in it. */
export type Place =
  | { kind: 'end'; scope: Scope }
  | { kind: 'after'; node: string; port: string; scope: Scope }
  | { kind: 'edge'; edge: Edge; scope: Scope }
  | { kind: 'trigger' };

export interface EditorState {
  history: History;
  selection: Selection;
  /** Loops that are shown in place. */
  open: ReadonlySet<string>;
  palette: Place | null;
  problems: readonly Problem[];
  /** The server could not be asked for problems: those that are shown are of an earlier state. */
  isUnchecked: boolean;
  save: SaveState;
  saveError: string | null;
  conflict: SaveConflict | null;
  run: ShownRun | null;
  /** What was done last, for screen readers. */
  said: string;
  isReadOnly: boolean;
  /** On a phone: the settings of the workflow are asked for. */
  isPanelOpen: boolean;

  apply: (label: string, change: (document: WorkflowDocument) => WorkflowDocument, merge?: string) => void;
  undo: () => void;
  redo: () => void;
  select: (selection: Selection) => void;
  selectNode: (id: string) => void;
  toggleLoop: (id: string) => void;
  /** Show another iteration of the loop at this path of the run. */
  stepLoop: (path: string, index: number) => void;
  openPalette: (place: Place | null) => void;
  /** The definition becomes what was merged; no step of undo goes behind it. */
  adopt: (definition: Definition) => void;
  say: (text: string) => void;
}

export type EditorStore = StoreApi<EditorState>;

export function createEditorStore(document: WorkflowDocument, options: { isReadOnly?: boolean; now?: () => number } = {}): EditorStore {
  const now = options.now ?? Date.now;
  return createStore<EditorState>((set, get) => ({
    history: newHistory(document),
    selection: { kind: 'none' },
    open: new Set(),
    palette: null,
    problems: [],
    isUnchecked: false,
    save: 'saved',
    saveError: null,
    conflict: null,
    run: null,
    said: '',
    isReadOnly: options.isReadOnly ?? false,
    isPanelOpen: false,

    apply(label, change, merge) {
      if (get().isReadOnly) return;
      const { history } = get();
      const next = record(history, change(history.document), { label, at: now(), ...(merge ? { merge } : {}) });
      if (next !== history) set({ history: next, selection: kept(get().selection, next.document), said: merge ? get().said : label });
    },
    undo() {
      const { history, selection } = get();
      const next = undo(history);
      if (next !== history) set({ history: next, selection: kept(selection, next.document) });
    },
    redo() {
      const { history, selection } = get();
      const next = redo(history);
      if (next !== history) set({ history: next, selection: kept(selection, next.document) });
    },
    select(selection) {
      set({ selection, isPanelOpen: false });
    },
    selectNode(id) {
      const loops = loopsAround(get().history.document.definition, id);
      const open = loops.some((loop) => !get().open.has(loop)) ? new Set([...get().open, ...loops]) : get().open;
      set({ selection: { kind: 'nodes', ids: [id] }, open });
    },
    toggleLoop(id) {
      const open = new Set(get().open);
      if (!open.delete(id)) open.add(id);
      set({ open });
    },
    stepLoop(path, index) {
      const { run } = get();
      if (run) set({ run: stepped(run, path, index) });
    },
    openPalette(palette) {
      if (!get().isReadOnly) set({ palette });
    },
    adopt(definition) {
      const { history } = get();
      const after = { ...history.document, definition: withoutUi(definition), ui: uiOf(definition) };
      set({ history: newHistory(after), selection: kept(get().selection, after) });
    },
    say(said) {
      set({ said });
    },
  }));
}

/** What is still there of what was chosen. */
function kept(selection: Selection, document: WorkflowDocument): Selection {
  const { definition } = document;
  if (selection.kind === 'nodes') {
    const ids = selection.ids.filter((id) => findNode(definition, id));
    if (ids.length === selection.ids.length) return selection;
    return ids.length > 0 ? { kind: 'nodes', ids } : { kind: 'none' };
  }
  if (selection.kind === 'trigger' && !definition.triggers?.some(({ id }) => id === selection.id)) return { kind: 'none' };
  return selection;
}

/** A definition as the API has it holds `ui`; the document has it beside. */
export function documentOf(name: string, description: string | null, definition: Definition): WorkflowDocument {
  return { name, description: description ?? '', definition: withoutUi(definition), ui: uiOf(definition) };
}

function withoutUi(definition: Definition): Definition {
  return omit(definition as Definition & { ui?: unknown }, 'ui');
}

function uiOf(definition: Definition): WorkflowDocument['ui'] {
  const { ui } = definition as Definition & { ui?: WorkflowDocument['ui'] };
  return ui ?? {};
}

/** A definition as a version has it: what one person tries it with stays in their draft. */
export function asVersion(definition: Definition): Definition {
  const ui = omit(uiOf(definition), 'pins', 'testInput');
  return { ...withoutUi(definition), ...(Object.keys(ui).length > 0 ? { ui } : {}) };
}

const stored = new WeakMap<WorkflowDocument, Definition>();

/** The definition that is saved; the same object for the same document. */
export function definitionOf(document: WorkflowDocument): Definition {
  const before = stored.get(document);
  if (before) return before;
  const { definition, ui } = document;
  const made = Object.keys(ui).length > 0 ? ({ ...definition, ui } as Definition) : definition;
  stored.set(document, made);
  return made;
}

export const EditorContext = createContext<EditorStore | null>(null);

export function useEditorStore(): EditorStore {
  const store = useContext(EditorContext);
  if (!store) throw new Error('there is no editor around this');
  return store;
}

export function useEditor<T>(select: (state: EditorState) => T): T {
  return useStore(useEditorStore(), select);
}

export function useDefinition(): Definition {
  return useEditor((state) => state.history.document.definition);
}

/** The one node that is chosen. */
export function useChosenNode(): string | undefined {
  return useEditor(({ selection }) => (selection.kind === 'nodes' && selection.ids.length === 1 ? selection.ids[0] : undefined));
}
