/** What a run began with and what its steps gave, put into a document, so that a test run goes the same way. Pure. */

import type { Run } from './api';
import { allIds } from './tree';
import type { Json, Pin, WorkflowDocument } from './types';

const MAX_PINS_BYTES = 100_000;

/** The document with a run's data. Loops are pinned as a whole; what is too large to be shown is left out. */
export function withDataOf(document: WorkflowDocument, run: Pick<Run, 'input' | 'nodes' | 'omitted'>): WorkflowDocument {
  const ids = allIds(document.definition);
  const omitted = new Set(run.omitted);
  const pins: Record<string, Pin> = {};
  let bytes = 0;
  for (const node of run.nodes) {
    if (node.status !== 'succeeded' || !ids.has(node.id) || omitted.has(`nodes.${node.id}.output`)) continue;
    const pin: Pin = { output: node.output as Json, ...(node.port ? { port: node.port } : {}) };
    const size = JSON.stringify(pin).length;
    if (bytes + size > MAX_PINS_BYTES) continue;
    bytes += size;
    pins[node.id] = pin;
  }
  const input = run.input === null || omitted.has('input') ? {} : { testInput: run.input as Json };
  return { ...document, ui: { ...document.ui, pins, ...input } };
}
