/** Who is in the workspace, as what; and who is invited. */
import { useMutation } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { ApiError, messageOf } from '@/api/errors';
import { useCan, usePermissions } from '@/app/can';
import { t } from '@/app/i18n';
import { lookAgain, useSession } from '@/app/session';
import { Badge, Button, Card, confirm, ErrorState, Select, Skeleton, Table, Time, toast, toastError, type Column } from '@/ui';
import { calls, useMembers, useRefresh, useWorkspace } from './api';
import { Invitations } from './Invitations';
import { InviteDialog } from './InviteDialog';
import { Leave } from './Leave';
import { isLastOwner, mayGive, roleName, type Member, type Role } from './roles';

export default function Members() {
  const [invites, setInvites] = useState(false);
  const mayManage = useCan('manage');
  const members = useMembers();
  const workspace = useWorkspace();
  const error = members.error ?? workspace.error;
  const roles = workspace.data?.roles ?? [];
  return (
    <div className="flex flex-col gap-5">
      <Card
        title={t('Members')}
        aside={
          <Button needs="manage" icon={UserPlus} variant="primary" disabled={!workspace.data} onClick={() => setInvites(true)}>
            {t('Invite')}
          </Button>
        }
      >
        {error && <ErrorState error={error} onRetry={() => void Promise.all([members.refetch(), workspace.refetch()])} />}
        {!error && (members.data && workspace.data ? <MemberTable members={members.data} roles={roles} /> : <Skeleton />)}
      </Card>
      {mayManage && <Invitations members={members.data ?? []} />}
      {invites && <InviteDialog roles={roles} onClose={() => setInvites(false)} />}
    </div>
  );
}

function nameOf(member: Member): string {
  return member.full_name ?? member.email;
}

function MemberTable({ members, roles }: { members: Member[]; roles: Role[] }) {
  const me = useSession((state) => state.me);
  const columns: Column<Member>[] = [
    {
      key: 'name',
      header: t('Name'),
      cell: (member) => (
        <div className="min-w-0">
          <div className="flex flex-wrap items-center gap-2 font-medium">
            {nameOf(member)}
            {member.user_id === me?.id && <Badge>{t('You')}</Badge>}
            {!member.is_active && <Badge tone="wait">{t('Kept out')}</Badge>}
          </div>
          {member.full_name && <div className="break-all text-muted">{member.email}</div>}
        </div>
      ),
    },
    { key: 'role', header: t('Role'), cell: (member) => <MemberRole member={member} members={members} roles={roles} /> },
    { key: 'since', header: t('Since'), hideOnPhone: true, cell: (member) => <Time at={member.added_at} /> },
    {
      key: 'actions',
      header: <span className="sr-only">{t('Actions')}</span>,
      align: 'right',
      cell: (member) => (member.user_id === me?.id ? <Leave isLastOwner={isLastOwner(members, member)} /> : <Remove member={member} roles={roles} />),
    },
  ];
  return <Table label={t('Members')} columns={columns} rows={members} rowKey={(member) => member.user_id} />;
}

/** The role; a choice for those who may change it. Why it cannot be changed is said beside it. */
function MemberRole({ member, members, roles }: { member: Member; members: Member[]; roles: Role[] }) {
  const me = useSession((state) => state.me);
  const refresh = useRefresh();
  const mine = usePermissions();
  const change = useMutation({
    mutationFn: (role: string) => calls.setMember(member.user_id, role),
    onSuccess: ({ role }) => toast(t('{name} is now: {role}', { name: nameOf(member), role: roleName(role) }), { tone: 'ok' }),
    onSettled: async () => {
      await refresh();
      if (member.user_id === me?.id) await lookAgain();
    },
  });
  const current = roles.find(({ name }) => name === member.role);
  if (!mine.includes('manage') || !(mayGive(mine, current) || current === undefined)) return roleName(member.role);
  const isLast = isLastOwner(members, member);
  const problem = isLast ? t('The only owner. Make somebody else one first.') : change.error && problemOf(change.error);
  const id = `role-${member.user_id}`;
  return (
    <div className="flex max-w-56 min-w-28 flex-col gap-1">
      <Select
        aria-label={t('Role of {name}', { name: nameOf(member) })}
        aria-describedby={problem ? id : undefined}
        value={member.role}
        disabled={isLast || change.isPending}
        onChange={(role) => change.mutate(role)}
        options={[
          ...(current ? [] : [{ value: member.role, label: member.role }]),
          ...roles.map((role) => ({ value: role.name, label: roleName(role.name), disabled: !mayGive(mine, role) })),
        ]}
      />
      {problem && (
        <p id={id} className={isLast ? 'text-sm text-muted' : 'text-sm text-bad'}>
          {problem}
        </p>
      )}
    </div>
  );
}

function problemOf(error: unknown): string {
  return error instanceof ApiError && error.code === 'last_owner' ? t('The only owner. Make somebody else one first.') : messageOf(error);
}

function Remove({ member, roles }: { member: Member; roles: Role[] }) {
  const mine = usePermissions();
  const refresh = useRefresh();
  const remove = useMutation({
    mutationFn: () => calls.removeMember(member.user_id),
    onError: (error) => toastError(t('That did not work'), error),
    onSettled: refresh,
  });
  const current = roles.find(({ name }) => name === member.role);
  if (current !== undefined && !mayGive(mine, current)) return null;
  const ask = async () => {
    const isSure = await confirm({
      title: t('Remove {name}?', { name: nameOf(member) }),
      text: t('They are out with their next click. What they made stays.'),
      action: t('Remove'),
      danger: true,
    });
    if (isSure) remove.mutate();
  };
  return (
    <Button needs="manage" size="sm" variant="danger" loading={remove.isPending} aria-label={t('Remove {name}', { name: nameOf(member) })} onClick={() => void ask()}>
      {t('Remove')}
    </Button>
  );
}
