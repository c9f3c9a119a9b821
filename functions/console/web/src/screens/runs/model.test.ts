import { describe, expect, test } from 'vitest';
import type { RunNode } from './api';
import { barOf, billed, durationOf, firstToSee, iterationsOf, placeOf, pollAfter, rowsOf } from './model';

function node(id: string, status: RunNode['status'] = 'succeeded', times: [string | null, string | null] = [null, null]): RunNode {
  return { id, type: 'transform', status, attempts: 1, started_at: times[0], completed_at: times[1], output: null, error: null };
}

const NODES = [
  node('prepare'),
  node('each', 'failed'),
  node('each[0].call'),
  node('each[0].inner'),
  node('each[0].inner[0].ask'),
  node('each[0].inner[1].ask', 'waiting'),
  node('each[2].call', 'failed'),
  node('each[2].inner', 'skipped'),
  node('end', 'pending'),
];

describe('paths', () => {
  test('tell the loops around a node', () => {
    expect(placeOf('send')).toEqual({ id: 'send', loops: [] });
    expect(placeOf('each[3].inner[0].ask')).toEqual({
      id: 'ask',
      loops: [
        { loop: 'each', index: 3 },
        { loop: 'each[3].inner', index: 0 },
      ],
    });
  });
});

describe('iterations', () => {
  test('have the worst state of their nodes', () => {
    const found = iterationsOf(NODES);
    expect(found.get('each')).toEqual([
      { index: 0, status: 'waiting' },
      { index: 2, status: 'failed' },
    ]);
    expect(found.get('each[0].inner')).toEqual([
      { index: 0, status: 'succeeded' },
      { index: 1, status: 'waiting' },
    ]);
  });

  test('one that failed is looked at first, then one that waits', () => {
    expect(firstToSee([{ index: 0, status: 'succeeded' }, { index: 1, status: 'waiting' }])).toBe(1);
    expect(firstToSee([{ index: 0, status: 'waiting' }, { index: 4, status: 'failed' }])).toBe(4);
    expect(firstToSee([])).toBeUndefined();
  });
});

describe('rows', () => {
  test('are the nodes outside of loops, and those of one iteration', () => {
    expect(rowsOf(NODES, {}).map(({ node: { id }, depth }) => [id, depth])).toEqual([
      ['prepare', 0],
      ['each', 0],
      ['each[2].call', 1],
      ['each[2].inner', 1],
      ['end', 0],
    ]);
  });

  test('follow the chosen iteration, also of a loop in a loop', () => {
    expect(rowsOf(NODES, { each: 0 }).map(({ node: { id }, depth }) => [id, depth])).toEqual([
      ['prepare', 0],
      ['each', 0],
      ['each[0].call', 1],
      ['each[0].inner', 1],
      ['each[0].inner[1].ask', 2],
      ['end', 0],
    ]);
  });
});

describe('bars', () => {
  const from = Date.parse('2026-11-01T00:00:00Z');
  const to = from + 10_000;
  const at = (ms: number) => new Date(from + ms).toISOString();

  test('lie where the time was', () => {
    expect(barOf(node('a', 'succeeded', [at(2500), at(5000)]), from, to)).toEqual({ left: 25, width: 25, ms: 2500 });
  });

  test('of what goes on reach until now, and none leaves the picture', () => {
    expect(barOf(node('a', 'running', [at(5000), null]), from, to)).toEqual({ left: 50, width: 50, ms: 5000 });
    const late = barOf(node('a', 'succeeded', [at(10_000), at(10_000)]), from, to);
    expect((late?.left ?? 0) + (late?.width ?? 0)).toBeLessThanOrEqual(100);
  });

  test('there is none of what has not begun, or never ran', () => {
    expect(barOf(node('a', 'pending'), from, to)).toBeNull();
    expect(barOf(node('a', 'skipped', [at(1), at(2)]), from, to)).toBeNull();
  });

  test('a duration of what is open counts until now', () => {
    expect(durationOf({ started_at: at(0), completed_at: null }, to)).toBe(10_000);
    expect(durationOf({ started_at: null, completed_at: null }, to)).toBeNull();
  });
});

describe('polls', () => {
  const now = Date.parse('2026-11-01T00:01:00Z');
  test('are quick at first, slow while it waits, and end with the run', () => {
    expect(pollAfter('running', '2026-11-01T00:00:55Z', now)).toBe(1000);
    expect(pollAfter('running', '2026-11-01T00:00:00Z', now)).toBe(2000);
    expect(pollAfter('waiting', '2026-11-01T00:00:00Z', now)).toBe(30_000);
    expect(pollAfter('failed', '2026-11-01T00:00:59Z', now)).toBe(false);
    expect(pollAfter(undefined, undefined, now)).toBe(false);
  });
});

describe('the cost of steps', () => {
  test('the dearest is first, and what is in a loop is not told twice', () => {
    const cost = (id: string, dollars: number | null): RunNode => ({ ...node(id), dollars });
    const found = billed([cost('a', 0.1), cost('each', 0.5), cost('each[0].b', 0.5), cost('skipped', 0), cost('unknown', null), cost('c', 0.2)]);
    expect(found.map(({ id }) => id)).toEqual(['each', 'c', 'a']);
  });
});
