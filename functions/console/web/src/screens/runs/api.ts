/** The calls about runs, and what they answer. */
import { poll, request } from '@/api/client';
import type { components } from '@/api/schema';

type Schemas = components['schemas'];

export type RunSummary = Schemas['ExecutionSummary'];
export type Run = Schemas['ExecutionDetail'];
export type RunNode = Schemas['NodeAnswer'];
export type NodeDetail = Schemas['NodeDetail'];
export type Wait = Schemas['WaitAnswer'];
export type LogLine = Schemas['LogAnswer'];
export type LogPage = Schemas['LogList'];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

const OPEN = new Set(['pending', 'queued', 'running', 'waiting']);

export function isOpen(status: string): boolean {
  return OPEN.has(status);
}

export function runPath(id: string): string {
  return `/api/executions/${encodeURIComponent(id)}`;
}

export type RunQuery = Record<string, string | undefined>;

export function listRuns(query: RunQuery, cursor: string | undefined): Promise<Page<RunSummary>> {
  return poll('/api/executions', { query: { ...query, limit: 50, cursor } });
}

const MOST_NODE_PAGES = 20;

/** A run with all its nodes, whose list comes in pages where loops made many. */
export async function readRun(id: string): Promise<Run> {
  const run = await poll<Run>(runPath(id));
  if (!run.next_nodes) return run;
  const nodes = [...run.nodes];
  let after: string | null = run.next_nodes;
  for (let page = 1; after && page < MOST_NODE_PAGES; page += 1) {
    const next: Run = await poll<Run>(runPath(id), { query: { nodes_after: after } });
    nodes.push(...next.nodes);
    after = next.next_nodes ?? null;
  }
  return { ...run, nodes, next_nodes: after };
}

export function cancelRun(id: string): Promise<unknown> {
  return request('POST', `${runPath(id)}/cancel`);
}

export interface RetryBody {
  from?: string;
  version?: 'same' | 'current' | number;
}

export function retryRun(id: string, body: RetryBody, key: string): Promise<RunSummary> {
  return request('POST', `${runPath(id)}/retry`, { body, headers: { 'idempotency-key': key } });
}

export function readLogs(id: string, query: { node_id?: string | undefined; level?: string | undefined; after?: string | undefined }): Promise<LogPage> {
  return request('GET', `${runPath(id)}/logs`, { query: { ...query, limit: 100 } });
}

export interface SignalBody {
  decision?: 'approved' | 'rejected';
  comment?: string;
  values?: Record<string, unknown>;
  body?: unknown;
  attempt: number;
}

export function sendSignal(runId: string, node: string, body: SignalBody): Promise<{ decided: boolean }> {
  return request('POST', `${runPath(runId)}/signals/${encodeURIComponent(node)}`, { body });
}
