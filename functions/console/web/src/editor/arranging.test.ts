import { beforeEach, describe, expect, test, vi } from 'vitest';

import { arrange, type ToArrange } from './arrange';
import type { Arranged, Asked } from './arrange.worker';

/** A worker that answers when it is told to. */
class LateWorker {
  static made: LateWorker[] = [];
  onmessage: ((event: { data: Arranged }) => void) | null = null;
  asked: Asked[] = [];
  constructor() {
    LateWorker.made.push(this);
  }
  postMessage(asked: Asked) {
    this.asked.push(asked);
  }
  answer() {
    for (const { key, wanted } of this.asked.splice(0)) this.onmessage?.({ data: { key, places: arrange(wanted) } });
  }
}

const chain = (count: number): ToArrange => ({
  boxes: Array.from({ length: count }, (_, n) => ({ id: `n${n}`, width: 248, height: 72 })),
  edges: Array.from({ length: count - 1 }, (_, n) => ({ from: `n${n}`, to: `n${n + 1}`, name: 'main' })),
});

let arranged: (wanted: ToArrange) => unknown;

beforeEach(async () => {
  vi.resetModules();
  LateWorker.made = [];
  vi.stubGlobal('Worker', LateWorker);
  ({ arranged } = await import('./arranging'));
});

describe('arrangements', () => {
  test('of few are there at once, and are not made twice', () => {
    const places = arranged(chain(3));
    expect(places).toEqual(arrange(chain(3)));
    expect(arranged(chain(3))).toBe(places);
    expect(LateWorker.made).toEqual([]);
  });

  test('of many come from a worker, which is asked once', () => {
    expect(arranged(chain(200))).toBeUndefined();
    expect(arranged(chain(200))).toBeUndefined();
    const [worker] = LateWorker.made;
    expect(worker?.asked).toHaveLength(1);
    worker?.answer();
    expect(arranged(chain(200))).toEqual(arrange(chain(200)));
    expect(worker?.asked).toEqual([]);
  });

  test('leave all where it is until they are there, with what is new below what leads to it', () => {
    arranged(chain(200));
    const [worker] = LateWorker.made;
    worker?.answer();
    const before = arrange(chain(200));
    const makeshift = arranged(chain(201)) as typeof before;
    expect(makeshift.n7).toEqual(before.n7);
    expect(makeshift.n200?.x).toBe(before.n199?.x);
    expect(makeshift.n200?.y).toBeGreaterThan(before.n199?.y ?? 0);
    worker?.answer();
    expect(arranged(chain(201))).toEqual(arrange(chain(201)));
  });
});
