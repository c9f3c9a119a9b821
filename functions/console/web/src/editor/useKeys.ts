/** The keys of the editor, wherever the focus is but in a field. */

import { useEffect } from 'react';

import { msg, t } from '@/app/i18n';
import { addKeyHelp, MOD } from '@/app/keys';
import { toast } from '@/ui';

import * as actions from './actions';
import type { Catalogue } from './catalogue';
import { focusSettings, leaveSettings, SETTINGS } from './focus';
import type { EditorStore } from './store';

function isInField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable="true"], .cm-editor') !== null;
}

function isInDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role="dialog"], [role="menu"]') !== null;
}

function isInSettings(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(`#${SETTINGS}`) !== null;
}

/** Whether Enter means something to what has the focus itself. */
function isPressable(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('button, a, summary, [role="treeitem"], [role="tab"], [role="option"]') !== null;
}

const HELP = {
  title: msg('Editor'),
  keys: [
    { keys: '/', label: msg('Add step') },
    { keys: 'Enter', label: msg('To the settings of the step') },
    { keys: 'Esc', label: msg('Back from its settings') },
    { keys: 'O', label: msg('Outline') },
    { keys: `${MOD} Enter`, label: msg('Test run') },
    { keys: 'P', label: msg('Publish') },
    { keys: `${MOD} Z`, label: msg('Undo') },
    { keys: `${MOD} Shift Z`, label: msg('Redo') },
    { keys: `${MOD} C`, label: msg('Copy as JSON') },
    { keys: `${MOD} V`, label: msg('Paste JSON') },
    { keys: `${MOD} D`, label: msg('Duplicate') },
    { keys: 'Del', label: msg('Delete') },
  ],
};

export interface Keys {
  onRun: () => void;
  onPublish: () => void;
  onOutline: () => void;
}

export function useKeys(store: EditorStore, catalogue: Catalogue | undefined, { onRun, onPublish, onOutline }: Keys): void {
  useEffect(() => addKeyHelp(HELP), []);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isInDialog(event.target) || store.getState().isReadOnly) return;
      const isCommand = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      const act = isCommand ? commandOf(key, event.shiftKey) : isInField(event.target) ? inField(event) : plainOf(event);
      if (!act) return;
      event.preventDefault();
      act();
    };
    const commandOf = (key: string, isShifted: boolean): (() => void) | undefined => {
      const { undo, redo } = store.getState();
      if (key === 'enter') return onRun;
      if (key === 's') return () => toast(t('Changes are saved by themselves.'));
      if (isInField(globalThis.document.activeElement) && key !== 'z' && key !== 'y') return undefined;
      if (key === 'z') return isShifted ? redo : undo;
      if (key === 'y') return redo;
      if (key === 'd') return () => actions.duplicateChosen(store);
      return undefined;
    };
    const inField = ({ key, target }: KeyboardEvent) => (key === 'Escape' && isInSettings(target) ? leaveSettings : undefined);
    const plainOf = ({ key, target }: KeyboardEvent): (() => void) | undefined => {
      if (key === '/' && catalogue) return () => store.getState().openPalette(actions.placeFor(store, catalogue));
      if (key === 'Delete' || key === 'Backspace') return () => actions.removeChosen(store);
      if (key === 'Enter') return isPressable(target) || store.getState().selection.kind === 'none' ? undefined : focusSettings;
      if (key === 'Escape') return isInSettings(target) ? leaveSettings : () => store.getState().select({ kind: 'none' });
      if (key === 'p') return onPublish;
      if (key === 'o') return onOutline;
      return undefined;
    };
    const onCopy = (event: ClipboardEvent) => {
      if (isInField(event.target) || isInDialog(event.target) || globalThis.getSelection()?.toString()) return;
      const text = actions.textToCopy(store);
      if (text === undefined) return;
      event.clipboardData?.setData('text/plain', text);
      event.preventDefault();
      if (event.type === 'cut') actions.removeChosen(store);
      store.getState().say(t('Copied'));
    };
    const onPaste = (event: ClipboardEvent) => {
      if (isInField(event.target) || isInDialog(event.target) || store.getState().isReadOnly) return;
      if (actions.pasteText(store, event.clipboardData?.getData('text/plain') ?? '')) event.preventDefault();
    };
    globalThis.addEventListener('keydown', onKeyDown);
    globalThis.document.addEventListener('copy', onCopy);
    globalThis.document.addEventListener('cut', onCopy);
    globalThis.document.addEventListener('paste', onPaste);
    return () => {
      globalThis.removeEventListener('keydown', onKeyDown);
      globalThis.document.removeEventListener('copy', onCopy);
      globalThis.document.removeEventListener('cut', onCopy);
      globalThis.document.removeEventListener('paste', onPaste);
    };
  }, [store, catalogue, onRun, onPublish, onOutline]);
}
