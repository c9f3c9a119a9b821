import { describe, expect, test } from 'vitest';
import { isLastOwner, mayGive, PERMISSIONS, roleName, roleNameOf, type Member, type Role } from './roles';

const role = (name: string, ...permissions: Role['permissions']): Role => ({ name, permissions, is_own: false });
const member = (user_id: string, role: string): Member => ({
  user_id, role, email: `${user_id}@example.com`, full_name: null, is_active: true, added_by: 'a', added_at: '2026-05-01T09:00:00.000Z',
});

describe('roles', () => {
  test('nobody gives more than they have, nor a role that is not there', () => {
    expect(mayGive(['read', 'manage'], role('viewer', 'read'))).toBe(true);
    expect(mayGive(['read', 'manage'], role('editor', 'read', 'edit'))).toBe(false);
    expect(mayGive(['read', 'manage'], undefined)).toBe(false);
  });

  test('the only owner is told apart from one of two, and from others', () => {
    const [ann, ben, cleo] = [member('ann', 'owner'), member('ben', 'owner'), member('cleo', 'editor')];
    expect(isLastOwner([ann, cleo], ann)).toBe(true);
    expect(isLastOwner([ann, cleo], cleo)).toBe(false);
    expect(isLastOwner([ann, ben], ann)).toBe(false);
  });

  test('those that each workspace has have names for people', () => {
    expect([roleName('owner'), roleName('drafter')]).toEqual(['Owner', 'drafter']);
  });

  test('a name is made of what is typed', () => {
    expect(['Buchhaltung Süd', '1st Line!', '---', 'x'.repeat(50)].map(roleNameOf)).toEqual(['buchhaltung-su-d', 'st-line', '', 'x'.repeat(40)]);
  });

  test('each permission is listed once', () => {
    expect(new Set(PERMISSIONS.map(([name]) => name)).size).toBe(8);
  });
});
