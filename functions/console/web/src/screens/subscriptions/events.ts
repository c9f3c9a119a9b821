/** What subscriptions can be told of, in words. */
import { msg } from '@/app/i18n';

export const EVENTS: { value: string; label: string }[] = [
  { value: 'execution.failed', label: msg('A run failed') },
  { value: 'execution.timed_out', label: msg('A run timed out') },
  { value: 'execution.succeeded', label: msg('A run succeeded') },
  { value: 'execution.cancelled', label: msg('A run was canceled') },
];

/** Which of `EVENTS` a list with patterns such as `execution.*` has. */
export function eventsIn(patterns: readonly string[]): string[] {
  return EVENTS.map(({ value }) => value).filter((value) =>
    patterns.some((pattern) => (pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern)),
  );
}
