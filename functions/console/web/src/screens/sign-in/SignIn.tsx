/** Sign-in, and registration: of the first user, or of anybody where that is open; or a new password by a link. */
import { useState } from 'react';
import { consoleBase } from '@/app/base';
import { t } from '@/app/i18n';
import { Wordmark } from '@/app/Wordmark';
import { Button, useTitle } from '@/ui';
import { RegisterForm } from './RegisterForm';
import { ResetForm } from './ResetForm';
import { SignInForm } from './SignInForm';

export function SignIn() {
  const [registers, setRegisters] = useState(false);
  const [resets, setResets] = useState(() => location.pathname === `${consoleBase}/reset`);
  const title = resets ? t('Choose a new password') : registers ? t('Create your account') : t('Sign in');
  useTitle(title);
  const signInNow = () => {
    history.replaceState(null, '', consoleBase);
    setResets(false);
  };
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-6 p-4">
      <Wordmark />
      <section className="w-full max-w-sm rounded-lg border border-line bg-card p-6 shadow-raised">
        <h1 className="mb-4 text-xl font-semibold">{title}</h1>
        {resets ? <ResetForm onDone={signInNow} /> : registers ? <RegisterForm /> : <SignInForm />}
      </section>
      <p className="text-muted">
        {registers ? t('You have an account already?') : t('You are new here?')}{' '}
        <Button variant="ghost" size="sm" className="underline" onClick={() => setRegisters(!registers)}>
          {registers ? t('Sign in') : t('Create an account')}
        </Button>
      </p>
    </main>
  );
}
