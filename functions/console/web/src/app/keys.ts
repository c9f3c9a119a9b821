/** Keys that work everywhere, and the list of all that `?` shows. */
import { create } from 'zustand';
import { msg } from './i18n';

export interface KeyHelp {
  keys: string;
  /** Marked with `msg()`. */
  label: string;
}

interface KeyGroup {
  title: string;
  keys: readonly KeyHelp[];
}

export const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);
/** The key beside the space bar that goes with letters. */
export const MOD = isMac ? '⌘' : 'Ctrl';

const EVERYWHERE: KeyGroup = {
  title: msg('Everywhere'),
  keys: [
    { keys: `${MOD} K`, label: msg('Search and do anything') },
    { keys: '?', label: msg('Show the keys') },
    { keys: 'Esc', label: msg('Close what is open') },
  ],
};

/** What the open screens add; `useKeyHelp` puts it there. */
export const useKeyGroups = create<{ groups: readonly KeyGroup[] }>(() => ({ groups: [EVERYWHERE] }));

/** Tell of a screen's keys for as long as it is open; use it in an effect. */
export function addKeyHelp(group: KeyGroup): () => void {
  useKeyGroups.setState(({ groups }) => ({ groups: [...groups, group] }));
  return () => useKeyGroups.setState(({ groups }) => ({ groups: groups.filter((one) => one !== group) }));
}

/** Whether keys are text now: letters belong to what has the focus. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return Boolean(target?.closest('input,textarea,select,[contenteditable=true],[role=textbox]'));
}

/** The one of some keys that was pressed behind `g`, within a second of it. */
export function makeSequence(keys: ReadonlyMap<string, () => void>, now: () => number = Date.now) {
  let begunAt = -Infinity;
  return (key: string): boolean => {
    const isSecond = now() - begunAt < 1000;
    begunAt = key === 'g' ? now() : -Infinity;
    const go = isSecond ? keys.get(key) : undefined;
    go?.();
    return go !== undefined;
  };
}
