import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { anyCommand, documents } from './arbitraries';
import { autosave, beginning, type Backup, type Ports, type SaveConflict, type SaveState } from './autosave';
import { equal } from './compare';
import type { Definition } from './types';

class Conflict extends Error {}
class Outage extends Error {}

/** A server with one draft, and the storage of one browser. */
function world(saved: Definition) {
  const server = { draft: null as { definition: Definition; etag: string } | null, number: 0, fails: [] as Error[] };
  let release: (() => void) | null = null;
  const state = {
    server,
    backup: null as Backup | null,
    states: [] as SaveState[],
    conflict: null as SaveConflict | null,
    document: saved,
    timers: [] as (() => void)[],
    hold: null as Promise<void> | null,
  };
  const put = (definition: Definition, etag: string | null): { etag: string } => {
    const failure = server.fails.shift();
    if (failure) throw failure;
    if ((server.draft?.etag ?? null) !== etag) throw new Conflict();
    server.number += 1;
    server.draft = { definition, etag: `e${server.number}` };
    return { etag: server.draft.etag };
  };
  const ports: Ports = {
    async put(definition, etag) {
      if (state.hold) await state.hold;
      return put(definition, etag);
    },
    get: () => Promise.resolve(server.draft),
    backup: (backup) => {
      state.backup = backup === null ? null : (JSON.parse(JSON.stringify(backup)) as Backup);
    },
    isConflict: (error) => error instanceof Conflict,
    isTemporary: (error) => error instanceof Outage,
    later: (run) => {
      state.timers.push(run);
      return () => {
        state.timers = state.timers.filter((one) => one !== run);
      };
    },
    onState: (one) => state.states.push(one),
    onMerged: (definition) => {
      state.document = definition;
    },
    onConflict: (conflict) => {
      state.conflict = conflict;
    },
  };
  const saver = autosave(ports, { saved, etag: null });
  return {
    ...state,
    state,
    put,
    ports,
    saver,
    change(definition: Definition) {
      state.document = definition;
      saver.changed(definition);
    },
    /** The session has ended: calls wait until somebody has signed in again. */
    expire() {
      state.hold = new Promise((resolve) => {
        release = resolve;
      });
    },
    signInAgain() {
      state.hold = null;
      release?.();
    },
    async tick() {
      const due = state.timers.splice(0);
      for (const run of due) run();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    },
  };
}

/** The editor, opened again in the same browser. */
function reopened(w: ReturnType<typeof world>, draft: { definition: Definition; etag: string }) {
  const { definition, from } = beginning(draft, w.state.backup);
  const saver = autosave(w.ports, from);
  saver.changed(definition);
  return saver;
}

const node = (id: string, value: unknown) => ({ id, type: 'transform', config: { value: value as string } });
const EMPTY: Definition = { nodes: [], edges: [] };
const ONE: Definition = { nodes: [node('a', 1), node('b', 1)], edges: [] };

