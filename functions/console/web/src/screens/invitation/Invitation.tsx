/** An invitation to a workspace, for whoever has its link: signed in, with an account, or new here. */
import { LogOut, MailCheck } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { api, ApiError, unwrap } from '@/api/client';
import { consoleBase } from '@/app/base';
import { t } from '@/app/i18n';
import { formatDateTime } from '@/app/i18n/format';
import { comeTo } from '@/app/place';
import { register, signOut, useSession, type NewPerson } from '@/app/session';
import { useMailedLink } from '@/app/useMailedLink';
import { Wordmark } from '@/app/Wordmark';
import { RegisterForm } from '@/screens/sign-in/RegisterForm';
import { SignInForm } from '@/screens/sign-in/SignInForm';
import { roleName } from '@/screens/settings/roles';
import { Button, buttonClass, ErrorState, Skeleton, useTitle } from '@/ui';
import { readOffer, type Offer } from './offer';

/** The invitation is left for the workspace; going back does not lead to it again. */
function goTo(workspaceId: string): void {
  comeTo(workspaceId);
  location.replace(consoleBase);
}

export default function Invitation() {
  const { token, found: offer, error, again } = useMailedLink(readOffer);
  useTitle(t('Invitation'));
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-6 p-4">
      <Wordmark />
      <section className="w-full max-w-sm rounded-lg border border-line bg-card p-6 shadow-raised">
        {error !== null && <ErrorState error={error} onRetry={again} />}
        {error === null && offer === undefined && <Skeleton />}
        {error === null && offer === null && <Gone />}
        {offer && <Shown offer={offer} token={token} />}
      </section>
    </main>
  );
}

function Gone() {
  return (
    <div className="flex flex-col gap-3">
      <h1 className="text-xl font-semibold">{t('This invitation is good for nothing any more')}</h1>
      <p className="text-muted">
        {t('It was accepted or withdrawn, or a week is over. If you do not have access yet, ask whoever invited you for a new one.')}
      </p>
      <a href={consoleBase} className={buttonClass()}>
        {t('Go to the console')}
      </a>
    </div>
  );
}

function Shown({ offer, token }: { offer: Offer; token: string }) {
  const me = useSession((state) => (state.status === 'signed-in' ? state.me : null));
  const [isRegistering, setRegistering] = useState(false);
  return (
    <div className="flex flex-col gap-4">
      <div>
        <MailCheck aria-hidden className="mb-2 size-6 text-accent" />
        <h1 className="text-xl font-semibold">{t('Come to {name}', { name: offer.workspace_name })}</h1>
        <p className="mt-1 text-muted">
          {t('{who} invites {email} as: {role}.', { who: offer.invited_by, email: offer.email, role: roleName(offer.role) })}{' '}
          {t('Good until {time}.', { time: formatDateTime(offer.expires_at) })}
        </p>
      </div>
      {!me || isRegistering ? (
        <Arrive offer={offer} token={token} onRegistering={setRegistering} />
      ) : me.email === offer.email ? (
        <Accept offer={offer} token={token} />
      ) : (
        <SomebodyElse email={me.email} />
      )}
    </div>
  );
}

function Accept({ offer, token }: { offer: Offer; token: string }) {
  const [problem, setProblem] = useState<ReactNode>(null);
  const [isBusy, setBusy] = useState(false);
  const [isMember, setMember] = useState(false);
  const accept = async () => {
    setBusy(true);
    try {
      const { id } = await unwrap(api.POST('/api/invitations/{token}/accept', { params: { path: { token } } }));
      goTo(id);
    } catch (error) {
      setBusy(false);
      if (error instanceof ApiError && error.code === 'already_member') setMember(true);
      else setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  if (isMember)
    return (
      <>
        <p role="status">{t('You are a member already.')}</p>
        <Button variant="primary" className="h-9" onClick={() => goTo(offer.workspace_id)}>
          {t('Go there')}
        </Button>
      </>
    );
  return (
    <>
      {problem && (
        <p role="alert" className="text-bad">
          {problem}
        </p>
      )}
      <Button variant="primary" className="h-9" loading={isBusy} onClick={() => void accept()}>
        {t('Accept the invitation')}
      </Button>
    </>
  );
}

function SomebodyElse({ email }: { email: string }) {
  return (
    <>
      <p role="status" className="rounded-md border border-wait/30 bg-wait-soft px-3 py-2 text-wait">
        {t('You are signed in as {email}. The invitation is for somebody else.', { email })}
      </p>
      <Button icon={LogOut} className="h-9" onClick={() => void signOut({ stays: true })}>
        {t('Sign out and go on')}
      </Button>
      <a href={consoleBase} className={buttonClass('ghost')}>
        {t('Go to the console')}
      </a>
    </>
  );
}

/** Whether there is an account is not told to whoever has the link: they know it themselves. */
function Arrive({ offer, token, onRegistering }: { offer: Offer; token: string; onRegistering: (isRegistering: boolean) => void }) {
  const [isKnown, setKnown] = useState(false);
  const add = async (person: NewPerson) => {
    onRegistering(true);
    try {
      await register(person); // which accepts it
    } catch (error) {
      onRegistering(false);
      throw error;
    }
    goTo(offer.workspace_id);
  };
  return (
    <>
      <h2 className="font-semibold">{isKnown ? t('Sign in to accept') : t('Create your account to accept')}</h2>
      {isKnown ? <SignInForm email={offer.email} /> : <RegisterForm invitation={{ token, email: offer.email }} onRegister={add} />}
      <p className="text-center text-muted">
        {isKnown ? t('You are new here?') : t('You have an account already?')}{' '}
        <Button variant="ghost" size="sm" className="underline" onClick={() => setKnown(!isKnown)}>
          {isKnown ? t('Create an account') : t('Sign in')}
        </Button>
      </p>
    </>
  );
}
