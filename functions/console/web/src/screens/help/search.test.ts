import { expect, test } from 'vitest';
import { search } from './search';

const PAGES = [
  { id: 'nodes/http', title: 'HTTP request', group: 'Node types', markdown: '* Ports: `main`\n\nCalls an address, with **retries**.' },
  { id: 'errors', title: 'Error codes', group: 'Errors', markdown: '| `http_status` | The answer was no success. |' },
  { id: 'limits', title: 'Limits', group: 'Limits', markdown: 'At most 100 items.' },
];

test('a page whose title has the word comes first', () => {
  expect(search(PAGES, 'http').map(({ page }) => page.id)).toEqual(['nodes/http', 'errors']);
});

test('all words have to be there, in any case and place', () => {
  expect(search(PAGES, 'HTTP retries').map(({ page }) => page.id)).toEqual(['nodes/http']);
  expect(search(PAGES, 'http limits')).toEqual([]);
});

test('a hit tells the line, without its marks', () => {
  expect(search(PAGES, 'success')[0]?.line).toBe('http_status The answer was no success.');
});

test('nothing typed is every page', () => {
  expect(search(PAGES, '  ')).toHaveLength(3);
});
