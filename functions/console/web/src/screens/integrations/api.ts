/** The calls about integrations, and what they answer. */
import { useQuery } from '@tanstack/react-query';
import { request } from '@/api/client';
import type { components } from '@/api/schema';
import type { Schema } from '@/form/describe';
import type { Page } from '../runs/api';

type Schemas = components['schemas'];
export type Integration = Schemas['IntegrationAnswer'];
export type Usage = Schemas['UsageAnswer'];
export type IntegrationType = Omit<Schemas['IntegrationTypeAnswer'], 'config_schema'> & { config_schema: Schema };
export type Tested = Schemas['TestAnswer'];

export type Config = Record<string, unknown>;

export interface IntegrationBody {
  name: string;
  type: string;
  description: string | null;
  config: Config;
}

const path = (id: string) => `/api/integrations/${encodeURIComponent(id)}`;

export const calls = {
  list: () => request<Page<Integration>>('GET', '/api/integrations'),
  one: (id: string) => request<Integration>('GET', path(id)),
  create: (body: IntegrationBody) => request<Integration>('POST', '/api/integrations', { body }),
  change: (id: string, body: Partial<IntegrationBody>) => request<Integration>('PATCH', path(id), { body }),
  remove: (id: string, force: boolean) => request<unknown>('DELETE', path(id), { query: { force: force || undefined } }),
  usages: (id: string) => request<Page<Usage>>('GET', `${path(id)}/usages`),
  test: (id: string) => request<Tested>('POST', `${path(id)}/test`),
  consent: (id: string) => request<{ url: string; expires_at: string }>('POST', `${path(id)}/consent`),
};

/** The types that there are; they change with a deployment only. */
export function useTypes() {
  return useQuery({
    queryKey: ['integration-types', 'gallery'],
    queryFn: async () => (await request<Page<IntegrationType>>('GET', '/api/integration-types')).items,
    staleTime: Infinity,
  });
}
