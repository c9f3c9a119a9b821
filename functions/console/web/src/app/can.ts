/**
 * What the person may do in the workspace. The API refuses what they may not; the console does not offer it.
 *
 * A `Button` or a menu's entry says what it `needs`; for anything else there is `useCan`.
 */
import type { components } from '@/api/schema';
import { useSession, type Me } from './me';

export type Permission = components['schemas']['Permission'];

export function can(me: Me | null, needs: Permission | undefined): boolean {
  return needs === undefined || (me?.permissions.includes(needs) ?? false);
}

const NONE: readonly Permission[] = [];

/** All that the person may do here. */
export function usePermissions(): readonly Permission[] {
  return useSession(({ me }) => me?.permissions ?? NONE);
}

/** Whether the person has a permission; everybody does what needs none. */
export function useCan(needs: Permission | undefined): boolean {
  return useSession(({ me }) => can(me, needs));
}
