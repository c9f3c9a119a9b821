/** The pages of a table that were read. Pure. */
import type { InfiniteData } from '@tanstack/react-query';
import type { RowPage, TableRow } from './api';

export type Pages = InfiniteData<RowPage, string | undefined>;

/** The pages with a row put in the place of that of its key, or taken out. Pure. */
export function withRow(pages: Pages, key: string, row: TableRow | null): Pages {
  const changed = (items: TableRow[]) => (row ? items.map((one) => (one.key === key ? row : one)) : items.filter((one) => one.key !== key));
  return { ...pages, pages: pages.pages.map((page) => ({ ...page, items: changed(page.items) })) };
}
