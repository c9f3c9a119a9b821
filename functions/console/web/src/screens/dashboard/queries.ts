/** What the dashboard asks for. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, unwrap } from '@/api/client';
import { POLL } from '@/api/queries';
import type { components } from '@/api/schema';

export type Figures = components['schemas']['Sums'];
export type Item = components['schemas']['StatisticsItem'];
export type DayFigures = Item & { day: string };

export function isOfDay(item: Item): item is DayFigures {
  return item.day !== null;
}
export type TriggerHealth = components['schemas']['TriggerAnswer'];

/** The days of a span that ends today, in UTC as the figures are. */
export function spanOf(days: number, today: Date = new Date()): { from: string; to: string } {
  const day = (back: number) => new Date(today.getTime() - back * 86_400_000).toISOString().slice(0, 10);
  return { from: day(days - 1), to: day(0) };
}

const live = { refetchInterval: POLL.waiting, placeholderData: keepPreviousData };

export const byDay = (days: number) =>
  queryOptions({
    queryKey: ['stats', 'day', days],
    queryFn: ({ signal }) => unwrap(api.GET('/api/stats', { params: { query: { ...spanOf(days), by: 'day' } }, signal })),
    ...live,
  });

export const byWorkflow = (days: number) =>
  queryOptions({
    queryKey: ['stats', 'workflow', days],
    queryFn: ({ signal }) => unwrap(api.GET('/api/stats', { params: { query: { ...spanOf(days), by: 'workflow' } }, signal })),
    ...live,
  });

export const lastFailures = queryOptions({
  queryKey: ['executions', 'last failures'],
  queryFn: ({ signal }) =>
    unwrap(api.GET('/api/executions', { params: { query: { status: 'failed,timed_out', test: false, limit: 6 } }, signal })),
  ...live,
});

export const myApprovals = queryOptions({
  queryKey: ['approvals', 'mine', 'open', 'dashboard'],
  queryFn: ({ signal }) =>
    unwrap(api.GET('/api/approvals', { params: { query: { mine: true, state: 'open', limit: 6 } }, signal })),
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
      const answer = await unwrap(api.GET('/api/triggers', { params: { query: { limit: 100, cursor } }, signal }));
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
  queryFn: ({ signal }) => unwrap(api.GET('/api/workflows', { params: { query: { limit: 1 } }, signal })),
});
