/** The calls that the editor and the workflow list make. */

import { isNotFound, request, requestTagged } from '@/api/client';

import type { Schema } from '../form/describe';
import type { Definition, Edge, Json, JsonObject } from './types';

export interface Author {
  id: string;
  name: string;
}

export interface WorkflowSummary {
  id: string;
  name: string;
  description: string | null;
  labels: string[];
  folder: string | null;
  version: number | null;
  published_version: number | null;
  published_at: string | null;
  published_by: Author | null;
  is_active: boolean;
  created_at: string;
  updated_at: string;
}

export interface Workflow extends WorkflowSummary {
  definition: Definition | null;
  drafts: { author: Author; base_version: number | null; updated_at: string; is_mine: boolean }[];
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface DraftSaved {
  base_version: number | null;
  updated_at: string;
  etag: string;
}

export interface Draft extends DraftSaved {
  definition: Definition;
}

export interface Problem {
  path: string;
  code: string;
  message: string;
  node: string | null;
  edge?: Edge | null;
  severity?: 'error' | 'warning';
}

export interface NodeType {
  type: string;
  title: string;
  description: string;
  ports: string[];
  ports_from?: string | null;
  effect: string;
  group: string;
  icon: string;
  examples: JsonObject[];
  integrations: string[];
  has_body: boolean;
  default_timeout_seconds: number;
  config_schema: Schema;
  retry_schema: Schema;
  output_schema?: Schema | null;
  output_examples?: Json[];
}

export interface TriggerType {
  type: string;
  title: string;
  description: string;
  icon: string;
  group: string;
  config_schema: Schema;
  examples: JsonObject[];
  sample: JsonObject;
}

export interface IntegrationAction {
  name: string;
  title: string;
  description: string;
  input_schema: Schema;
}

export interface IntegrationType {
  type: string;
  title: string;
  actions: IntegrationAction[];
}

export interface Integration {
  id: string;
  name: string;
  type: string;
}

export interface Version {
  version: number;
  author: Author | null;
  message: string | null;
  created_at: string;
  restored_from: number | null;
  is_published: boolean;
}

export interface VersionWithDefinition extends Version {
  definition: Definition;
}

export interface RunNode {
  id: string;
  type: string;
  status: string;
  attempts: number;
  started_at: string | null;
  completed_at: string | null;
  output: Json;
  error: { code: string; message: string } | null;
  port: string | null;
  pinned?: boolean;
}

export interface Run {
  id: string;
  workflow_id: string;
  workflow_version: number | null;
  status: string;
  test?: boolean;
  draft?: boolean;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  error: { code: string; message: string; node?: string | null } | null;
  bill?: { dollars: number };
  nodes?: RunNode[];
}

export interface Pin {
  output: Json;
  port?: string;
}

export interface TestRun {
  workflow_id: string;
  draft: Definition;
  input?: Json;
  trigger?: { id: string; payload?: JsonObject; last?: boolean };
  pins?: Record<string, Pin>;
  until?: string;
  only?: string;
}

export interface Sample {
  output: Json;
  port: string | null;
  status: string;
  execution_id: string;
  item?: Json;
  index?: number;
  omitted?: boolean;
}

export interface Samples {
  trigger: JsonObject | null;
  nodes: Record<string, Sample>;
}

export interface Preview {
  value: Json;
  found: boolean;
  omitted?: boolean;
  problems: { path: string; message: string; offset?: number; length?: number }[];
}

const workflowPath = (id: string) => `/api/workflows/${encodeURIComponent(id)}`;
const runPath = (id: string) => `/api/executions/${encodeURIComponent(id)}`;

/** All pages of a list that is not long. */
async function everyPage<T>(path: string, query: Record<string, string> = {}): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await request<Page<T>>('GET', path, { query: { ...query, limit: 100, cursor } });
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && items.length < 1_000);
  return items;
}

