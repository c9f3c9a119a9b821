/** What the dashboard asks for. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { request } from '@/api/client';
import { POLL } from '@/api/queries';

export interface Figures {
  runs: number;
  succeeded: number;
  failed: number;
  timed_out: number;
  cancelled: number;
  duration_ms: number;
  dollars: number;
  tests: number;
  test_dollars: number;
}

export interface DayFigures extends Figures {
  day: string;
}

export interface WorkflowFigures extends Figures {
  workflow_id: string;
  workflow_name: string | null;
}

interface Stats<Item> {
  from: string;
  to: string;
  items: Item[];
  total: Figures;
}

export interface FailedRun {
  id: string;
  workflow_name: string | null;
  status: string;
  created_at: string;
  completed_at: string | null;
  error: { code: string; message: string; node?: string | null } | null;
}

export interface OpenApproval {
  id: string;
  message: string | null;
  workflow_name: string | null;
  asked_at: string;
  deadline: string | null;
}

export interface TriggerHealth {
  id: string;
  workflow_id: string;
  workflow_name: string;
  name: string | null;
  type: string;
  is_active: boolean;
  status: string;
  silent_since: string | null;
  last_failure: { message?: string } | null;
}

interface List<Item> {
  items: Item[];
  next_cursor: string | null;
}

/** The days of a span that ends today, in UTC as the figures are. */
export function spanOf(days: number, today: Date = new Date()): { from: string; to: string } {
  const day = (back: number) => new Date(today.getTime() - back * 86_400_000).toISOString().slice(0, 10);
  return { from: day(days - 1), to: day(0) };
}

const live = { refetchInterval: POLL.waiting, placeholderData: keepPreviousData };

export const byDay = (days: number) =>
  queryOptions({
    queryKey: ['stats', 'day', days],
    queryFn: ({ signal }) => request<Stats<DayFigures>>('GET', '/api/stats', { query: { ...spanOf(days), by: 'day' }, signal }),
    ...live,
  });

export const byWorkflow = (days: number) =>
  queryOptions({
    queryKey: ['stats', 'workflow', days],
    queryFn: ({ signal }) =>
      request<Stats<WorkflowFigures>>('GET', '/api/stats', { query: { ...spanOf(days), by: 'workflow' }, signal }),
    ...live,
  });

export const lastFailures = queryOptions({
  queryKey: ['executions', 'last failures'],
  queryFn: ({ signal }) =>
    request<List<FailedRun>>('GET', '/api/executions', { query: { status: 'failed,timed_out', test: false, limit: 6 }, signal }),
  ...live,
});

export const myApprovals = queryOptions({
  queryKey: ['approvals', 'mine', 'open', 'dashboard'],
  queryFn: ({ signal }) =>
    request<List<OpenApproval>>('GET', '/api/approvals', { query: { mine: true, state: 'open', limit: 6 }, signal }),
  ...live,
});

const MOST_PAGES = 10;

/** Triggers that are not well. The list is by workflows, so some pages are looked through. */
export const sickTriggers = queryOptions({
  queryKey: ['triggers', 'sick'],
  queryFn: async ({ signal }) => {
    const found: TriggerHealth[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await request<List<TriggerHealth>>('GET', '/api/triggers', { query: { limit: 100, cursor }, signal });
      found.push(...answer.items.filter((trigger) => trigger.is_active && trigger.status !== 'healthy'));
      if (!answer.next_cursor) break;
      cursor = answer.next_cursor;
    }
    return found;
  },
  ...live,
});

export const anyWorkflow = queryOptions({
  queryKey: ['workflows', 'any'],
  queryFn: ({ signal }) => request<List<unknown>>('GET', '/api/workflows', { query: { limit: 1 }, signal }),
});
