import { useState, type SyntheticEvent } from 'react';
import { ApiError } from '@/api/errors';
import { t } from '@/app/i18n';
import { resetPassword } from '@/app/session';
import { Button, Field, TextInput } from '@/ui';
import { problemOf } from './problem';

const LEAST_PASSWORD = 8;

/** Another password, for whoever has a link. The token is behind `#`, which browsers send to no server. */
export function ResetForm({ onDone }: { onDone: () => void }) {
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function send(event: SyntheticEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await resetPassword(location.hash.slice(1), password);
      onDone();
    } catch (error) {
      const used = error instanceof ApiError && error.code === 'not_found';
      const said = error instanceof ApiError ? error.fields.new_password : undefined;
      setProblem(used ? t('This link was used or is over. Ask for another one.') : (said ?? problemOf(error)));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={send} className="flex flex-col gap-4">
      <Field label={t('New password')} hint={t('At least {n} characters.', { n: LEAST_PASSWORD })} error={problem}>
        <TextInput
          type="password"
          name="password"
          autoComplete="new-password"
          autoFocus
          required
          minLength={LEAST_PASSWORD}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
      <Button type="submit" variant="primary" loading={busy} className="mt-1 h-9">
        {t('Set the password')}
      </Button>
    </form>
  );
}
