import { expect, test } from 'vitest';
import { crumbsOf, sizeParts } from './names';

test('a prefix is a way of folders', () => {
  expect(crumbsOf('reports/2026/')).toEqual([
    { name: 'reports', prefix: 'reports/' },
    { name: '2026', prefix: 'reports/2026/' },
  ]);
  expect(crumbsOf('')).toEqual([]);
});

test('sizes have the unit that fits', () => {
  expect(sizeParts(999)).toEqual({ value: 999, unit: 'byte' });
  expect(sizeParts(1500)).toEqual({ value: 1.5, unit: 'kilobyte' });
  expect(sizeParts(2_000_000)).toEqual({ value: 2, unit: 'megabyte' });
  expect(sizeParts(3e9)).toEqual({ value: 3, unit: 'gigabyte' });
});
