/**
 * What somebody types into a form, until it is saved or given up. It is kept in this browser (`kept.ts`), so that a closed tab,
 * a crash and a session that has ended do not lose it. Secrets are never kept: the browser asks before it closes the tab.
 */
import { useEffect, useRef, useState } from 'react';
import { keep, readKept } from './kept';

/** How what is typed into a form is kept; a `Dialog` tells it. */
export interface Keeping {
  /** Nothing is lost by closing the tab now. */
  isKept: boolean;
  /** The form began with what was typed the last time. */
  isBroughtBack: boolean;
  /** It is saved, or given up. */
  forget: () => void;
}

export interface Typed<T> extends Omit<Keeping, 'forget'> {
  value: T;
  set: (next: T) => void;
  change: (part: Partial<T>) => void;
  /** With what is saved now. */
  forget: (now?: T) => void;
}

/** Only what differs from what is saved is kept: nobody undoes by it what somebody else has changed meanwhile. */
interface Changes {
  set: Record<string, unknown>;
  gone: string[];
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function changesOf(saved: object, now: object, secret: readonly string[]): Changes | null {
  const before = new Map<string, unknown>(Object.entries(saved));
  const set = Object.entries(now).filter(([key, value]) => !secret.includes(key) && !isSame(before.get(key), value));
  const gone = Object.keys(saved).filter((key) => !(key in now) && !secret.includes(key));
  return set.length + gone.length > 0 ? { set: Object.fromEntries(set), gone } : null;
}

function isOfOneKind(one: unknown, other: unknown): boolean {
  return typeof one === typeof other && Array.isArray(one) === Array.isArray(other);
}

/** What is saved with the kept changes; those that do not fit, such as of an older form, are left out. */
function withChanges<T extends object>(saved: T, kept: unknown): T {
  const { set, gone } = (kept ?? {}) as Partial<Changes>;
  const before = new Map<string, unknown>(Object.entries(saved));
  const fitting = Object.entries(set ?? {}).filter(([key, value]) => !before.has(key) || isOfOneKind(before.get(key), value));
  const left = [...before].filter(([key]) => !gone?.includes(key));
  return Object.fromEntries([...left, ...fitting]) as T;
}

/**
 * As `useState` of the fields of a form.
 *
 * @param name by which they are kept; another form needs another one, and a React key.
 * @param saved the fields as they are saved, or empty.
 * @param secret those that are not kept.
 */
export function useTyped<T extends object>(name: string, saved: T, secret: readonly (keyof T & string)[] = []): Typed<T> {
  const [kept] = useState(() => readKept(name));
  const [value, setValue] = useState(() => withChanges(saved, kept));
  const [isBroughtBack, setBroughtBack] = useState(() => !isSame(value, saved));
  const [isKept, setKept] = useState(true);
  const mine = useRef(kept);
  const set = (next: T) => {
    setValue(next);
    mine.current = changesOf(saved, next, secret);
    const isSafe = secret.every((key) => isSame(next[key], saved[key]));
    setKept(keep(name, mine.current) && isSafe);
  };
  const forget = (now: T = saved) => {
    // In another tab, something else may have been typed into the same form.
    if (isSame(readKept(name), mine.current)) keep(name, null);
    setValue(now);
    setKept(true);
    setBroughtBack(false);
  };
  return { value, set, change: (part) => set({ ...value, ...part }), isKept, isBroughtBack, forget };
}

/** One form of several parts. */
export function together(...parts: readonly Keeping[]): Keeping {
  return {
    isKept: parts.every((one) => one.isKept),
    isBroughtBack: parts.some((one) => one.isBroughtBack),
    forget: () => {
      for (const one of parts) one.forget();
    },
  };
}

/** While it is so, the browser asks before it closes the tab. */
export function useLeaveQuestion(isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return undefined;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isOn]);
}
