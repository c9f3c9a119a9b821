/**
 * Arrangements that are known, so that nothing is arranged twice: moving a step, and what is written in it, change no
 * arrangement. Large ones are made in a worker; until it has answered what was there stays where it was.
 */

import { useSyncExternalStore } from 'react';

import { arrange, type Places, type ToArrange } from './arrange';
import type { Arranged, Asked } from './arrange.worker';
import { NODE_HEIGHT } from './layout';

/** From here on a worker is asked, and only what is seen is in the page. */
export const MANY_NODES = 150;
const MOST_KNOWN = 60;
const BELOW = NODE_HEIGHT + 56;

const known = new Map<string, Places>();
const asked = new Set<string>();
const listeners = new Set<() => void>();
let answers = 0;
let last: Places = {};
let worker: Worker | undefined;

function remember(key: string, places: Places): Places {
  known.delete(key);
  known.set(key, places);
  for (const oldest of [...known.keys()].slice(0, -MOST_KNOWN)) known.delete(oldest);
  return places;
}

function theWorker(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL('./arrange.worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Arranged>) => {
    asked.delete(data.key);
    last = { ...last, ...remember(data.key, data.places) };
    answers += 1;
    for (const listener of listeners) listener();
  };
  return worker;
}

/**
 * The arrangement, or until the worker has answered a makeshift: where things stood, and what is new below one that
 * leads to it. Undefined where nothing is known yet.
 */
export function arranged(wanted: ToArrange): Places | undefined {
  const key = JSON.stringify(wanted);
  const found = known.get(key);
  if (found) return remember(key, found);
  if (wanted.boxes.length <= MANY_NODES || typeof Worker === 'undefined') return remember(key, arrange(wanted));
  if (!asked.has(key)) {
    asked.add(key);
    theWorker().postMessage({ key, wanted } satisfies Asked);
  }
  return makeshift(wanted, last);
}

/** Places for all boxes, made of those of some; undefined where none is known. */
export function makeshift({ boxes, edges }: ToArrange, before: Places): Places | undefined {
  const places = new Map(boxes.flatMap(({ id }) => (before[id] ? [[id, before[id]] as const] : [])));
  if (places.size === 0) return undefined;
  const source = new Map(edges.map(({ from, to }) => [to, from]));
  let y = Math.max(...[...places.values()].map((at) => at.y + BELOW));
  for (const { id } of boxes) {
    if (places.has(id)) continue;
    const above = places.get(source.get(id) ?? '');
    places.set(id, above ? { x: above.x, y: above.y + BELOW } : { x: 0, y });
    if (!above) y += BELOW;
  }
  return Object.fromEntries(places);
}

/** How often the worker has answered: whoever draws does it anew then. */
export function useArrangements(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => answers,
  );
}
