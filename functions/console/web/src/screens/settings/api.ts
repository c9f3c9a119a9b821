/** The workspace that this tab is in: its members, invitations and roles. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { api, unwrap } from '@/api/client';
import type { components } from '@/api/schema';
import type { Permission } from '@/app/can';
import { useSession } from '@/app/session';

export type Invitation = components['schemas']['InvitationAnswer'];
export type WorkspaceDetails = components['schemas']['WorkspaceDetails'];
export type NewInvitation = components['schemas']['NewInvitation'];

function here(): string {
  return useSession.getState().me?.workspace_id ?? '';
}

function path<More extends object>(more: More): { params: { path: { workspace_id: string } & More } } {
  return { params: { path: { workspace_id: here(), ...more } } };
}

export const calls = {
  workspace: () => unwrap(api.GET('/api/workspaces/{workspace_id}', path({}))),
  rename: (name: string) => unwrap(api.PATCH('/api/workspaces/{workspace_id}', { ...path({}), body: { name } })),
  sendMailBy: (mail_integration: string | null) =>
    unwrap(api.PATCH('/api/workspaces/{workspace_id}', { ...path({}), body: { mail_integration } })),
  remove: () => unwrap(api.DELETE('/api/workspaces/{workspace_id}', path({}))),
  leave: () => unwrap(api.POST('/api/workspaces/{workspace_id}/leave', path({}))),
  members: async () => (await unwrap(api.GET('/api/workspaces/{workspace_id}/members', path({})))).items,
  setMember: (user_id: string, role: string) =>
    unwrap(api.PUT('/api/workspaces/{workspace_id}/members/{user_id}', { ...path({ user_id }), body: { role } })),
  removeMember: (user_id: string) => unwrap(api.DELETE('/api/workspaces/{workspace_id}/members/{user_id}', path({ user_id }))),
  invitations: async () => (await unwrap(api.GET('/api/workspaces/{workspace_id}/invitations', path({})))).items,
  invite: (email: string, role: string) => unwrap(api.POST('/api/workspaces/{workspace_id}/invitations', { ...path({}), body: { email, role } })),
  withdraw: (invitation_id: string) =>
    unwrap(api.DELETE('/api/workspaces/{workspace_id}/invitations/{invitation_id}', path({ invitation_id }))),
  setRole: (name: string, permissions: Permission[]) =>
    unwrap(api.PUT('/api/workspaces/{workspace_id}/roles/{name}', { ...path({ name }), body: { permissions } })),
  removeRole: (name: string) => unwrap(api.DELETE('/api/workspaces/{workspace_id}/roles/{name}', path({ name }))),
};

const WORKSPACE = ['workspace'];

export function useWorkspace() {
  return useQuery({ queryKey: [...WORKSPACE, 'details'], queryFn: calls.workspace });
}

export function useMembers() {
  return useQuery({ queryKey: [...WORKSPACE, 'members'], queryFn: calls.members });
}

export function useInvitations() {
  return useQuery({ queryKey: [...WORKSPACE, 'invitations'], queryFn: calls.invitations });
}

/** After a change: what is shown of the workspace is asked again. */
export function useRefresh(): () => Promise<void> {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: WORKSPACE });
}
