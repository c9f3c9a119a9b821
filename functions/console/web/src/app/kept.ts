/**
 * What somebody has typed that is nowhere else yet: kept in this browser, so that it outlives a closed tab, a crash and
 * a session that has ended. It is by person and workspace: several people may use one browser, and nothing of one workspace
 * is seen in another.
 */
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

/** Keep a value that is JSON; null forgets it. Says whether it is kept. */
export function keep(name: string, value: unknown): boolean {
  try {
    if (value === null) localStorage.removeItem(keyOf(name));
    else localStorage.setItem(keyOf(name), JSON.stringify(value));
    return true;
  } catch {
    return false; // the storage is full or forbidden: it is still in the page
  }
}
