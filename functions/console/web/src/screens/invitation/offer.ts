/** What the link of an invitation offers. Whoever has it may look, signed in or not. */
import type { components } from '@/api/schema';
import { isPageOf, readByToken } from '@/app/mailedLink';

export type Offer = components['schemas']['OfferAnswer'];

export const isInvitation = (path: string): boolean => isPageOf('invitation', path);

/** null: it was accepted or withdrawn, or is over, or there never was one. */
export const readOffer = (token: string): Promise<Offer | null> => readByToken<Offer>('/api/invitations', token);
