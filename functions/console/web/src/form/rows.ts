/** The rows of a map while they are edited: two keys may be equal or empty for a moment, which an object cannot hold. */

import { useState } from 'react';

export interface Row {
  id: number;
  key: string;
  value: unknown;
}

let lastId = 0;

function rowsOf(values: Readonly<Record<string, unknown>>, before: readonly Row[] = []): Row[] {
  return Object.entries(values).map(([key, value]) => {
    const known = before.find((row) => row.key === key);
    return { id: known?.id ?? ++lastId, key, value };
  });
}

function objectOf(rows: readonly Row[]): Record<string, unknown> {
  return Object.fromEntries(rows.filter((row) => row.key !== '').map((row) => [row.key, row.value]));
}

export interface Rows {
  rows: readonly Row[];
  setKey: (id: number, key: string) => void;
  setValue: (id: number, value: unknown) => void;
  add: (value: unknown) => void;
  remove: (id: number) => void;
}

/** Rows over an object. What comes from outside, such as by undo, replaces them. */
export function useRows(values: Readonly<Record<string, unknown>>, onChange: (values: Record<string, unknown>) => void): Rows {
  const [rows, setRows] = useState<readonly Row[]>(() => rowsOf(values));
  const now = JSON.stringify(values);
  const [told, setTold] = useState(now);
  if (now !== told) {
    setTold(now);
    setRows(rowsOf(values, rows));
  }
  const change = (next: readonly Row[]) => {
    const made = objectOf(next);
    setRows(next);
    setTold(JSON.stringify(made));
    onChange(made);
  };
  return {
    rows,
    setKey: (id, key) => change(rows.map((row) => (row.id === id ? { ...row, key } : row))),
    setValue: (id, value) => change(rows.map((row) => (row.id === id ? { ...row, value } : row))),
    add: (value) => setRows([...rows, { id: ++lastId, key: '', value }]),
    remove: (id) => change(rows.filter((row) => row.id !== id)),
  };
}
