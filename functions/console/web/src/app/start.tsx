/** Begins: language, session, and then sign-in or the workspace. */
import { setNonce } from 'get-nonce';
import { lazy, StrictMode, Suspense, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { isAnswerPage } from '@/screens/answer/link';
import { isInvitation } from '@/screens/invitation/offer';
import { SignIn } from '@/screens/sign-in/SignIn';
import { styleNonce } from './base';
import { ErrorBoundary } from './ErrorBoundary';
import { activate, locale, onLocaleChange, preferredLocale } from './i18n';
import { hadSession, resumeSession, useSession } from './session';
import './styles.css';
import './theme';

const loadWorkspace = () => import('./Workspace');
const Workspace = lazy(loadWorkspace);
const Invitation = lazy(() => import('@/screens/invitation/Invitation'));
const Answer = lazy(() => import('@/screens/answer/Answer'));

/** The policy of the page takes addresses of scripts from here only, and these are files of this address: workers. */
function trustOwnScripts(): void {
  const { trustedTypes } = window as unknown as { trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy('default', {
    createScriptURL: (url) => (new URL(url, location.href).origin === location.origin ? url : null),
  });
}

interface TrustedTypes {
  createPolicy: (name: string, rules: { createScriptURL: (url: string) => string | null }) => unknown;
}

export async function start(): Promise<void> {
  trustOwnScripts();
  if (styleNonce) setNonce(styleNonce);
  const element = document.getElementById('root');
  if (!element) throw new Error('the page has no #root');
  if (hadSession()) void loadWorkspace(); // beside the question to the server
  await Promise.all([activate(preferredLocale()), resumeSession()]);
  createRoot(element).render(
    <StrictMode>
      <ErrorBoundary>
        <App />
      </ErrorBoundary>
    </StrictMode>,
  );
}

function App() {
  const language = useSyncExternalStore(onLocaleChange, locale);
  const status = useSession((state) => state.status);
  if (isInvitation(location.pathname))
    return (
      <Suspense fallback={null}>
        <Invitation key={language} />
      </Suspense>
    );
  if (isAnswerPage(location.pathname))
    return (
      <Suspense fallback={null}>
        <Answer key={language} />
      </Suspense>
    );
  if (status === 'signed-out') return <SignIn key={language} />;
  return (
    <Suspense fallback={null}>
      <Workspace language={language} />
    </Suspense>
  );
}