export async function draftOf(id: string): Promise<Draft | null> {
  try {
    return await request<Draft>('GET', `${workflowPath(id)}/draft`);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

export const calls = {
  workflows: (query: Record<string, string | number | boolean | undefined>) =>
    request<Page<WorkflowSummary>>('GET', '/api/workflows', { query }),
  everyWorkflow: () => everyPage<WorkflowSummary>('/api/workflows'),
  workflow: (id: string) => requestTagged<Workflow>('GET', workflowPath(id)),
  createWorkflow: (body: JsonObject) => request<Workflow>('POST', '/api/workflows', { body }),
  patchWorkflow: (id: string, body: JsonObject) => request<Workflow>('PATCH', workflowPath(id), { body }),
  deleteWorkflow: (id: string, force: boolean) =>
    request<unknown>('DELETE', workflowPath(id), { query: { force: force || undefined } }),
  setActive: (id: string, active: boolean) =>
    request<Workflow>('POST', `${workflowPath(id)}/${active ? 'activate' : 'deactivate'}`),
  usages: (id: string) => request<{ items: { workflow_id: string; name: string }[] }>('GET', `${workflowPath(id)}/usages`),

  saveDraft: (id: string, definition: Definition, etag: string | null, baseVersion?: number | null) =>
    request<DraftSaved>('PUT', `${workflowPath(id)}/draft`, {
      body: { definition, ...(baseVersion === undefined ? {} : { base_version: baseVersion }) },
      headers: etag === null ? { 'if-none-match': '*' } : { 'if-match': `"${etag}"` },
    }),
  deleteDraft: (id: string) => request<unknown>('DELETE', `${workflowPath(id)}/draft`),
  publishDraft: (id: string, message: string, etag: string | null) =>
    request<Workflow>('POST', `${workflowPath(id)}/draft/publish`, {
      body: message ? { message } : {},
      headers: etag === null ? {} : { 'if-match': `"${etag}"` },
    }),
  publish: (id: string, etag: string, version: number, message: string) =>
    request<Workflow>('POST', `${workflowPath(id)}/publish`, {
      body: { version, ...(message ? { message } : {}) },
      headers: { 'if-match': etag },
    }),
  validate: (id: string, definition: Definition, signal?: AbortSignal) =>
    request<{ valid: boolean; problems: Problem[] }>('POST', `${workflowPath(id)}/validate`, {
      body: { definition },
      ...(signal ? { signal } : {}),
    }),
  versions: (id: string) => everyPage<Version>(`${workflowPath(id)}/versions`),
  version: (id: string, version: number) => request<VersionWithDefinition>('GET', `${workflowPath(id)}/versions/${version}`),
  restore: (id: string, version: number, etag: string) =>
    request<Workflow>('POST', `${workflowPath(id)}/versions/${version}/restore`, {
      body: {},
      headers: { 'if-match': etag },
    }),

  nodeTypes: async () => (await request<{ items: NodeType[] }>('GET', '/api/node-types')).items,
  triggerTypes: async () => (await request<{ items: TriggerType[] }>('GET', '/api/trigger-types')).items,
  integrationTypes: async () => (await request<{ items: IntegrationType[] }>('GET', '/api/integration-types')).items,
  integrations: async () => (await request<Page<Integration>>('GET', '/api/integrations')).items,

  startTest: (body: TestRun, key: string) =>
    request<Run>('POST', '/api/executions', { body, headers: { 'idempotency-key': key } }),
  run: (id: string) => request<Run>('GET', runPath(id)),
  cancelRun: (id: string) => request<unknown>('POST', `${runPath(id)}/cancel`),
  runs: (workflowId: string) =>
    request<Page<Run>>('GET', '/api/executions', { query: { workflow_id: workflowId, limit: 20 } }),
  runNode: (id: string, path: string) =>
    request<JsonObject>('GET', `${runPath(id)}/nodes/${encodeURIComponent(path)}`),
  samples: (id: string, runId?: string) =>
    request<Samples>('GET', `${workflowPath(id)}/samples`, { query: { execution_id: runId } }),
  preview: (text: string, scope: JsonObject, signal: AbortSignal) =>
    request<Preview>('POST', '/api/expressions', { body: { text, scope }, signal }),
  schedule: (config: JsonObject, language: string, signal: AbortSignal) =>
    request<{ words: string; times: string[]; timezone: string }>('POST', '/api/schedules/preview', {
      body: { config, language, count: 10 },
      signal,
    }),

  trigger: (id: string, trigger: string) => request<TriggerState>('GET', `${workflowPath(id)}/triggers/${trigger}`),
  setSecret: (id: string, trigger: string, secret: string) =>
    request<unknown>('PUT', `${workflowPath(id)}/triggers/${trigger}/secret`, { body: { secret } }),
};

export interface TriggerState {
  id: string;
  status: string;
  url: string | null;
  has_secret: boolean | null;
}
