import { expect, test } from 'vitest';
import { canHold, cellOf, columnsOf, hasCell, textOf, withCells } from './cells';

test('columns are those of all rows', () => {
  expect(columnsOf([{ value: { a: 1 } }, { value: { b: 2, a: 3 } }, { value: 17 }])).toEqual(['a', 'b', 'value']);
  expect(cellOf(17, 'value')).toBe(17);
  expect(cellOf({ a: 1 }, 'b')).toBeUndefined();
});

test('a text stays a text, a number a number, and what is not touched stays as it is', () => {
  const value = { name: 'Ada', age: 36, tags: ['a'], zip: '01234' };
  expect(withCells(value, { name: 'Grace', age: '37', tags: '["a"]', zip: '04567' })).toEqual({ name: 'Grace', age: 37, tags: ['a'], zip: '04567' });
  expect(withCells(value, { age: '' })).toEqual({ name: 'Ada', tags: ['a'], zip: '01234' });
});

test('a new row takes what is typed as what it looks like', () => {
  expect(withCells(undefined, { n: '1', ok: 'true', text: 'x', empty: '' })).toEqual({ n: 1, ok: true, text: 'x' });
});

test('a value that is no object stays none', () => {
  expect(withCells(17, { value: '18' })).toBe(18);
  expect(textOf(undefined)).toBe('');
});

test('typing the same once more changes nothing, so that an edit can be saved over what came before it', () => {
  const once = withCells({ a: 'x' }, { n: '1' });
  expect(withCells(once, { n: '1' })).toEqual({ a: 'x', n: 1 });
});

test('in the place of a list only JSON fits; a text is what it is', () => {
  expect([canHold('[1', ['a']), canHold('[1]', ['a']), canHold('', ['a']), canHold('[1', 'text'), canHold('x', 3)]).toEqual([false, true, true, true, true]);
});

test('a value that is no object has one cell', () => {
  expect([hasCell(17, 'value'), hasCell(17, 'a'), hasCell({ a: 1 }, 'b')]).toEqual([true, false, true]);
});
