import { expect, test } from 'vitest';
import { eventsIn } from './events';

test('patterns stand for the events that they fit', () => {
  expect(eventsIn(['execution.*'])).toHaveLength(4);
  expect(eventsIn(['execution.failed', 'ping'])).toEqual(['execution.failed']);
  expect(eventsIn([])).toEqual([]);
});
