/** The link of a mail that asks for an approval. Whoever has it may look and decide, with or without an account. */
import { apiError } from '@/api/errors';
import type { components } from '@/api/schema';
import { apiBase, consoleBase } from '@/app/base';

export type Asked = components['schemas']['LinkAnswer'];
export type Decided = components['schemas']['SignalAnswer'];
export type LinkBody = components['schemas']['LinkBody'];

const PAGE = `${consoleBase}/answer`;

export function isAnswerPage(path: string): boolean {
  return path.replace(/\/$/, '') === PAGE;
}

/** The token is behind `#`: browsers send it to no server with the page. */
export function tokenIn(hash: string): string {
  try {
    return decodeURIComponent(hash.replace(/^#/, ''));
  } catch {
    return ''; // it was cut off on its way
  }
}

function address(token: string): string {
  return `${location.origin}${apiBase}/api/approvals/links/${encodeURIComponent(token)}`;
}

/** null: the link is none, or whoever it was mailed to may not answer any more. */
export async function readLink(token: string): Promise<Asked | null> {
  if (token === '') return null;
  const answer = await fetch(address(token));
  const body: unknown = await answer.json().catch(() => null);
  if (answer.status === 404 || answer.status === 400 || answer.status === 422) return null;
  if (!answer.ok) throw apiError(answer, body);
  return body as Asked;
}

export async function answerLink(token: string, given: LinkBody): Promise<Decided> {
  const answer = await fetch(address(token), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(given),
  });
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw apiError(answer, body);
  return body as Decided;
}
