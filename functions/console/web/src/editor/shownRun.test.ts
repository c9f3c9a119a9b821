import { expect, test } from 'vitest';

import type { Run, RunNode } from './api';
import { shownRun, stepped } from './shownRun';

const node = (id: string, output: unknown, status = 'succeeded') => ({ id, type: 'transform', status, output }) as RunNode;

const RUN = {
  id: 'r',
  status: 'succeeded',
  nodes: [
    node('each', ['a', 'b']),
    node('each[0].shout', 'A'),
    node('each[0].inner', [1]),
    node('each[0].inner[0].add', 1),
    node('each[1].shout', 'B'),
    node('each[1].inner', [2, 3]),
    node('each[1].inner[0].add', 2),
    node('each[1].inner[1].add', 3),
  ],
} as Run;

test('the first iteration is shown, and any other can be', () => {
  const first = shownRun(RUN);
  expect(first.nodes.shout?.output).toBe('A');
  expect(first.loops.each).toMatchObject({ path: 'each', index: 0, iterations: [{ index: 0 }, { index: 1 }] });

  const second = stepped(first, 'each', 1);
  expect(second.nodes.shout?.output).toBe('B');
  expect(second.nodes.add?.output).toBe(2);
  expect(second.loops.inner).toMatchObject({ path: 'each[1].inner', index: 0 });

  const inner = stepped(second, 'each[1].inner', 1);
  expect(inner.nodes.add?.output).toBe(3);
  expect(inner.nodes.shout?.output).toBe('B');
});

test('what is looked at stays while a run goes on, and is forgotten with another one', () => {
  const second = stepped(shownRun(RUN), 'each', 1);
  expect(shownRun(RUN, second).nodes.shout?.output).toBe('B');
  expect(shownRun({ ...RUN, id: 'other' }, second).nodes.shout?.output).toBe('A');
});

test('an iteration that failed is the first to be seen', () => {
  const nodes = RUN.nodes.map((one) => (one.id === 'each[1].shout' ? { ...one, status: 'failed' as const } : one));
  expect(shownRun({ ...RUN, nodes }).loops.each?.index).toBe(1);
});
