/** Rows as a grid: cells are changed where they stand. Arrows move, Enter or F2 edits, Escape leaves it, Tab goes on. */
import { Trash2 } from 'lucide-react';
import { useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useCan } from '@/app/can';
import { t } from '@/app/i18n';
import { cx, IconButton, Time } from '@/ui';
import type { TableRow } from './api';
import { canHold, cellOf, hasCell, textOf } from './cells';

/** A place in the grid; column -1 is the key, and the one behind the last takes the row away. */
interface Place {
  row: number;
  column: number;
}

interface Editing extends Place {
  text: string;
}

export interface RowGridProps {
  rows: readonly TableRow[];
  columns: readonly string[];
  onEdit: (row: TableRow, column: string, text: string) => void;
  /** Somebody is typing; null gives it up. */
  onType: (row: TableRow, column: string, text: string | null) => void;
  onOpen: (row: TableRow) => void;
  onRemove: (row: TableRow) => void;
}

const MOVES: Record<string, Place> = {
  ArrowUp: { row: -1, column: 0 },
  ArrowDown: { row: 1, column: 0 },
  ArrowLeft: { row: 0, column: -1 },
  ArrowRight: { row: 0, column: 1 },
};

export function RowGrid({ rows, columns, onEdit, onType, onOpen, onRemove }: RowGridProps) {
  const isChangeable = useCan('edit');
  const grid = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState<Place>({ row: 0, column: -1 });
  const [editing, setEditing] = useState<Editing | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  // An input that is taken away loses the focus, which is no reason to take what was given up.
  const isOver = useRef(false);
  /** The cell that gets the focus. */
  const wanted = useRef<string | null>(null);
  // Fewer rows may be there than before.
  const active = { row: Math.min(at.row, rows.length - 1), column: Math.min(at.column, columns.length) };

  const go = (place: Place) => {
    const row = Math.max(0, Math.min(rows.length - 1, place.row));
    const column = Math.max(-1, Math.min(columns.length, place.column));
    setAt({ row, column });
    wanted.current = `${row}:${column}`;
  };
  // The cell may have an input in it until it is drawn anew.
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    grid.current?.querySelector<HTMLElement>(`[data-cell="${wanted.current}"]`)?.focus();
    wanted.current = null;
  });
  const begin = (place: Place, text?: string) => {
    const row = rows[place.row];
    const column = columns[place.column];
    if (!isChangeable || !row || column === undefined || !hasCell(row.value, column)) return;
    setAt(place);
    setProblem(null);
    isOver.current = false;
    setEditing({ ...place, text: text ?? textOf(cellOf(row.value, column)) });
  };
  const type = (text: string | null) => {
    const row = editing && rows[editing.row];
    const column = editing && columns[editing.column];
    if (row && column !== undefined && column !== null) onType(row, column, text);
  };
  /** Takes what was typed; says whether it could be. */
  const commit = (): boolean => {
    if (!editing || isOver.current) return true;
    const row = rows[editing.row];
    const column = columns[editing.column];
    if (row && column !== undefined && editing.text !== textOf(cellOf(row.value, column))) {
      if (!canHold(editing.text, cellOf(row.value, column))) {
        setProblem(t('This is no JSON yet.'));
        return false;
      }
      onEdit(row, column, editing.text);
    } else type(null);
    isOver.current = true;
    setEditing(null);
    return true;
  };

  const inEditor = (event: KeyboardEvent) => {
    if (!editing || event.nativeEvent.isComposing) return;
    const leave = (place: Place) => {
      event.preventDefault();
      if (commit()) go(place);
    };
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) leave(editing);
    else if (event.key === 'Tab') leave({ row: editing.row, column: editing.column + (event.shiftKey ? -1 : 1) });
    else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      isOver.current = true;
      type(null);
      setEditing(null);
      go(editing);
    }
  };
  const inGrid = (event: KeyboardEvent) => {
    const move = MOVES[event.key];
    const isCell = active.column >= 0 && active.column < columns.length;
    if (move) go({ row: active.row + move.row, column: active.column + move.column });
    else if (event.key === 'Home') go({ row: active.row, column: -1 });
    else if (event.key === 'End') go({ row: active.row, column: columns.length - 1 });
    else if (isCell && (event.key === 'Enter' || event.key === 'F2')) begin(active);
    else if (isCell && event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey) begin(active, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const focusable = (row: number, column: number) => ({
    'data-cell': `${row}:${column}`,
    tabIndex: active.row === row && active.column === column ? 0 : -1,
    onFocus: () => setAt({ row, column }),
  });

  return (
    <div className="relative overflow-x-auto rounded-lg border border-line bg-card">
      <table ref={grid} role="grid" aria-label={t('Rows')} className="w-full border-collapse text-left" onKeyDown={editing ? inEditor : inGrid}>
        <thead>
          <tr className="border-b border-line text-sm text-muted">
            {[t('Key'), ...columns].map((name, index) => (
              <th key={`${index} ${name}`} scope="col" className={cx('px-3 py-2 font-medium whitespace-nowrap', index === 0 && 'sticky left-0 bg-card')}>
                {name}
              </th>
            ))}
            <th scope="col" className="px-3 py-2 font-medium whitespace-nowrap max-md:hidden">
              {t('Changed')}
            </th>
            <th scope="col">
              <span className="sr-only">{t('Delete')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={row.key} className="border-b border-line last:border-0">
              <th scope="row" className="sticky left-0 max-w-44 bg-card px-3 py-1.5 font-normal">
                <button type="button" className="block max-w-full truncate rounded text-left font-mono text-sm hover:underline" title={row.key} onClick={() => onOpen(row)} {...focusable(index, -1)}>
                  {row.key}
                </button>
              </th>
              {columns.map((column, place) =>
                editing?.row === index && editing.column === place ? (
                  <td key={column} className="p-0 align-top">
                    <CellInput
                      label={t('{column} of {key}', { column, key: row.key })}
                      text={editing.text}
                      problem={problem}
                      onChange={(text) => {
                        type(text);
                        setEditing({ ...editing, text });
                      }}
                      onBlur={commit}
                    />
                  </td>
                ) : (
                  <Cell key={column} row={row} column={column} onBegin={() => begin({ row: index, column: place })} {...focusable(index, place)} />
                ),
              )}
              <td className="px-3 py-1.5 text-sm text-muted max-md:hidden">
                <Time at={row.updated_at} />
              </td>
              <td className="w-10 px-1">
                <IconButton needs="edit" icon={Trash2} size="sm" label={t('Delete {name}', { name: row.key })} onClick={() => onRemove(row)} {...focusable(index, columns.length)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellProps {
  row: TableRow;
  column: string;
  onBegin: () => void;
  'data-cell': string;
  tabIndex: number;
  onFocus: () => void;
}

function Cell({ row, column, onBegin, ...focusable }: CellProps) {
  const value = cellOf(row.value, column);
  const text = textOf(value);
  const isOpen = hasCell(row.value, column);
  return (
    <td
      className={cx('max-w-64 min-w-24 px-3 py-1.5 outline-offset-[-2px]', isOpen ? 'cursor-text hover:bg-hover' : 'bg-page', typeof value === 'number' && 'tabular-nums')}
      aria-readonly={!isOpen}
      onClick={onBegin}
      {...focusable}
    >
      <span className="block min-h-5 truncate" title={text.length > 30 ? text : undefined}>
        {text}
      </span>
    </td>
  );
}

interface CellInputProps {
  label: string;
  text: string;
  problem: string | null;
  onChange: (text: string) => void;
  onBlur: () => void;
}

function CellInput({ label, text, problem, onChange, onBlur }: CellInputProps) {
  return (
    <>
      <textarea
        autoFocus
        rows={1}
        aria-label={label}
        aria-invalid={problem !== null}
        value={text}
        className="block field-sizing-content max-h-40 w-full min-w-24 resize-none bg-card px-3 py-1.5 outline-2 outline-offset-[-2px] outline-accent"
        onFocus={(event) => event.target.setSelectionRange(text.length, text.length)}
        onChange={(event) => onChange(event.target.value)}
        onBlur={onBlur}
      />
      {problem && (
        <p role="alert" className="px-3 pb-1.5 text-sm text-bad">
          {problem}
        </p>
      )}
    </>
  );
}
