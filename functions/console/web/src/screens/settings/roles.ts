/** What roles and permissions are called, and which roles somebody may give. Pure. */
import type { Permission } from '@/app/can';
import { msg, t } from '@/app/i18n';
import type { components } from '@/api/schema';

export type Role = components['schemas']['RoleAnswer'];
export type Member = components['schemas']['MemberAnswer'];

export const OWNER = 'owner';

const ROLES: Record<string, string> = {
  owner: msg('Owner'),
  editor: msg('Editor'),
  operator: msg('Operator'),
  viewer: msg('Viewer'),
};

/** Each permission and what it allows, as they are listed everywhere. */
export const PERMISSIONS: readonly (readonly [Permission, string, string])[] = [
  ['read', msg('Look at everything'), msg('See workflows, runs, files and tables; never secrets.')],
  ['execute', msg('Run workflows'), msg('Start, test, cancel and retry runs.')],
  ['answer', msg('Answer approvals'), msg('Answer approvals that are for anyone.')],
  ['edit', msg('Edit'), msg('Change workflows, drafts, files and tables.')],
  ['publish', msg('Publish'), msg('Say what is live, and switch workflows on and off.')],
  ['connect', msg('Connect'), msg('Change integrations and subscriptions.')],
  ['manage', msg('Manage'), msg('Change members, roles and settings of the workspace.')],
  ['audit', msg('Audit'), msg('Read who did what.')],
];

/** A role's name for people: those that each workspace has in the reader's language, others as they are. */
export function roleName(name: string): string {
  const known = ROLES[name];
  return known === undefined ? name : t(known);
}

/** Whether somebody may give or take a role: it grants nothing that they do not have. */
export function mayGive(mine: readonly Permission[], role: Role | undefined): boolean {
  return role !== undefined && role.permissions.every((one) => mine.includes(one));
}

/** Whether a member is the only owner, who has to stay one. */
export function isLastOwner(members: readonly Member[], member: Member): boolean {
  return member.role === OWNER && members.filter(({ role }) => role === OWNER).length === 1;
}

/** A name that a role of the workspace's own may have, made of what was typed. */
export function roleNameOf(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40);
}
