/**
 * Saves each change to the draft one second after the last one, and keeps it in this browser until that has happened.
 *
 * What was typed is in the browser's storage before this returns, so it survives a closed tab, a crash, an expired
 * session and a server that cannot be reached. Saves go one after another. Where another tab has saved meanwhile, the
 * changes of both are brought together; where both changed the same thing, the person decides.
 */

import { equal } from './compare';
import { merge, type Conflict, type Side } from './merge';
import type { Definition } from './types';

export type SaveState = 'saved' | 'unsaved' | 'saving' | 'retrying' | 'conflict' | 'refused';

export interface Backup {
  definition: Definition;
  /** What was saved when these changes began. */
  saved: Definition;
  etag: string | null;
}

export interface SaveConflict {
  conflicts: Conflict[];
  base: Definition;
  mine: Definition;
  theirs: Definition;
  etag: string | null;
}

export interface Ports {
  /** Saves over what has this ETag. */
  put(definition: Definition, etag: string | null): Promise<{ etag: string }>;
  /** What is saved now; null where there is no draft. */
  get(): Promise<{ definition: Definition; etag: string } | null>;
  /** Keeps or, with null, forgets what is not saved yet. */
  backup(backup: Backup | null): void;
  /** Whether an error says that another tab has saved. */
  isConflict(error: unknown): boolean;
  /** Whether it makes sense to try the same again. */
  isTemporary(error: unknown): boolean;
  later(run: () => void, ms: number): () => void;
  onState(state: SaveState, error?: unknown): void;
  /** The document becomes this, since another tab's changes have come into it. */
  onMerged(definition: Definition): void;
  onConflict(conflict: SaveConflict): void;
}

const AFTER_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

export interface Autosave {
  /** Something has changed. */
  changed(definition: Definition): void;
  /** Save now what is not saved; resolves when all is, rejects where it cannot be. */
  flush(): Promise<void>;
  /** Go on after a conflict, with these choices. */
  resolve(conflict: SaveConflict, choices: Readonly<Record<string, Side>>): Promise<void>;
  /** This was saved elsewhere, with this ETag. */
  saved(definition: Definition, etag: string): void;
  /** The draft is gone: it was published, or thrown away. The next change begins a new one. */
  restart(saved: Definition): void;
  etag(): string | null;
  stop(): void;
}

export function autosave(ports: Ports, begin: { saved: Definition; etag: string | null }): Autosave {
  let { saved, etag } = begin;
  let current = saved;
  let running: Promise<void> | null = null;
  let cancel: (() => void) | null = null;
  let failures = 0;
  let isBlocked = false;

  const isSaved = () => equal(current, saved);

  function schedule(ms: number): void {
    cancel?.();
    cancel = ports.later(() => {
      cancel = null;
      save().catch(() => undefined); // its state has told it
    }, ms);
  }

  async function save(): Promise<void> {
    if (running) await running.catch(() => undefined);
    if (isBlocked) throw new Error('a conflict is open');
    if (isSaved()) {
      ports.backup(null);
      ports.onState('saved');
      return;
    }
    running = attempt(current).finally(() => {
      running = null;
    });
    await running;
    if (!isSaved()) schedule(AFTER_MS);
  }

  async function attempt(definition: Definition): Promise<void> {
    ports.onState('saving');
    try {
      ({ etag } = await ports.put(definition, etag));
    } catch (error) {
      if (ports.isConflict(error)) return bringTogether();
      if (ports.isTemporary(error)) {
        failures += 1;
        ports.onState('retrying', error);
        schedule(Math.min(MAX_PAUSE_MS, AFTER_MS * 2 ** failures));
      } else ports.onState('refused', error);
      throw error;
    }
    failures = 0;
    saved = definition;
    keep();
    ports.onState(isSaved() ? 'saved' : 'unsaved');
  }

  /** Another tab has saved: what only one has changed goes in, the rest is asked. */
  async function bringTogether(): Promise<void> {
    const theirs = await ports.get();
    const found = { definition: theirs?.definition ?? saved, etag: theirs?.etag ?? null };
    const { definition, conflicts } = merge(saved, current, found.definition);
    if (conflicts.length > 0) {
      isBlocked = true;
      ports.onState('conflict');
      ports.onConflict({ conflicts, base: saved, mine: current, theirs: found.definition, etag: found.etag });
      return;
    }
    adopt(found.definition, found.etag, definition);
    await attempt(definition);
  }

  function adopt(theirs: Definition, theirEtag: string | null, merged: Definition): void {
    saved = theirs;
    etag = theirEtag;
    current = merged;
    keep();
    ports.onMerged(merged);
  }

  function keep(): void {
    ports.backup(isSaved() ? null : { definition: current, saved, etag });
  }

  return {
    changed(definition) {
      if (definition === current) return;
      current = definition;
      keep();
      if (isBlocked) return;
      if (isSaved()) {
        if (!running) ports.onState('saved');
        return;
      }
      ports.onState('unsaved');
      schedule(AFTER_MS);
    },
    async flush() {
      cancel?.();
      cancel = null;
      while (!isSaved()) await save();
    },
    async resolve(conflict, choices) {
      const { definition } = merge(conflict.base, current, conflict.theirs, choices);
      isBlocked = false;
      adopt(conflict.theirs, conflict.etag, definition);
      await save();
    },
    saved(definition, savedEtag) {
      cancel?.();
      cancel = null;
      saved = definition;
      etag = savedEtag;
      current = definition;
      keep();
      ports.onState('saved');
    },
    restart(now) {
      cancel?.();
      cancel = null;
      const isUnchanged = isSaved();
      saved = now;
      etag = null;
      if (isUnchanged) current = now;
      keep();
      if (!isSaved()) schedule(AFTER_MS);
    },
    etag: () => etag,
    stop() {
      cancel?.();
      cancel = null;
    },
  };
}

export interface Beginning {
  definition: Definition;
  /** What `autosave` begins from. */
  from: { saved: Definition; etag: string | null };
  isRecovered: boolean;
}

/**
 * What to begin with: the draft as it is saved, or what this browser kept that was not saved.
 *
 * The latter goes on from where it was. Where something was saved since, by another tab or a last request of this one,
 * its first save finds that out and brings both together.
 */
export function beginning(saved: { definition: Definition; etag: string | null }, backup: Backup | null): Beginning {
  if (!backup || equal(backup.definition, saved.definition)) {
    return { definition: saved.definition, from: { saved: saved.definition, etag: saved.etag }, isRecovered: false };
  }
  return { definition: backup.definition, from: { saved: backup.saved, etag: backup.etag }, isRecovered: true };
}
