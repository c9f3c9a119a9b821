/** What schemas say is English: each text of a field or a type has a German one, and none is left over. */
import { expect, test } from 'vitest';
import { hasIcon } from '@/editor/icons';
import { describe, type Field } from '@/form/describe';
import { SCHEMAS, TYPES } from '@/form/everyType';
import german from './schema/de.json';

function* texts(fields: readonly Field[]): Generator<string> {
  for (const field of fields) {
    yield* [field.label, field.description, ...field.options.map(({ label }) => label)].filter(Boolean);
    yield* texts([...(field.fields ?? []), ...(field.item ? [field.item] : []), ...(field.variants ?? [])]);
  }
}

const written = new Set([
  ...SCHEMAS.flatMap(([, schema]) => [...texts(describe(schema))]),
  ...TYPES.flatMap(({ title, description, group }) => [title, description.split('\n')[0] ?? '', group]),
]);

test('each text of a schema has a German one', () => {
  expect(written.size).toBeGreaterThan(500);
  expect([...written].filter((text) => !(text in german)).sort()).toEqual([]);
});

test('no German text is left over', () => {
  expect(Object.keys(german).filter((text) => !written.has(text))).toEqual([]);
});

test('there is an icon for every type', () => {
  expect(TYPES.map(({ icon }) => icon).filter((icon) => !hasIcon(icon))).toEqual([]);
});
