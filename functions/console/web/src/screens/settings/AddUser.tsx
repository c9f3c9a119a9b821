import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { Button, Dialog, Field, Switch, TextInput, toast } from '@/ui';
import { USERS } from './Users';

export function AddUser({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [isAdmin, setIsAdmin] = useState(false);
  const add = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/users', {
          body: { email, password, is_admin: isAdmin, ...(name.trim() ? { full_name: name.trim() } : {}) },
        }),
      ),
    onSuccess: async () => {
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
      onOpenChange={onClose}
      title={t('Add a user')}
      description={t('Tell them the password on a safe way.')}
      onSubmit={() => add.mutate()}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" variant="primary" loading={add.isPending}>
            {t('Add')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('Name')} error={fields.full_name}>
          <TextInput autoFocus autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t('E-mail address')} required error={fields.email ?? taken}>
          <TextInput type="email" autoComplete="off" value={email} onChange={(event) => setEmail(event.target.value)} />
        </Field>
        <Field label={t('Password')} required hint={t('At least {n} characters.', { n: 8 })} error={fields.password ?? other}>
          <TextInput type="password" autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />
        </Field>
        <Switch
          checked={isAdmin}
          onChange={setIsAdmin}
          label={t('Administrator')}
          hint={t('May add users and keep them out.')}
        />
      </div>
    </Dialog>
  );
}
