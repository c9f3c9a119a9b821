import { expect, test } from 'vitest';
import type { TableRow } from './api';
import { withRow } from './pages';

const row = (key: string, value: unknown, version = 1): TableRow => ({ key, value, version, updated_at: '2026-11-02T00:00:00Z', expires_at: null });

test('a row is changed, or taken out, on whatever page it is', () => {
  const pages = { pageParams: [undefined, 'c'], pages: [{ items: [row('a', 1)], next_cursor: 'c' }, { items: [row('b', 2)], next_cursor: null }] };
  expect(withRow(pages, 'b', row('b', 3, 2)).pages.flatMap(({ items }) => items.map(({ value }) => value))).toEqual([1, 3]);
  expect(withRow(pages, 'a', null).pages.map(({ items }) => items.length)).toEqual([0, 1]);
  expect(pages.pages[0]?.items).toHaveLength(1);
});
