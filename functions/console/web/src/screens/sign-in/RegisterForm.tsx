import { useState, type SyntheticEvent } from 'react';
import { ApiError } from '@/api/errors';
import { t } from '@/app/i18n';
import { LEAST_PASSWORD } from '@/app/NewPassword';
import { register } from '@/app/session';
import { Button, Field, TextInput } from '@/ui';
import { problemOf } from './problem';

interface Invitation {
  token: string;
  email: string;
}

/** A new account; with an invitation it is of the address that is invited, and of a member. */
export function RegisterForm({ invitation, onRegister = register }: { invitation?: Invitation; onRegister?: typeof register }) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState(invitation?.email ?? '');
  const [password, setPassword] = useState('');
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);

  async function send(event: SyntheticEvent) {
    event.preventDefault();
    if (password.length < LEAST_PASSWORD) {
      setProblems({ password: t('A password has at least {n} characters.', { n: LEAST_PASSWORD }) });
      return;
    }
    setBusy(true);
    setProblems({});
    try {
      await onRegister({ email, password, fullName: name.trim(), ...(invitation ? { invitation: invitation.token } : {}) });
    } catch (error) {
      const fields = error instanceof ApiError ? error.fields : {};
      setProblems(Object.keys(fields).length ? fields : { '': problemOf(error) });
      setBusy(false);
    }
  }

  return (
    <form onSubmit={send} className="flex flex-col gap-4">
      <Field label={t('Your name')} error={problems.full_name}>
        <TextInput name="name" autoComplete="name" autoFocus value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Field label={t('E-mail address')} error={problems.email}>
        <TextInput
          type="email"
          name="email"
          autoComplete="username"
          required
          readOnly={invitation !== undefined}
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
      </Field>
      <Field
        label={t('Password')}
        hint={t('At least {n} characters.', { n: LEAST_PASSWORD })}
        error={problems.password ?? problems['']}
      >
        <TextInput
          type="password"
          name="password"
          autoComplete="new-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
      <Button type="submit" variant="primary" loading={busy} className="mt-1 h-9">
        {t('Create account')}
      </Button>
    </form>
  );
}