describe('autosave', () => {
  it('saves one second after the last change, and shows that it has', async () => {
    const w = world(EMPTY);
    w.change(ONE);
    expect(w.state.states).toEqual(['unsaved']);
    expect(w.server.draft).toBeNull();
    await w.tick();
    expect(w.server.draft?.definition).toEqual(ONE);
    expect(w.state.states.slice(-1)).toEqual(['saved']);
    expect(w.state.backup).toBeNull();
  });

  it('loses nothing that was typed before a tab was closed', () => {
    const w = world(EMPTY);
    w.change(ONE); // and the tab is closed before a second is over
    const again = beginning({ definition: EMPTY, etag: null }, w.state.backup);
    expect(again).toMatchObject({ definition: ONE, isRecovered: true });
  });

  it('loses nothing that was typed while a save was under way and the tab was closed', async () => {
    const w = world(EMPTY);
    w.change(ONE);
    w.expire();
    await w.tick();
    const later: Definition = { ...ONE, nodes: [...ONE.nodes, node('c', 1)] };
    w.change(later);
    w.saver.stop();
    const { etag } = w.put(ONE, null); // the request came through, its answer did not
    w.state.hold = null; // whoever opens it again is signed in
    const again = reopened(w, { definition: ONE, etag });
    await again.flush();
    expect(w.server.draft?.definition.nodes.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('asks where another tab has saved the same node since the tab was closed', async () => {
    const w = world(ONE);
    w.change({ ...ONE, nodes: [node('a', 'mine'), node('b', 1)] });
    w.saver.stop();
    const theirs = { ...ONE, nodes: [node('a', 'theirs'), node('b', 1)] };
    const { etag } = w.put(theirs, null);
    const again = reopened(w, { definition: theirs, etag });
    await again.flush().catch(() => undefined);
    expect(w.state.conflict?.conflicts.map(({ key }) => key)).toEqual(['node:a']);
    expect(w.server.draft?.definition).toEqual(theirs);
  });

  it('waits through an expired session and saves what was typed meanwhile', async () => {
    const w = world(EMPTY);
    w.expire();
    w.change(ONE);
    await w.tick();
    const later: Definition = { ...ONE, vars: { limit: 3 } };
    w.change(later);
    expect(w.state.backup?.definition).toEqual(later);
    w.signInAgain();
    await w.tick();
    await w.tick();
    expect(w.server.draft?.definition).toEqual(later);
    expect(w.state.backup).toBeNull();
  });

  it('tries again while the server cannot be reached', async () => {
    const w = world(EMPTY);
    w.server.fails.push(new Outage(), new Outage());
    w.change(ONE);
    for (let turn = 0; turn < 4; turn++) await w.tick();
    expect(w.server.draft?.definition).toEqual(ONE);
    expect(w.state.states.filter((one) => one === 'retrying')).toHaveLength(2);
  });

  it('brings two tabs together', async () => {
    const w = world(ONE);
    w.put({ ...ONE, nodes: [node('a', 'theirs'), node('b', 1)] }, null);
    w.change({ ...ONE, nodes: [node('a', 1), node('b', 'mine')] });
    await w.tick();
    const both = { ...ONE, nodes: [node('a', 'theirs'), node('b', 'mine')] };
    expect(w.server.draft?.definition).toEqual(both);
    expect(w.state.document).toEqual(both);
  });

  it('asks where two tabs have changed the same node, and keeps both until it is told', async () => {
    const w = world(ONE);
    w.put({ ...ONE, nodes: [node('a', 'theirs'), node('b', 1)] }, null);
    w.change({ ...ONE, nodes: [node('a', 'mine'), node('b', 1)] });
    await w.tick();
    expect(w.state.conflict?.conflicts.map(({ key }) => key)).toEqual(['node:a']);
    expect(w.server.draft?.definition.nodes[0]).toEqual(node('a', 'theirs'));
    expect(w.state.backup?.definition.nodes[0]).toEqual(node('a', 'mine'));
    w.change({ ...ONE, nodes: [node('a', 'mine'), node('b', 'also mine')] });
    const { conflict } = w.state;
    if (!conflict) throw new Error('there is no conflict');
    await w.saver.resolve(conflict, { 'node:a': 'theirs' });
    expect(w.server.draft?.definition.nodes).toEqual([node('a', 'theirs'), node('b', 'also mine')]);
    expect(w.state.backup).toBeNull();
  });

  it('has saved exactly what was made in the end, whatever was done and failed', async () => {
    await fc.assert(
      fc.asyncProperty(
        documents,
        fc.array(fc.tuple(anyCommand, fc.constantFrom('type', 'wait', 'outage')), { maxLength: 10 }),
        async (document, steps) => {
          const w = world(document.definition);
          let current = document;
          for (const [command, what] of steps) {
            if (what === 'outage') w.server.fails.push(new Outage());
            current = command(current);
            w.change(current.definition);
            const kept = w.state.backup?.definition ?? w.server.draft?.definition ?? document.definition;
            expect(equal(kept, current.definition)).toBe(true);
            if (what === 'wait') await w.tick();
          }
          for (let turn = 0; turn < 15; turn++) await w.tick();
          expect(equal(w.server.draft?.definition ?? document.definition, current.definition)).toBe(true);
          expect(w.state.backup).toBeNull();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('begins a new draft after publishing', async () => {
    const w = world(EMPTY);
    w.change(ONE);
    await w.saver.flush();
    w.state.server.draft = null;
    w.saver.restart(ONE);
    w.change({ ...ONE, vars: { a: 1 } });
    await w.saver.flush();
    expect(w.server.draft?.definition.vars).toEqual({ a: 1 });
  });
});
