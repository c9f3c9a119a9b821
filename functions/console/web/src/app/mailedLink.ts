/** Pages that a mailed link opens: whoever has its token may look, signed in or not. */
import { apiError } from '@/api/errors';
import { apiUrl, consoleBase } from './base';

/** Whether a path is that of such a page, with or without a slash at its end. */
export function isPageOf(name: string, path: string): boolean {
  return path.replace(/\/$/, '') === `${consoleBase}/${name}`;
}

/** The token is behind `#`: browsers send it to no server with the page. */
export function tokenIn(hash: string): string {
  try {
    return decodeURIComponent(hash.replace(/^#/, ''));
  } catch {
    return ''; // it was cut off on its way
  }
}

/** The address of what a token is for, below a path of the API. */
export function addressOf(path: string, token: string): string {
  return `${apiUrl}${path}/${encodeURIComponent(token)}`;
}

/** What is there for a token; null where it is good for nothing, or not any more. */
export async function readByToken<T>(path: string, token: string): Promise<T | null> {
  if (token === '') return null;
  const answer = await fetch(addressOf(path, token));
  const body: unknown = await answer.json().catch(() => null);
  if (answer.status === 404 || answer.status === 400 || answer.status === 422) return null;
  if (!answer.ok) throw apiError(answer, body);
  return body as T;
}
