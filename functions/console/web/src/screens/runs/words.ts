/** How runs are started and named, in words. */
import { msg, t } from '@/app/i18n';

const STARTS: Record<string, string> = {
  manual: msg('By hand'),
  schedule: msg('Schedule'),
  webhook: msg('Webhook'),
  event: msg('Event'),
  failure: msg('Failure of another workflow'),
  sub_workflow: msg('Another workflow'),
  tool: msg('AI tool'),
};

export const TRIGGER_TYPES = Object.keys(STARTS);

/** By what a run was started. */
export function startWord(type: string): string {
  const word = STARTS[type];
  return word ? t(word) : type;
}

export const STATUS_FILTERS: { value: string; label: string }[] = [
  { value: 'open', label: msg('Under way') },
  { value: 'running', label: msg('Running') },
  { value: 'waiting', label: msg('Waiting') },
  { value: 'succeeded', label: msg('Succeeded') },
  { value: 'failed,timed_out', label: msg('Failed or timed out') },
  { value: 'cancelled', label: msg('Canceled') },
];

export interface Span {
  value: string;
  label: string;
  hours: number;
}

export const SPANS: Span[] = [
  { value: '1h', label: msg('Last hour'), hours: 1 },
  { value: '24h', label: msg('Last 24 hours'), hours: 24 },
  { value: '7d', label: msg('Last 7 days'), hours: 168 },
  { value: '30d', label: msg('Last 30 days'), hours: 720 },
];
