import type { ReactNode } from 'react';
import { cx } from './cx';

export interface Column<Row> {
  key: string;
  header: ReactNode;
  cell: (row: Row) => ReactNode;
  align?: 'left' | 'right';
  /** It is left out on phones. */
  hideOnPhone?: boolean;
  className?: string;
}

export interface TableProps<Row> {
  /** What is listed, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** A click on the row does what its first link or button does; the row itself is no Tab stop. */
  onRowClick?: (row: Row) => void;
}

/**
 * A table in a card. Its first column says what the row is, with a link where there is one.
 *
 * What is only for screen readers is placed absolutely: the card is what it is placed in, else it widens the page.
 */
export function Table<Row>({ label, columns, rows, rowKey, onRowClick }: TableProps<Row>) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys
    <div className="relative overflow-x-auto rounded-lg border border-line bg-card" role="region" aria-label={label} tabIndex={0}>
      <table aria-label={label} className="w-full border-collapse text-left">
        <thead>
          <tr className="border-b border-line text-sm text-muted">
            {columns.map((column) => (
              <th key={column.key} scope="col" className={cellClass(column, 'py-2 font-medium whitespace-nowrap')}>
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            // The first cell has the link, for keys.
            <tr
              key={rowKey(row)}
              className={cx('border-b border-line last:border-0', onRowClick && 'cursor-pointer hover:bg-hover')}
              onClick={(event) => {
                const target = event.target as Element;
                // What a menu or dialog of the row is clicked for bubbles here, too, though it stands elsewhere in the page.
                const isInRow = event.currentTarget.contains(target);
                if (onRowClick && isInRow && !target.closest('a,button,input,label,select')) onRowClick(row);
              }}
            >
              {columns.map((column) => (
                <td key={column.key} className={cellClass(column, 'py-2.5')}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellClass<Row>({ align, hideOnPhone, className }: Column<Row>, base: string): string {
  return cx('px-4', base, align === 'right' && 'text-right', hideOnPhone && 'max-md:hidden', className);
}
