/** All that somebody sees who is signed in. It is loaded then: sign-in needs little of it. */
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { Tooltip } from 'radix-ui';
import { queryClient } from '@/api/queries';
import { ConfirmHost, ToastHost } from '@/ui';
import { makeRouter } from './router';

const router = makeRouter();

export default function Workspace({ language }: { language: string }) {
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
