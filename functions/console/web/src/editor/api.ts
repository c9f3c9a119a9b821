/** The calls that the editor and the workflow list make. */

import { ApiError, isNotFound, request, requestTagged } from '@/api/client';
import type { components } from '@/api/schema';
import { readRun } from '@/screens/runs/api';

import type { Schema } from '../form/describe';
import type { Definition, JsonObject } from './types';

type Schemas = components['schemas'];

/** What the API's document says of an answer, with what it leaves open as the editor knows it. */
type Known<T, Own> = Omit<T, keyof Own> & Own;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export type WorkflowSummary = Schemas['WorkflowSummary'];
export type Workflow = Known<Schemas['WorkflowAnswer'], { definition: Definition | null }>;
export type Version = Schemas['VersionSummary'];
export type VersionWithDefinition = Known<Schemas['VersionAnswer'], { definition: Definition }>;
export type DraftSaved = Schemas['DraftSaved'];
export type Draft = Known<Schemas['DraftAnswer'], { definition: Definition }>;
export type Problem = Schemas['DefinitionProblem'];

export type NodeType = Known<Schemas['NodeTypeAnswer'], { config_schema: Schema; retry_schema: Schema }>;
export type TriggerType = Known<Schemas['TriggerTypeAnswer'], { config_schema: Schema }>;
export type IntegrationAction = Known<Schemas['ActionAnswer'], { input_schema: Schema }>;
export type IntegrationType = Known<Schemas['IntegrationTypeAnswer'], { actions: IntegrationAction[] }>;
export type Integration = Schemas['IntegrationAnswer'];

export type Run = Schemas['ExecutionDetail'];
export type RunSummary = Schemas['ExecutionSummary'];
export type RunNode = Schemas['NodeAnswer'];
export type TestRun = Omit<Partial<Schemas['StartBody']>, 'draft'> & { workflow_id: string; draft: Definition };
export type Sample = Schemas['SampleNode'];
export type Samples = Schemas['WorkflowSamples'];
export type Preview = Schemas['PreviewAnswer'];
export type TriggerState = Schemas['TriggerAnswer'];

const workflowPath = (id: string) => `/api/workflows/${encodeURIComponent(id)}`;
const runPath = (id: string) => `/api/executions/${encodeURIComponent(id)}`;

/** Nothing but a refusal of what is sent is for good. */
export function isTemporary(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 429 || error.status >= 500;
}

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
  usages: (id: string) => request<Schemas['WorkflowUsageList']>('GET', `${workflowPath(id)}/usages`),

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
    request<Schemas['ValidationAnswer']>('POST', `${workflowPath(id)}/validate`, {
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
    request<Schemas['ExecutionAnswer']>('POST', '/api/executions', { body, headers: { 'idempotency-key': key } }),
  run: readRun,
  cancelRun: (id: string) => request<unknown>('POST', `${runPath(id)}/cancel`),
  runs: (workflowId: string) =>
    request<Page<RunSummary>>('GET', '/api/executions', { query: { workflow_id: workflowId, limit: 20 } }),
  runNode: (id: string, path: string) =>
    request<Schemas['NodeDetail']>('GET', `${runPath(id)}/nodes/${encodeURIComponent(path)}`),
  samples: (id: string, runId?: string) =>
    request<Samples>('GET', `${workflowPath(id)}/samples`, { query: { execution_id: runId } }),
  preview: (text: string, scope: JsonObject, signal: AbortSignal) =>
    request<Preview>('POST', '/api/expressions', { body: { text, scope }, signal }),
  schedule: (config: JsonObject, language: string, signal: AbortSignal) =>
    request<Schemas['SchedulePreviewAnswer']>('POST', '/api/schedules/preview', {
      body: { config, language, count: 10 },
      signal,
    }),

  trigger: (id: string, trigger: string) => request<TriggerState>('GET', `${workflowPath(id)}/triggers/${trigger}`),
  /** Where a webhook is called, also one that is only drawn. */
  hookAddress: (id: string, trigger: string) =>
    request<Schemas['AddressAnswer']>('GET', `${workflowPath(id)}/triggers/${trigger}/address`),
  setSecret: (id: string, trigger: string, secret: string) =>
    request<unknown>('PUT', `${workflowPath(id)}/triggers/${trigger}/secret`, { body: { secret } }),
};
