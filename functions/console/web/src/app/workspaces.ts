/** The person's workspaces, and going from one to another. */
import { useQuery } from '@tanstack/react-query';
import { api, unwrap } from '@/api/client';
import type { components } from '@/api/schema';
import { consoleBase } from './base';
import { comeTo } from './place';
import { useSession } from './session';

export type WorkspaceAnswer = components['schemas']['WorkspaceAnswer'];

export const WORKSPACES = ['workspaces'];

export function useWorkspaces() {
  return useQuery({ queryKey: WORKSPACES, queryFn: async () => (await unwrap(api.GET('/api/workspaces'))).items, staleTime: 60_000 });
}

/**
 * Take this tab to another workspace. The page begins anew, so that nothing of the one before is in its memory; what was
 * typed there is kept for when the person comes back.
 */
export async function enterWorkspace(id: string, path = ''): Promise<void> {
  if (id !== useSession.getState().me?.workspace_id) await unwrap(api.POST('/api/auth/workspace', { body: { workspace_id: id } }));
  comeTo(id);
  location.assign(consoleBase + path);
}

export async function createWorkspace(name: string): Promise<WorkspaceAnswer> {
  return unwrap(api.POST('/api/workspaces', { body: { name } }));
}
