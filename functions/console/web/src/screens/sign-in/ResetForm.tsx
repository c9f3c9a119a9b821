import { useState, type SyntheticEvent } from 'react';
import { ApiError } from '@/api/errors';
import { t } from '@/app/i18n';
import { tokenIn } from '@/app/mailedLink';
import { NewPassword } from '@/app/NewPassword';
import { resetPassword } from '@/app/session';
import { Button } from '@/ui';
import { problemOf } from './problem';

/** Another password, for whoever has a link. */
export function ResetForm({ onDone }: { onDone: () => void }) {
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function send(event: SyntheticEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await resetPassword(tokenIn(location.hash), password);
      onDone();
    } catch (error) {
      setProblem(whyNot(error));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={send} className="flex flex-col gap-4">
      <NewPassword autoFocus value={password} onChange={setPassword} error={problem} />
      <Button type="submit" variant="primary" loading={busy} className="mt-1 h-9">
        {t('Set the password')}
      </Button>
    </form>
  );
}

function whyNot(error: unknown): string {
  if (!(error instanceof ApiError)) return problemOf(error);
  if (error.code === 'not_found') return t('This link was used or is over. Ask for another one.');
  return error.fields.new_password ?? problemOf(error);
}
