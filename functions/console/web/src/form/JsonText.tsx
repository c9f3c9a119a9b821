/** JSON while it is written: the value changes with each text that is JSON; one that is not yet is kept as it is. */

import { useRef, useState, type ReactNode } from 'react';

export interface JsonTextProps {
  value: unknown;
  onChange: (value: unknown) => void;
  children: (text: string, setText: (text: string) => void) => ReactNode;
}

function written(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}

export function JsonText({ value, onChange, children }: JsonTextProps) {
  const [text, setText] = useState(() => written(value));
  const told = useRef(written(value));
  const now = written(value);
  if (now !== told.current) {
    // It has changed elsewhere, such as by undo.
    told.current = now;
    setText(now);
  }
  const change = (next: string) => {
    setText(next);
    if (next.trim() === '') {
      told.current = '';
      onChange(undefined);
      return;
    }
    try {
      const parsed: unknown = JSON.parse(next);
      told.current = written(parsed);
      onChange(parsed);
    } catch {
      // It is not finished.
    }
  };
  return children(text, change);
}
