/** Who is signed in, as all parts of the console know it. `session.ts` says how they came to be so. */
import { create } from 'zustand';
import type { components } from '@/api/schema';

export type Me = components['schemas']['MeAnswer'];
export type Status = 'signed-out' | 'signed-in' | 'expired';

interface SessionState {
  status: Status;
  me: Me | null;
}

export const useSession = create<SessionState>(() => ({ status: 'signed-out', me: null }));
