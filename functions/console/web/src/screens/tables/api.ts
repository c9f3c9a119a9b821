/** The calls about data tables, and what they answer. */
import { request } from '@/api/client';

export interface TableRow {
  key: string;
  value: unknown;
  version: number;
  updated_at: string;
  expires_at: string | null;
}

export interface RowPage {
  items: TableRow[];
  next_cursor: string | null;
}

export interface Imported {
  created: number;
  updated: number;
  unchanged: number;
  problems: { line: number; key: string | null; code: string; message: string }[];
}

function lifeOf(row: TableRow | null): { expires_seconds?: number } {
  if (!row?.expires_at) return {};
  return { expires_seconds: Math.max(1, Math.round((Date.parse(row.expires_at) - Date.now()) / 1000)) };
}

const path = (table: string) => `/api/data-tables/${encodeURIComponent(table)}`;

export const calls = {
  tables: () => request<{ items: { name: string }[] }>('GET', '/api/data-tables'),
  rows: (table: string, prefix: string, cursor: string | undefined) =>
    request<RowPage>('GET', `${path(table)}/rows`, { query: { prefix: prefix || undefined, limit: 100, cursor } }),
  /** `seen` is the row that was looked at; null where there must be none yet. It goes on to expire when it would have. */
  put: (table: string, key: string, value: unknown, seen: TableRow | null) =>
    request<TableRow>('PUT', `${path(table)}/rows`, {
      query: { key },
      body: { value, ...lifeOf(seen) },
      headers: seen === null ? { 'if-none-match': '*' } : { 'if-match': `"${seen.version}"` },
    }),
  /** Put back a row that was deleted, unless there is another by now. */
  restore: (table: string, row: TableRow) =>
    request<TableRow>('PUT', `${path(table)}/rows`, { query: { key: row.key }, body: { value: row.value, ...lifeOf(row) }, headers: { 'if-none-match': '*' } }),
  removeRow: (table: string, row: TableRow) => request<unknown>('DELETE', `${path(table)}/rows`, { query: { key: row.key }, headers: { 'if-match': `"${row.version}"` } }),
  removeTable: (table: string) => request<unknown>('DELETE', path(table)),
  exportCsv: (table: string) => request<string>('GET', `${path(table)}/csv`),
  importCsv: (table: string, csv: string, dryRun: boolean) => request<Imported>('POST', `${path(table)}/csv`, { body: { csv, dry_run: dryRun } }),
};
