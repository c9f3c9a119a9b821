/** A run as the canvas shows it: one state for each step, in loops that of the iteration that is looked at. Pure. */

import { rowsOf, type Chosen, type Iteration } from '@/screens/runs/model';

import type { Run, RunNode } from './api';

export interface ShownLoop {
  /** Of the loop: `each`, `each[3].inner`. */
  path: string;
  index: number;
  iterations: readonly Iteration[];
}

export interface ShownRun {
  id: string;
  status: string;
  dollars: number;
  isTest: boolean;
  /** By the id of the step; of a loop's steps those of the chosen iteration. */
  nodes: Readonly<Record<string, RunNode>>;
  /** By the id of the loop: which of its iterations is shown, and which there are. */
  loops: Readonly<Record<string, ShownLoop>>;
  chosen: Chosen;
  all: readonly RunNode[];
}

type States = Pick<ShownRun, 'nodes' | 'loops' | 'chosen' | 'all'>;

function statesOf(all: readonly RunNode[], chosen: Chosen): States {
  const rows = rowsOf(all, chosen);
  const nodes = Object.fromEntries(rows.map(({ id, node }) => [id, node]));
  const loops = rows.flatMap(({ id, node, index, iterations }) =>
    index === undefined ? [] : [[id, { path: node.id, index, iterations }] as const],
  );
  return { nodes, loops: Object.fromEntries(loops), chosen, all };
}

/** What is told of a run that has just been started, or of one with its nodes. */
export type Told = Pick<Run, 'id' | 'status' | 'test' | 'dollars'> & { nodes?: readonly RunNode[] };

/** @param before what is shown now: of the same run, the same iterations are looked at. */
export function shownRun(run: Told, before: ShownRun | null = null): ShownRun {
  const chosen = before?.id === run.id ? before.chosen : {};
  return { id: run.id, status: run.status, isTest: run.test, dollars: run.dollars, ...statesOf(run.nodes ?? [], chosen) };
}

/** The same run with another iteration of the loop at this path. */
export function stepped(run: ShownRun, loop: string, index: number): ShownRun {
  return { ...run, ...statesOf(run.all, { ...run.chosen, [loop]: index }) };
}
