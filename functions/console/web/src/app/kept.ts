/**
 * What somebody has typed that is nowhere else yet: kept in this browser, so that it outlives a closed tab, a crash and
 * a session that has ended. It is by person and workspace: several people may use one browser, and nothing of one workspace
 * is seen in another.
 */
import { useState } from 'react';
import { apiBase } from './base';
import { useSession } from './session';

function keyOf(name: string): string {
  const { me } = useSession.getState();
  return `mainspring.kept.${apiBase}.${me?.id ?? ''}.${me?.workspace_id ?? ''}.${name}`;
}

/** What was kept under a name; null where nothing was, or it is no JSON any more. */
export function readKept(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(keyOf(name)) ?? 'null');
  } catch {
    return null;
  }
}

/** Keep a value that is JSON; null forgets it. */
export function keep(name: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(keyOf(name));
    else localStorage.setItem(keyOf(name), JSON.stringify(value));
  } catch {
    // The storage is full or forbidden: it is still in the page.
  }
}

/** As `useState` of a text that is kept until it is empty. */
export function useKeptText(name: string): [string, (text: string) => void] {
  const [text, setText] = useState(() => {
    const kept = readKept(name);
    return typeof kept === 'string' ? kept : '';
  });
  const change = (next: string) => {
    setText(next);
    keep(name, next === '' ? null : next);
  };
  return [text, change];
}
