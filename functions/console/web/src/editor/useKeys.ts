/** The keys of the editor, wherever the focus is but in a field. */

import { useEffect } from 'react';

import { toast } from '@/ui';
import { t } from '@/app/i18n';

import * as actions from './actions';
import type { Catalogue } from './catalogue';
import type { EditorStore } from './store';

function isInField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable="true"], .cm-editor') !== null;
}

function isInDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role="dialog"], [role="menu"]') !== null;
}

export interface Keys {
  onRun: () => void;
  onPublish: () => void;
}

export function useKeys(store: EditorStore, catalogue: Catalogue | undefined, { onRun, onPublish }: Keys): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isInDialog(event.target) || store.getState().isReadOnly) return;
      const isCommand = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      const act = isCommand ? commandOf(key, event.shiftKey) : isInField(event.target) ? undefined : plainOf(event.key);
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
    const plainOf = (key: string): (() => void) | undefined => {
      if (key === '/' && catalogue) return () => store.getState().openPalette(actions.placeFor(store, catalogue));
      if (key === 'Delete' || key === 'Backspace') return () => actions.removeChosen(store);
      if (key === 'Escape') return () => store.getState().select({ kind: 'none' });
      if (key === 'p') return onPublish;
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
  }, [store, catalogue, onRun, onPublish]);
}
