/** Begins: language, session, router. */
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { Tooltip } from 'radix-ui';
import { StrictMode, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from '@/api/queries';
import { ConfirmHost, ToastHost } from '@/ui';
import { styleNonce } from './base';
import { activate, locale, onLocaleChange, preferredLocale } from './i18n';
import { makeRouter } from './router';
import { resumeSession } from './session';
import './styles.css';

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
  await Promise.all([activate(preferredLocale()), resumeSession()]);
  const router = makeRouter();
  createRoot(element).render(
    <StrictMode>
      <App router={router} />
    </StrictMode>,
  );
}

function App({ router }: { router: ReturnType<typeof makeRouter> }) {
  const language = useSyncExternalStore(onLocaleChange, locale);
  return (
    <QueryClientProvider client={queryClient}>
      <Tooltip.Provider delayDuration={400}>
        <RouterProvider key={language} router={router} />
        <ToastHost />
        <ConfirmHost />
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}
