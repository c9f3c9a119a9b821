/** The calls about triggers, and what they answer. */
import { request } from '@/api/client';
import type { components } from '@/api/schema';
import type { Page } from '../runs/api';

type Schemas = components['schemas'];
export type Trigger = Schemas['TriggerAnswer'];
export type Sample = Schemas['SampleAnswer'];
export type Schedule = Schemas['ScheduleAnswer'];
export type Backfill = Schemas['BackfillAnswer'];

const workflowPath = (id: string) => `/api/workflows/${encodeURIComponent(id)}`;
const triggerPath = (workflow: string, trigger: string) => `${workflowPath(workflow)}/triggers/${encodeURIComponent(trigger)}`;

export const calls = {
  list: (cursor: string | undefined) => request<Page<Trigger>>('GET', '/api/triggers', { query: { limit: 50, cursor } }),
  one: (workflow: string, trigger: string) => request<Trigger>('GET', triggerPath(workflow, trigger)),
  sample: (workflow: string, trigger: string) => request<Sample>('GET', `${triggerPath(workflow, trigger)}/sample`),
  schedule: (workflow: string) => request<{ items: Schedule[] }>('GET', `${workflowPath(workflow)}/schedule`),
  test: (workflow: string, trigger: string, body: { payload?: Record<string, unknown>; last?: boolean }, key: string) =>
    request<{ id: string }>('POST', `${triggerPath(workflow, trigger)}/test`, { body, headers: { 'idempotency-key': key } }),
  backfill: (workflow: string, body: { from: string; to: string; trigger_id: string }) =>
    request<Backfill>('POST', `${workflowPath(workflow)}/backfill`, { body }),
  rotate: (workflow: string, trigger: string) => request<Trigger>('POST', `${triggerPath(workflow, trigger)}/rotate`),
  setSecret: (workflow: string, trigger: string, secret: string) =>
    request<unknown>('PUT', `${triggerPath(workflow, trigger)}/secret`, { body: { secret } }),
  activate: (workflow: string, on: boolean) => request<unknown>('POST', `${workflowPath(workflow)}/${on ? 'activate' : 'deactivate'}`),
};
