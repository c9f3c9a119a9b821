/** What was typed into cells and is not saved yet: kept in this browser, so that a closed tab or a crash does not lose it. */
import { keep, readKept } from '@/app/kept';

export interface KeptEdit {
  key: string;
  column: string;
  text: string;
}

const nameOf = (table: string) => `table.${table}`;

function isEdit(one: unknown): one is KeptEdit {
  const { key, column, text } = (one ?? {}) as Partial<Record<keyof KeptEdit, unknown>>;
  return [key, column, text].every((part) => typeof part === 'string');
}

export function keptEdits(table: string): KeptEdit[] {
  const kept = readKept(nameOf(table));
  return Array.isArray(kept) ? kept.filter(isEdit) : [];
}

/** Read anew each time, as other tabs keep theirs in the same place. */
function change(table: string, key: string, column: string, edit: KeptEdit | null): void {
  const others = keptEdits(table).filter((one) => one.key !== key || one.column !== column);
  const all = edit ? [...others, edit] : others;
  keep(nameOf(table), all.length > 0 ? all : null);
}

export function keepEdit(table: string, edit: KeptEdit): void {
  change(table, edit.key, edit.column, edit);
}

/** It is saved, or given up; with a text only if nothing else was typed there meanwhile. */
export function forgetEdit(table: string, key: string, column: string, text?: string): void {
  const kept = keptEdits(table).find((one) => one.key === key && one.column === column);
  if (kept && (text === undefined || kept.text === text)) change(table, key, column, null);
}
