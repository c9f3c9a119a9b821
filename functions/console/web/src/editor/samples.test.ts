/** What expressions see of a trigger before and after the first run. */
import { expect, test } from 'vitest';
import type { Samples } from './api';
import { triggerOf } from './samples';

const MADE_UP: Samples = { trigger: { type: 'webhook', body: { text: 'Hello' } }, trigger_execution_id: null, nodes: {}, executions: [] };

test('before the first run it is what the trigger would give', () => {
  expect(triggerOf(MADE_UP, undefined)).toEqual({ type: 'webhook', body: { text: 'Hello' } });
  expect(triggerOf(undefined, undefined)).toEqual({ body: {} });
});

test('an input that somebody has written for test runs counts more than what is made up', () => {
  expect(triggerOf(MADE_UP, { name: 'Ada' })).toEqual({ type: 'webhook', body: { name: 'Ada' } });
  expect(triggerOf(undefined, { name: 'Ada' })).toEqual({ body: { name: 'Ada' } });
});

test('what really came counts most', () => {
  const real = { ...MADE_UP, trigger: { type: 'manual', body: 2 }, trigger_execution_id: 'x' };
  expect(triggerOf(real, { name: 'Ada' })).toEqual({ type: 'manual', body: 2 });
});
