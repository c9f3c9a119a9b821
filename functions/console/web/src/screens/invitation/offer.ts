/** What the link of an invitation offers. Whoever has it may look, signed in or not. */
import { apiError } from '@/api/errors';
import type { components } from '@/api/schema';
import { apiBase, consoleBase } from '@/app/base';

export type Offer = components['schemas']['OfferAnswer'];

const PAGE = `${consoleBase}/invitation`;

export function isInvitation(path: string): boolean {
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

/** null: it was accepted or withdrawn, or is over, or there never was one. */
export async function readOffer(token: string): Promise<Offer | null> {
  if (token === '') return null;
  const answer = await fetch(`${location.origin}${apiBase}/api/invitations/${encodeURIComponent(token)}`);
  const body: unknown = await answer.json().catch(() => null);
  if (answer.status === 404 || answer.status === 400 || answer.status === 422) return null;
  if (!answer.ok) throw apiError(answer, body);
  return body as Offer;
}
