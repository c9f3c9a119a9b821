/** JSON while it is written: the value changes with each text that is JSON; one that is not yet is kept as it is. */

import { useState, type ReactNode } from 'react';

import { keep, readKept } from '@/app/kept';

export interface JsonTextProps {
  value: unknown;
  onChange: (value: unknown) => void;
  /** By which name a text that is no JSON yet outlives the tab. */
  keptAs?: string;
  children: (text: string, setText: (text: string) => void) => ReactNode;
}

function written(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}

interface Unfinished {
  text: string;
  /** The value that was there meanwhile. */
  of: string;
}

/** What was kept of a text that is no JSON yet, unless the value has changed since. */
function unfinished(keptAs: string | undefined, now: string): string | null {
  const kept = keptAs === undefined ? null : (readKept(keptAs) as Partial<Unfinished> | null);
  return kept?.of === now && typeof kept.text === 'string' ? kept.text : null;
}

export function JsonText({ value, onChange, keptAs, children }: JsonTextProps) {
  const now = written(value);
  const [text, setText] = useState(() => unfinished(keptAs, now) ?? now);
  const [told, setTold] = useState(now);
  const keepText = (kept: Unfinished | null) => {
    if (keptAs !== undefined) keep(keptAs, kept);
  };
  if (now !== told) {
    // It has changed elsewhere, such as by undo.
    setTold(now);
    setText(now);
  }
  const change = (next: string) => {
    setText(next);
    if (next.trim() === '') {
      keepText(null);
      setTold('');
      onChange(undefined);
      return;
    }
    try {
      const parsed: unknown = JSON.parse(next);
      keepText(null);
      setTold(written(parsed));
      onChange(parsed);
    } catch {
      keepText({ text: next, of: now }); // it is not finished
    }
  };
  return children(text, change);
}
