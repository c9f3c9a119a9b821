/** JSON while it is written: the value changes with each text that is JSON; one that is not yet is kept as it is. */

import { useState, type ReactNode } from 'react';

export interface JsonTextProps {
  value: unknown;
  onChange: (value: unknown) => void;
  children: (text: string, setText: (text: string) => void) => ReactNode;
}

function written(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}

export function JsonText({ value, onChange, children }: JsonTextProps) {
  const now = written(value);
  const [text, setText] = useState(now);
  const [told, setTold] = useState(now);
  if (now !== told) {
    // It has changed elsewhere, such as by undo.
    setTold(now);
    setText(now);
  }
  const change = (next: string) => {
    setText(next);
    if (next.trim() === '') {
      setTold('');
      onChange(undefined);
      return;
    }
    try {
      const parsed: unknown = JSON.parse(next);
      setTold(written(parsed));
      onChange(parsed);
    } catch {
      // It is not finished.
    }
  };
  return children(text, change);
}
