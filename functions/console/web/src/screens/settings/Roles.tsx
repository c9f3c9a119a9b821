/** The roles of the workspace, and what each grants: those that each workspace has, and its own. */
import { useMutation } from '@tanstack/react-query';
import { Check, Pencil, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { usePermissions } from '@/app/can';
import { t } from '@/app/i18n';
import { useSession } from '@/app/session';
import { Badge, Button, Card, confirm, ErrorState, IconButton, Skeleton, toastError } from '@/ui';
import { calls, useRefresh, useWorkspace } from './api';
import { RoleDialog } from './RoleDialog';
import { mayGive, PERMISSIONS, roleName, type Role } from './roles';

export default function Roles() {
  const workspace = useWorkspace();
  const [changed, setChanged] = useState<Role | 'new' | null>(null);
  return (
    <Card
      title={t('Roles')}
      aside={
        <Button needs="manage" icon={Plus} onClick={() => setChanged('new')}>
          {t('Add a role')}
        </Button>
      }
    >
      {workspace.isPending && <Skeleton />}
      {workspace.isError && <ErrorState error={workspace.error} onRetry={() => void workspace.refetch()} />}
      {workspace.data && <RoleTable roles={workspace.data.roles} onChange={setChanged} />}
      {changed && <RoleDialog role={changed === 'new' ? null : changed} taken={(workspace.data?.roles ?? []).map(({ name }) => name)} onClose={() => setChanged(null)} />}
    </Card>
  );
}

/** Permissions are rows: there are as many for everybody, and what each allows has room. */
function RoleTable({ roles, onChange }: { roles: Role[]; onChange: (role: Role) => void }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys
    <div className="relative overflow-x-auto rounded-lg border border-line" role="region" aria-label={t('Roles')} tabIndex={0}>
      <table aria-label={t('Roles')} className="w-full border-collapse text-left">
        <thead>
          <tr className="border-b border-line align-bottom">
            <th scope="col" className="px-4 py-2 text-sm font-medium text-muted">
              {t('Permission')}
            </th>
            {roles.map((role) => (
              <th key={role.name} scope="col" className="px-3 py-2 text-center font-medium whitespace-nowrap">
                <RoleHead role={role} onChange={onChange} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {PERMISSIONS.map(([permission, name, text]) => (
            <tr key={permission} className="border-b border-line last:border-0">
              <th scope="row" className="min-w-48 px-4 py-2 font-normal">
                <span className="font-medium">{t(name)}</span>
                <p className="text-sm text-muted max-md:hidden">{t(text)}</p>
              </th>
              {roles.map((role) => (
                <td key={role.name} className="px-3 py-2 text-center">
                  <Granted isGranted={role.permissions.includes(permission)} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Granted({ isGranted }: { isGranted: boolean }) {
  return isGranted ? (
    <>
      <Check aria-hidden className="mx-auto size-4 text-ok" />
      <span className="sr-only">{t('Yes')}</span>
    </>
  ) : (
    <>
      <span aria-hidden className="text-muted">
        –
      </span>
      <span className="sr-only">{t('No')}</span>
    </>
  );
}

function RoleHead({ role, onChange }: { role: Role; onChange: (role: Role) => void }) {
  const mine = usePermissions();
  const isMine = useSession((state) => state.me?.role === role.name);
  const refresh = useRefresh();
  const remove = useMutation({
    mutationFn: () => calls.removeRole(role.name),
    onError: (error) => toastError(t('That did not work'), error),
    onSettled: refresh,
  });
  const ask = async () => {
    const isSure = await confirm({ title: t('Delete the role {name}?', { name: role.name }), action: t('Delete'), danger: true });
    if (isSure) remove.mutate();
  };
  const isChangeable = role.is_own && mayGive(mine, role);
  return (
    <div className="flex flex-col items-center gap-1">
      {isMine && <Badge tone="accent">{t('Yours')}</Badge>}
      {roleName(role.name)}
      {isChangeable && (
        <span className="flex">
          <IconButton needs="manage" size="sm" icon={Pencil} label={t('Change the role {name}', { name: role.name })} onClick={() => onChange(role)} />
          <IconButton needs="manage" size="sm" icon={Trash2} label={t('Delete the role {name}', { name: role.name })} loading={remove.isPending} onClick={() => void ask()} />
        </span>
      )}
    </div>
  );
}
