import { t } from '@/app/i18n';
import { signOut, useSession } from '@/app/session';
import { Button, Dialog } from '@/ui';
import { SignInForm } from './SignInForm';

/** Over what was open when the session ended: it stays as it is, and what was to be saved is saved afterwards. */
export function SignInAgain() {
  const email = useSession((state) => state.me?.email ?? '');
  return (
    <Dialog
      typed={null}
      open
      persistent
      onOpenChange={() => undefined}
      size="sm"
      title={t('Your session has ended')}
      description={t('Sign in again to go on. Nothing that you typed is lost.')}
    >
      <SignInForm email={email} />
      <Button variant="ghost" size="sm" className="mt-3 w-full" onClick={() => void signOut()}>
        {t('Sign in as somebody else')}
      </Button>
    </Dialog>
  );
}
