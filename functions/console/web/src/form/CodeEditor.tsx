import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import { python } from '@codemirror/lang-python';
import { sql } from '@codemirror/lang-sql';
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { linter } from '@codemirror/lint';
import { searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';

import { styleNonce } from '@/app/base';
import { cx, useFieldProps } from '@/ui';

export interface CodeEditorProps {
  value: string;
  onChange: (value: string) => void;
  language?: string | undefined;
  /** It fills its place instead of growing with its text. */
  fill?: boolean;
  label?: string;
  readOnly?: boolean;
}

const THEME = EditorView.theme({
  '&': { fontSize: '12.5px', backgroundColor: 'var(--card)', color: 'var(--ink)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-1px' },
  '.cm-content': { fontFamily: 'var(--font-mono, ui-monospace, monospace)', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--page)', color: 'var(--muted)', borderRight: '1px solid var(--line)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, ::selection': { backgroundColor: 'var(--accent-soft)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--ink)', border: '1px solid var(--line)' },
});

const COLORS = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--violet)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ok)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--run)' },
  { tag: tags.propertyName, color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
]);

function languageOf(name: string | undefined): Extension[] {
  if (name === 'python') return [python()];
  if (name === 'javascript') return [javascript()];
  if (name === 'sql') return [sql()];
  if (name === 'json') {
    // What is not written yet is no mistake.
    const parse = jsonParseLinter();
    return [json(), linter((view) => (view.state.doc.length === 0 ? [] : parse(view)))];
  }
  return [];
}

function extensions(language: string | undefined, label: string | undefined, readOnly: boolean, props: Record<string, unknown>): Extension[] {
  const attributes = Object.fromEntries(
    Object.entries({ ...props, 'aria-label': label }).flatMap(([key, value]) =>
      value === undefined || key === 'id' ? [] : [[key, `${value as string | boolean}`]],
    ),
  );
  return [
    EditorView.cspNonce.of(styleNonce),
    lineNumbers(),
    foldGutter(),
    history(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion(),
    syntaxHighlighting(COLORS),
    THEME,
    EditorView.lineWrapping,
    EditorState.readOnly.of(readOnly),
    EditorView.contentAttributes.of({ tabindex: '0', ...attributes }),
    // Tab goes to the next field, as everywhere: nobody is caught in here.
    keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...completionKeymap]),
    ...languageOf(language),
  ];
}

/** The view is made once; what changes from outside is put into it. Making it anew would lose the focus. */
export default function CodeEditor({ value, onChange, language, fill = false, label, readOnly = false }: CodeEditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const changed = useRef(onChange);
  const fieldProps = useFieldProps();
  const first = useRef({ value, label, fieldProps });
  useEffect(() => {
    changed.current = onChange;
  });
  useEffect(() => {
    if (!box.current) return;
    const { value: doc, label: name, fieldProps: props } = first.current;
    const tells = EditorView.updateListener.of((update) => {
      if (update.docChanged) changed.current(update.state.doc.toString());
    });
    const made = new EditorView({
      parent: box.current,
      state: EditorState.create({ doc, extensions: [...extensions(language, name, readOnly, props), tells] }),
    });
    view.current = made;
    return () => made.destroy();
  }, [language, readOnly]);
  useEffect(() => {
    const shown = view.current;
    const text = shown?.state.doc.toString();
    if (shown && text !== value) shown.dispatch({ changes: { from: 0, to: text?.length ?? 0, insert: value } });
    first.current.value = value;
  }, [value]);
  return (
    <div
      ref={box}
      className={cx(
        'overflow-hidden rounded-md border border-line-strong/60',
        fill ? 'h-full [&_.cm-editor]:h-full' : '[&_.cm-editor]:max-h-96 [&_.cm-editor]:min-h-24',
      )}
    />
  );
}
