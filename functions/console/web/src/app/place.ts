/**
 * The workspace that a tab is in. It outlives the page, and each tab has its own; a new tab, such as one of a link that
 * is opened beside, begins where the person was last.
 */
import { apiBase } from './base';

const PLACE = `mainspring.workspace.${apiBase}`;
const OUT = `mainspring.out-of.${apiBase}`;

export function placeOfTab(): string | null {
  return sessionStorage.getItem(PLACE) ?? localStorage.getItem(PLACE);
}

/** This tab is in this workspace from now on. */
export function comeTo(workspaceId: string): void {
  sessionStorage.setItem(PLACE, workspaceId);
  localStorage.setItem(PLACE, workspaceId);
}

/** The person looks at this tab: new ones begin where it is. */
export function isLookedAt(): void {
  const here = sessionStorage.getItem(PLACE);
  if (here !== null) localStorage.setItem(PLACE, here);
}

/** Whoever signs in next begins in their own workspace. */
export function forgetPlace(): void {
  sessionStorage.removeItem(PLACE);
  localStorage.removeItem(PLACE);
}

/** The person is no member any more: the next page says so. */
export function isOut(workspaceName: string): void {
  sessionStorage.setItem(OUT, workspaceName);
}

/** The workspace that the person was put out of while its page was open; only once. */
export function takeOut(): string | null {
  const name = sessionStorage.getItem(OUT);
  sessionStorage.removeItem(OUT);
  return name;
}
