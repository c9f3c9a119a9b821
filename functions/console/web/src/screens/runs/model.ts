/** What the screen of a run is made of, from the states of its nodes. Pure. */
import type { RunNode } from './api';

export interface LoopStep {
  /** The path of the loop: `each`, `each[3].inner`. */
  loop: string;
  index: number;
}

export interface NodePlace {
  id: string;
  loops: LoopStep[];
}

/** `each[3].inner[0].ask` → `ask`, in the iteration 0 of `each[3].inner`, in the iteration 3 of `each`. */
export function placeOf(path: string): NodePlace {
  const parts = path.split('.');
  const id = parts.pop() ?? path;
  const loops: LoopStep[] = [];
  let before = '';
  for (const part of parts) {
    const [, name, index] = /^(.*)\[(\d+)\]$/.exec(part) ?? [];
    if (name === undefined) continue;
    loops.push({ loop: before + name, index: Number(index) });
    before += `${part}.`;
  }
  return { id, loops };
}

/** What is to be known of a node to find its place. */
type State = Pick<RunNode, 'id'> & { status: string };

export interface Iteration {
  index: number;
  status: string;
}

/** The worst first: what an iteration is said to be when its nodes differ. */
const WORST = ['failed', 'waiting', 'running', 'cancelled', 'pending', 'succeeded', 'skipped'];

function worse(a: string, b: string): string {
  const rank = (status: string) => (WORST.includes(status) ? WORST.indexOf(status) : WORST.length);
  return rank(a) <= rank(b) ? a : b;
}

/** The iterations that began, by the path of their loop. */
export function iterationsOf(nodes: readonly State[]): Map<string, Iteration[]> {
  const found = new Map<string, Map<number, string>>();
  for (const node of nodes)
    for (const { loop, index } of placeOf(node.id).loops) {
      const states = found.get(loop) ?? new Map<number, string>();
      states.set(index, worse(states.get(index) ?? node.status, node.status));
      found.set(loop, states);
    }
  return new Map(
    [...found].map(([loop, states]) => [
      loop,
      [...states].sort(([a], [b]) => a - b).map(([index, status]) => ({ index, status })),
    ]),
  );
}

/** The iteration that is looked at first: one that failed, one that waits, the first. */
export function firstToSee(iterations: readonly Iteration[]): number | undefined {
  const wanted = ['failed', 'waiting', 'running'].map((status) => iterations.find((one) => one.status === status));
  return (wanted.find(Boolean) ?? iterations[0])?.index;
}

export type Chosen = Readonly<Record<string, number>>;

export interface Row<Node = RunNode> {
  node: Node;
  /** Its id alone. */
  id: string;
  depth: number;
  /** Of a loop. */
  iterations: Iteration[];
  index: number | undefined;
}

/** The nodes to list: all outside of loops, and those of the iteration of each loop that is chosen. */
export function rowsOf<Node extends State>(nodes: readonly Node[], chosen: Chosen): Row<Node>[] {
  const iterations = iterationsOf(nodes);
  const indexOf = (loop: string) => chosen[loop] ?? firstToSee(iterations.get(loop) ?? []);
  return nodes.flatMap((node) => {
    const { id, loops } = placeOf(node.id);
    if (loops.some(({ loop, index }) => indexOf(loop) !== index)) return [];
    const own = iterations.get(node.id) ?? [];
    return [{ node, id, depth: loops.length, iterations: own, index: own.length ? indexOf(node.id) : undefined }];
  });
}

export interface Bar {
  /** Percent of the whole. */
  left: number;
  width: number;
  ms: number;
}

const THINNEST = 0.6;

/** Where a node's time lies between the run's start and its end, or now; null where it has not begun. */
export function barOf(node: RunNode, from: number, to: number): Bar | null {
  const began = node.started_at ?? node.completed_at;
  if (!began || node.status === 'skipped') return null;
  const start = Date.parse(began);
  const end = node.completed_at ? Date.parse(node.completed_at) : to;
  const whole = Math.max(to - from, 1);
  const width = Math.min(Math.max(((end - start) / whole) * 100, THINNEST), 100);
  const left = Math.min(Math.max(((start - from) / whole) * 100, 0), 100 - width);
  return { left, width, ms: Math.max(0, end - start) };
}

/** Milliseconds from the start of something to its end, or to now; null before its start. */
export function durationOf(one: { started_at: string | null; completed_at: string | null }, now: number): number | null {
  if (!one.started_at) return null;
  return Math.max(0, (one.completed_at ? Date.parse(one.completed_at) : now) - Date.parse(one.started_at));
}

/** Milliseconds until the next poll of a run; false where nothing changes any more. */
export function pollAfter(status: string | undefined, createdAt: string | undefined, now: number): number | false {
  if (status === undefined || createdAt === undefined) return false;
  if (!['pending', 'queued', 'running', 'waiting'].includes(status)) return false;
  if (now - Date.parse(createdAt) < 10_000) return 1000;
  return status === 'waiting' ? 30_000 : 2000;
}

/** What each step has cost, the dearest first; those in loops are in what their loop has. */
export function billed(nodes: readonly RunNode[]): RunNode[] {
  const own = nodes.filter(({ id, dollars }) => !id.includes('[') && (dollars ?? 0) > 0);
  return own.sort((one, other) => (other.dollars ?? 0) - (one.dollars ?? 0));
}
