import { expect, test } from 'vitest';

import type { RunNode } from './api';
import { withDataOf } from './runData';
import type { WorkflowDocument } from './types';

const DOCUMENT: WorkflowDocument = {
  name: 'W',
  description: '',
  definition: { nodes: ['fetch', 'check', 'each', 'large', 'huge'].map((id) => ({ id, type: 'transform' })) },
  ui: { positions: { fetch: { x: 1, y: 1 } }, pins: { old: { output: 0 } } },
};

const node = (id: string, output: unknown, more: Partial<RunNode> = {}) => ({ id, status: 'succeeded', output, ...more }) as RunNode;

test('what a run began with and what its steps gave is in the document', () => {
  const nodes = [
    node('fetch', { a: 1 }, { port: 'main' }),
    node('check', true, { port: 'true' }),
    node('each', [1, 2]),
    node('each[0].call', 1),
    node('gone', 1),
    node('failed', null, { status: 'failed' }),
    node('large', null),
    node('huge', 'x'.repeat(200_000)),
  ];
  const { ui } = withDataOf(DOCUMENT, { input: { order: 7 }, nodes, omitted: ['nodes.large.output'] });
  expect(ui).toEqual({
    positions: { fetch: { x: 1, y: 1 } },
    testInput: { order: 7 },
    pins: { fetch: { output: { a: 1 }, port: 'main' }, check: { output: true, port: 'true' }, each: { output: [1, 2] } },
  });
});

test('an input that is too large to be shown is not taken for none', () => {
  expect(withDataOf({ ...DOCUMENT, ui: { testInput: 1 } }, { input: null, nodes: [], omitted: ['input'] }).ui.testInput).toBe(1);
});
