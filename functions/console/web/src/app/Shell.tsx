/** The frame of all screens: navigation beside them, or below them on a phone. */
import { Outlet } from '@tanstack/react-router';
import { useEffect } from 'react';
import { SignInAgain } from '@/screens/sign-in/SignInAgain';
import { toast } from '@/ui';
import { GlobalKeys } from './GlobalKeys';
import { t } from './i18n';
import { BottomBar, Sidebar } from './Navigation';
import { isLookedAt, takeOut } from './place';
import { lookAgain, useSession } from './session';

export function Shell() {
  const status = useSession((state) => state.status);
  useEffect(() => {
    const outOf = takeOut();
    if (outOf !== null) toast(t('You are no member of {name} any more', { name: outOf }), { text: t('This is your own workspace.') });
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      isLookedAt();
      void lookAgain();
    };
    window.addEventListener('focus', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      window.removeEventListener('focus', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return (
    <div className="flex h-dvh flex-col md:flex-row">
      <a
        href="#main"
        className="sr-only z-50 rounded-md bg-accent px-3 py-2 text-accent-ink focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
      >
        {t('Skip to the content')}
      </a>
      <Sidebar />
      <main id="main" tabIndex={-1} className="min-h-0 min-w-0 flex-1 outline-none">
        <Outlet />
      </main>
      <BottomBar />
      <GlobalKeys />
      {status === 'expired' && <SignInAgain />}
    </div>
  );
}
