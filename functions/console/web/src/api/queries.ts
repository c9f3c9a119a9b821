/** The cache of answers, and how often they are asked for again. */
import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './errors';

const MOST_RETRIES = 3;

/** Milliseconds between two polls; nobody polls in a hidden tab. */
export const POLL = { first: 1000, running: 2000, list: 5000, waiting: 30_000 } as const;

function isWorthRetrying(count: number, error: Error): boolean {
  if (count >= MOST_RETRIES) return false;
  return !(error instanceof ApiError) || error.status === 429 || error.status >= 500;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: isWorthRetrying, staleTime: 2000, refetchIntervalInBackground: false },
    mutations: { retry: false },
  },
});
