/** The calls about approvals, and what they answer. */
import { useQuery } from '@tanstack/react-query';
import { request } from '@/api/client';
import { POLL } from '@/api/queries';

/** One of several answers. */
export interface GivenAnswer {
  by: string;
  email: string | null;
  decision: 'approved' | 'rejected';
  comment: string | null;
  at: string;
}

export interface ApprovalSummary {
  id: string;
  execution_id: string;
  node: string;
  attempt: number;
  message: string;
  approvers: string[];
  may_answer: boolean;
  needs: number;
  answers: GivenAnswer[];
  form: Record<string, unknown> | null;
  asked_at: string;
  deadline: string | null;
  workflow_id: string;
  workflow_name: string;
  test: boolean;
  decision: 'approved' | 'rejected' | null;
  comment: string | null;
  decided_by: { id: string; email: string } | null;
  decided_at: string | null;
}

export interface StepBefore {
  id: string;
  type: string;
  name: string | null;
  output: unknown;
}

export interface Approval extends ApprovalSummary {
  node_name: string | null;
  notes: string | null;
  trigger_type: string;
  triggered_by: string | null;
  started_at: string | null;
  input: unknown;
  before: StepBefore[];
  history: ApprovalSummary[];
  omitted: string[];
}

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
