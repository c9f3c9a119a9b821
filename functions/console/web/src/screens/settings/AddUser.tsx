import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ApiError, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { Button, Cancel, Dialog, Field, Switch, TextInput, toast } from '@/ui';
import { USERS } from './Users';

export function AddUser({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const typed = useTyped('user.new', { name: '', email: '', password: '', isAdmin: false }, ['password']);
  const { name, email, password, isAdmin } = typed.value;
  const add = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/users', {
          body: { email, password, is_admin: isAdmin, ...(name.trim() ? { full_name: name.trim() } : {}) },
        }),
      ),
    onSuccess: async () => {
      typed.forget();
      await client.invalidateQueries({ queryKey: USERS });
      toast(t('{email} can sign in now', { email }), { tone: 'ok' });
      onClose();
    },
  });
  const { error } = add;
  const fields = error instanceof ApiError ? error.fields : {};
  const taken = error instanceof ApiError && error.code === 'email_taken' ? t('There is a user with this address.') : undefined;
  const other = error && !taken && !Object.keys(fields).length ? error.message : undefined;
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      title={t('Add a user')}
      description={t('Tell them the password on a safe way.')}
      onSubmit={() => add.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={add.isPending}>
            {t('Add')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('Name')} error={fields.full_name}>
          <TextInput autoFocus autoComplete="off" value={name} onChange={(event) => typed.change({ name: event.target.value })} />
        </Field>
        <Field label={t('E-mail address')} required error={fields.email ?? taken}>
          <TextInput type="email" autoComplete="off" value={email} onChange={(event) => typed.change({ email: event.target.value })} />
        </Field>
        <Field label={t('Password')} required hint={t('At least {n} characters.', { n: 8 })} error={fields.password ?? other}>
          <TextInput type="password" autoComplete="new-password" value={password} onChange={(event) => typed.change({ password: event.target.value })} />
        </Field>
        <Switch
          checked={isAdmin}
          onChange={(next) => typed.change({ isAdmin: next })}
          label={t('Administrator')}
          hint={t('May add users and keep them out.')}
        />
      </div>
    </Dialog>
  );
}
