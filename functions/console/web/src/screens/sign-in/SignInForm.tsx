import { useState, type SyntheticEvent } from 'react';
import { t } from '@/app/i18n';
import { signIn } from '@/app/session';
import { Button, Field, TextInput } from '@/ui';
import { problemOf } from './problem';

/** E-mail address and password. `email` is filled in where somebody signs in again. */
export function SignInForm({ email: known = '' }: { email?: string }) {
  const [email, setEmail] = useState(known);
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function send(event: SyntheticEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await signIn(email, password);
    } catch (error) {
      setProblem(problemOf(error));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={send} className="flex flex-col gap-4">
      <Field label={t('E-mail address')}>
        <TextInput
          type="email"
          name="email"
          autoComplete="username"
          required
          autoFocus={!known}
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
      </Field>
      <Field label={t('Password')} error={problem}>
        <TextInput
          type="password"
          name="password"
          autoComplete="current-password"
          required
          autoFocus={Boolean(known)}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
      <Button type="submit" variant="primary" loading={busy} className="mt-1 h-9">
        {t('Sign in')}
      </Button>
    </form>
  );
}
