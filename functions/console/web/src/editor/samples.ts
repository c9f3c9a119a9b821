/** What expressions see of a trigger. */

import type { Samples } from './api';

/** What started the last run; before that what its trigger would give, with the input that somebody has written for test runs. */
export function triggerOf(samples: Samples | undefined, testInput: unknown): Record<string, unknown> {
  const given = samples?.trigger ?? { body: {} };
  const isMadeUp = (samples?.trigger_execution_id ?? null) === null;
  return isMadeUp && testInput !== undefined ? { ...given, body: testInput } : given;
}
