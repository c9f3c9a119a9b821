/** The calls about approvals, and what they answer. */
import { useQuery } from '@tanstack/react-query';
import { request } from '@/api/client';
import { POLL } from '@/api/queries';
import type { components } from '@/api/schema';

export type ApprovalSummary = components['schemas']['ApprovalAnswer'];
export type Approval = components['schemas']['ApprovalDetail'];

export interface ApprovalPage {
  items: ApprovalSummary[];
  next_cursor: string | null;
}

export interface ApprovalQuery {
  mine: boolean;
  state: 'open' | 'decided';
}

export function listApprovals({ mine, state }: ApprovalQuery, cursor: string | undefined): Promise<ApprovalPage> {
  return request('GET', '/api/approvals', { query: { mine: mine || undefined, state, limit: 30, cursor } });
}

/** What a step of a run asks; null where it does not ask any more. */
export async function approvalOf(runId: string, node: string, attempt: number): Promise<ApprovalSummary | null> {
  let cursor: string | undefined;
  do {
    const page: ApprovalPage = await request('GET', '/api/approvals', { query: { execution_id: runId, limit: 100, cursor } });
    const found = page.items.find((one) => one.node === node && one.attempt === attempt);
    if (found) return found;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return null;
}

export function readApproval(id: string): Promise<Approval> {
  return request('GET', `/api/approvals/${encodeURIComponent(id)}`);
}

/** How many wait for me. */
export function useWaitingCount(): number | undefined {
  return useQuery({
    queryKey: ['approvals', 'count'],
    queryFn: () => request<{ count: number; more: boolean }>('GET', '/api/approvals/count', { query: { mine: true } }),
    refetchInterval: POLL.waiting,
  }).data?.count;
}
