/** Rows as cells that people read and type in. Pure. */
import { omit } from '@/editor/omit';

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The columns of all rows; `value` where a row's value is no object. Fields are kept in no order, so they have that of words. */
export function columnsOf(rows: readonly { value: unknown }[]): string[] {
  const columns = new Set(rows.flatMap(({ value }) => (isFields(value) ? Object.keys(value) : ['value'])));
  return [...columns].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
}

/** What a cell shows. */
export function cellOf(value: unknown, column: string): unknown {
  if (isFields(value)) return value[column];
  return column === 'value' ? value : undefined;
}

export function textOf(cell: unknown): string {
  if (cell === undefined) return '';
  return typeof cell === 'string' ? cell : JSON.stringify(cell);
}

/** What was typed, as the kind of value that it looks like, or that the cell had before: a text stays one. */
export function typed(text: string, before: unknown): unknown {
  if (typeof before === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The value with one cell as it was, whatever it was. */
export function withCell(value: unknown, column: string, cell: unknown): unknown {
  if (!isFields(value)) return cell;
  return cell === undefined ? omit(value, column) : { ...value, [column]: cell };
}

/** Whether a row has a place for a column: a row whose value is no object has only that value. */
export function hasCell(value: unknown, column: string): boolean {
  return isFields(value) || column === 'value';
}

/** Whether a text can be what a cell holds: in the place of a list or an object it has to be JSON. */
export function canHold(text: string, before: unknown): boolean {
  if (text === '' || typeof before !== 'object' || before === null) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The row's value with the cells that were typed; emptied cells are taken away. */
export function withCells(value: unknown, texts: Readonly<Record<string, string>>): unknown {
  const before = isFields(value) ? value : {};
  if (!isFields(value) && value !== undefined && Object.keys(texts).join() === 'value') return typed(texts.value ?? '', value);
  const entries = Object.entries(texts).flatMap(([column, text]): [string, unknown][] => {
    const was = before[column];
    if (text === textOf(was)) return was === undefined ? [] : [[column, was]];
    return text === '' && typeof was !== 'string' ? [] : [[column, typed(text, was)]];
  });
  const untouched = Object.entries(before).filter(([column]) => !(column in texts));
  return Object.fromEntries([...untouched, ...entries]);
}
