/** A role of the workspace's own: a name, and what it grants. */
import { useMutation } from '@tanstack/react-query';
import { ApiError } from '@/api/errors';
import { usePermissions, type Permission } from '@/app/can';
import { t } from '@/app/i18n';
import { lookAgain } from '@/app/session';
import { useTyped } from '@/app/typed';
import { Button, Cancel, Dialog, Field, Switch, TextInput } from '@/ui';
import { calls, useRefresh } from './api';
import { PERMISSIONS, roleNameOf, type Role } from './roles';

interface Props {
  /** null: a new one. */
  role: Role | null;
  /** The names that there are. */
  taken: string[];
  onClose: () => void;
}

export function RoleDialog({ role, taken, onClose }: Props) {
  const mine = usePermissions();
  const typed = useTyped<{ text: string; granted: readonly Permission[] }>(`role.${role?.name ?? ''}`, { text: role?.name ?? '', granted: role?.permissions ?? ['read'] });
  const { text, granted } = typed.value;
  const refresh = useRefresh();
  const name = role?.name ?? roleNameOf(text);
  const isTaken = role === null && taken.includes(name);
  const save = useMutation({
    mutationFn: () => calls.setRole(name, [...granted]),
    onSuccess: async () => {
      typed.forget();
      await Promise.all([refresh(), lookAgain()]);
      onClose();
    },
  });
  const { error } = save;
  const problem = error instanceof ApiError ? (error.fields.name ?? error.message) : error?.message;
  const grant = (permission: Permission, isGranted: boolean) =>
    typed.change({ granted: isGranted ? [...granted, permission] : granted.filter((one) => one !== permission) });
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      title={role ? t('Change the role {name}', { name: role.name }) : t('Add a role')}
      description={t('It is so with the next click of everybody who has it.')}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={save.isPending} disabled={!name || isTaken}>
            {t('Save')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {role === null && (
          <Field
            label={t('Name')}
            required
            hint={name && name !== text ? t('It will be called {name}.', { name }) : t('Such as bookkeeper: small letters, digits and hyphens.')}
            error={isTaken ? t('There is a role of this name.') : problem}
          >
            <TextInput autoFocus autoComplete="off" maxLength={60} value={text} onChange={(event) => typed.change({ text: event.target.value })} />
          </Field>
        )}
        {role !== null && problem && <p className="text-sm text-bad">{problem}</p>}
        <fieldset className="flex flex-col gap-3">
          <legend className="mb-2 font-medium">{t('May')}</legend>
          {PERMISSIONS.map(([permission, label, hint]) => (
            <Switch
              key={permission}
              checked={granted.includes(permission)}
              disabled={permission === 'read' || !mine.includes(permission)}
              onChange={(isGranted) => grant(permission, isGranted)}
              label={t(label)}
              hint={t(hint)}
            />
          ))}
        </fieldset>
      </div>
    </Dialog>
  );
}
