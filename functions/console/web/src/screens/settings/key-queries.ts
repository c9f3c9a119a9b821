import type { components } from '@/api/schema';
import { msg, t } from '@/app/i18n';

export type Key = components['schemas']['KeyAnswer'];
export type Permission = Key['permissions'][number];
export type ServiceAccount = components['schemas']['ServiceAccountAnswer'];

export const KEYS = ['keys'];
export const SERVICE_ACCOUNTS = ['service-accounts'];

/** What each permission lets a key do, in the API's order. */
export const PERMISSIONS: Record<Permission, string> = {
  read: msg('Look at everything but secrets'),
  execute: msg('Start, test, cancel and retry runs'),
  answer: msg('Answer approvals and callbacks'),
  edit: msg('Change workflows, drafts, files and tables'),
  publish: msg('Publish versions and activate workflows'),
  connect: msg('Change integrations and subscriptions'),
  manage: msg('Change members, roles and settings'),
  audit: msg('Read who did what'),
};

/** For how many days a key is good; '' for ever. */
export function ends(): { value: string; label: string }[] {
  const days = [30, 90, 365].map((n) => ({ value: String(n), label: t('After {n} days', { n }) }));
  return [...days, { value: '', label: t('never') }];
}
