/** The link of a mail that asks for an approval. Whoever has it may look and decide, with or without an account. */
import { apiError } from '@/api/errors';
import type { components } from '@/api/schema';
import { addressOf, isPageOf, readByToken } from '@/app/mailedLink';

export type Asked = components['schemas']['LinkAnswer'];
export type Decided = components['schemas']['SignalAnswer'];
export type LinkBody = components['schemas']['LinkBody'];

const PATH = '/api/approvals/links';

export const isAnswerPage = (path: string): boolean => isPageOf('answer', path);

/** null: the link is none, or whoever it was mailed to may not answer any more. */
export const readLink = (token: string): Promise<Asked | null> => readByToken<Asked>(PATH, token);

export async function answerLink(token: string, given: LinkBody): Promise<Decided> {
  const answer = await fetch(addressOf(PATH, token), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(given),
  });
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw apiError(answer, body);
  return body as Decided;
}
