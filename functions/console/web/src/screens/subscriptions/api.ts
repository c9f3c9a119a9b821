/** The calls about subscriptions, and what they answer. */
import { request } from '@/api/client';
import type { components } from '@/api/schema';
import type { Page } from '../runs/api';

type Schemas = components['schemas'];
export type Subscription = Schemas['SubscriptionAnswer'];
export type SubscriptionWithSecret = Schemas['SubscriptionWithSecret'];
export type DeliverySummary = Schemas['DeliverySummary'];
export type Delivery = Schemas['DeliveryAnswer'];

export interface SubscriptionBody {
  url: string;
  events: string[];
  description: string | null;
}

const path = (id: string) => `/api/subscriptions/${encodeURIComponent(id)}`;

export const calls = {
  list: () => request<Page<Subscription>>('GET', '/api/subscriptions'),
  one: (id: string) => request<Subscription>('GET', path(id)),
  create: (body: SubscriptionBody) => request<SubscriptionWithSecret>('POST', '/api/subscriptions', { body }),
  change: (id: string, body: Partial<SubscriptionBody> & { is_enabled?: boolean }) => request<Subscription>('PATCH', path(id), { body }),
  remove: (id: string) => request<unknown>('DELETE', path(id)),
  rotate: (id: string) => request<SubscriptionWithSecret>('POST', `${path(id)}/rotate`),
  ping: (id: string) => request<unknown>('POST', `${path(id)}/ping`),
  deliveries: (id: string, cursor: string | undefined) => request<Page<DeliverySummary>>('GET', `${path(id)}/deliveries`, { query: { limit: 30, cursor } }),
  delivery: (id: string, delivery: string) => request<Delivery>('GET', `${path(id)}/deliveries/${encodeURIComponent(delivery)}`),
  replay: (id: string, delivery: string) => request<unknown>('POST', `${path(id)}/deliveries/${encodeURIComponent(delivery)}/replay`),
};
