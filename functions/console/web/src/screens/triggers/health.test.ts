import { describe, expect, test } from 'vitest';
import type { Trigger } from './api';
import { bySickness, healthOf } from './health';

const WELL = {
  is_active: true,
  silent_since: null,
  consecutive_failures: 0,
  last_refused_at: null,
  last_fired_at: '2026-11-02T00:00:00Z',
  fired: 3,
  has_secret: null,
};

describe('the health of a trigger', () => {
  test.each([
    ['Healthy', {}],
    ['Ready', { fired: 0, last_fired_at: null }],
    ['Off', { is_active: false, consecutive_failures: 2 }],
    ['Failing', { consecutive_failures: 1, silent_since: '2026-11-01T00:00:00Z' }],
    ['Secret missing', { has_secret: false }],
    ['Silent', { silent_since: '2026-11-01T00:00:00Z' }],
    ['Refusing', { last_refused_at: '2026-11-03T00:00:00Z' }],
    ['Healthy', { last_refused_at: '2026-11-01T00:00:00Z' }],
  ])('is %s with %o', (word, change) => expect(healthOf({ ...WELL, ...change }).word).toBe(word));

  test('those that are sick come first', () => {
    const some = [
      { ...WELL, workflow_name: 'b' },
      { ...WELL, workflow_name: 'a' },
      { ...WELL, workflow_name: 'c', consecutive_failures: 2 },
    ] as Trigger[];
    expect(bySickness(some).map((one) => one.workflow_name)).toEqual(['c', 'a', 'b']);
  });
});
