/** Edits of single cells: shown at once, saved one after another for each row, never over what somebody else wrote. */
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useRef, useState } from 'react';
import { ApiError } from '@/api/client';
import { messageOf } from '@/api/errors';
import { calls, type TableRow } from './api';
import { cellOf, textOf, withCell, withCells } from './cells';
import { forgetEdit, keepEdit, keptEdits } from './keptEdits';
import { withRow, type Pages } from './pages';

/** What was typed and is not saved, with the row that is there instead; `row` is null where it is gone. */
export interface Unsaved {
  key: string;
  column: string;
  text: string;
  row: TableRow | null;
  /** Why, where it is no conflict. */
  message?: string;
  /** It was typed before the page was loaded, and the tab was closed before it was saved. */
  isBroughtBack?: boolean;
}

function conflictOf(error: unknown): { row: TableRow | null } | null {
  if (!(error instanceof ApiError) || error.status !== 412) return null;
  return { row: (error.details as { row?: TableRow | null } | null)?.row ?? null };
}

export interface RowEdits {
  unsaved: readonly Unsaved[];
  edit: (row: TableRow, column: string, text: string) => void;
  /** Keep what is being typed; null where it is given up. */
  type: (row: TableRow, column: string, text: string | null) => void;
  /** Write what was typed over what is there now, or over nothing. */
  insist: (one: Unsaved) => void;
  forget: (one: Unsaved) => void;
}

/** The edits of the rows that a query shows. */
export function useRowEdits(table: string, queryKey: readonly unknown[]): RowEdits {
  const client = useQueryClient();
  const [unsaved, setUnsaved] = useState<readonly Unsaved[]>(() => keptEdits(table).map((one) => ({ ...one, row: null, isBroughtBack: true })));
  const waiting = useRef(new Map<string, Promise<void>>());
  const shownRow = useCallback(
    (key: string) => client.getQueryData<Pages>(queryKey)?.pages.flatMap(({ items }) => items).find((one) => one.key === key),
    [client, queryKey],
  );
  const show = useCallback(
    (key: string, row: TableRow | null) => client.setQueryData<Pages>(queryKey, (pages) => pages && withRow(pages, key, row)),
    [client, queryKey],
  );

  const save = useCallback(
    async (before: TableRow, column: string, text: string, isLast: () => boolean) => {
      const row = shownRow(before.key) ?? before;
      const value = withCells(row.value, { [column]: text });
      try {
        const saved = await calls.put(table, row.key, value, row);
        // What was typed meanwhile is shown already; it is saved next, over this version.
        show(row.key, isLast() ? saved : { ...saved, value: (shownRow(row.key) ?? saved).value });
        forgetEdit(table, row.key, column, text);
      } catch (error) {
        const conflict = conflictOf(error);
        const shown = shownRow(row.key) ?? row;
        show(row.key, conflict ? conflict.row : { ...shown, value: withCell(shown.value, column, cellOf(before.value, column)) });
        setUnsaved((all) => [
          ...all.filter((one) => one.key !== row.key || one.column !== column),
          { key: row.key, column, text, row: conflict ? conflict.row : row, ...(conflict ? {} : { message: messageOf(error) }) },
        ]);
      }
    },
    [table, show, shownRow],
  );

  const edit = useCallback(
    (row: TableRow, column: string, text: string) => {
      keepEdit(table, { key: row.key, column, text });
      void client.cancelQueries({ queryKey });
      const now = shownRow(row.key) ?? row;
      show(row.key, { ...now, value: withCells(now.value, { [column]: text }) });
      const before = waiting.current.get(row.key) ?? Promise.resolve();
      const mine: Promise<void> = before.then(() => save(now, column, text, () => waiting.current.get(row.key) === mine));
      waiting.current.set(row.key, mine);
    },
    [client, queryKey, save, show, shownRow, table],
  );

  const type = useCallback(
    ({ key }: TableRow, column: string, text: string | null) => (text === null ? forgetEdit(table, key, column) : keepEdit(table, { key, column, text })),
    [table],
  );

  const drop = useCallback((gone: Unsaved) => setUnsaved((all) => all.filter((one) => one !== gone)), []);
  const forget = useCallback(
    (gone: Unsaved) => {
      forgetEdit(table, gone.key, gone.column, gone.text);
      drop(gone);
    },
    [drop, table],
  );

  const insist = useCallback(
    (one: Unsaved) => {
      drop(one);
      const row = shownRow(one.key) ?? one.row;
      if (row) {
        edit(row, one.column, one.text);
        return;
      }
      calls.put(table, one.key, withCells(undefined, { [one.column]: one.text }), null).then(
        () => {
          forgetEdit(table, one.key, one.column, one.text);
          return client.invalidateQueries({ queryKey: ['tables', table] });
        },
        (error: unknown) => {
          const conflict = conflictOf(error);
          setUnsaved((all) => [...all, { key: one.key, column: one.column, text: one.text, row: conflict?.row ?? null, ...(conflict ? {} : { message: messageOf(error) }) }]);
        },
      );
    },
    [client, edit, drop, shownRow, table],
  );

  // The answer may have been lost with the tab, not the edit.
  const isThere = ({ key, column, text, isBroughtBack }: Unsaved) => isBroughtBack === true && textOf(cellOf(shownRow(key)?.value, column)) === text;
  return { unsaved: unsaved.filter((one) => !isThere(one)), edit, type, insist, forget };
}
