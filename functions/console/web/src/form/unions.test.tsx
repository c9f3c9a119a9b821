// @vitest-environment jsdom
/** A choice among objects that a fixed field tells apart, such as `type`. */
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Tooltip } from 'radix-ui';
import { useState } from 'react';
import { afterEach, expect, test } from 'vitest';

import { describe, type Schema } from './describe';
import { placed } from './place';
import { SchemaForm } from './SchemaForm';

const SCHEMA: Schema = {
  $defs: {
    NoAuth: { title: 'NoAuth', type: 'object', properties: { type: { const: 'none', type: 'string' } }, required: ['type'] },
    HeaderAuth: {
      title: 'HeaderAuth',
      type: 'object',
      properties: { type: { const: 'header', type: 'string' }, header: { type: 'string', maxLength: 64 } },
      required: ['type', 'header'],
    },
  },
  properties: {
    auth: { oneOf: [{ $ref: '#/$defs/NoAuth' }, { $ref: '#/$defs/HeaderAuth' }], default: { type: 'none' } },
    note: { title: 'Note' },
    methods: { type: 'array', items: { enum: ['GET', 'POST'] }, default: ['POST'] },
  },
};
const FIELDS = describe(SCHEMA);

afterEach(cleanup);

function Form() {
  const [shown, setShown] = useState<Record<string, unknown>>({});
  return (
    <Tooltip.Provider>
      <SchemaForm fields={FIELDS} values={shown} onChange={setShown} />
      <output>{JSON.stringify(shown)}</output>
    </Tooltip.Provider>
  );
}

function values(): unknown {
  return JSON.parse(screen.getByRole('status').textContent);
}

test('the form is that of the kind which is chosen, and the kind is asked for once', async () => {
  render(<Form />);
  const kind = screen.getByLabelText('Auth: kind');
  expect(screen.queryByRole('button', { name: /^Auth: set/ })).toBeNull();
  await userEvent.selectOptions(kind, 'Header auth');
  await userEvent.type(screen.getByLabelText('Header *'), 'X-Key');
  expect(values()).toEqual({ auth: { type: 'header', header: 'X-Key' } });
  expect(screen.queryByLabelText('Type *')).toBeNull();
  await userEvent.selectOptions(kind, 'No auth');
  expect(values()).toEqual({ auth: { type: 'none' } });
});

test('a list shows what holds where nothing is given', async () => {
  render(<Form />);
  const first = screen.getByLabelText<HTMLSelectElement>('Methods, entry 1');
  expect(first.value).toBe('"POST"');
  await userEvent.selectOptions(first, 'GET');
  expect(values()).toEqual({ methods: ['GET'] });
});

test('with keys alone the focus goes on to what has come instead of the button that was pressed', async () => {
  render(<Form />);
  screen.getByRole('button', { name: 'Note: set a value' }).focus();
  await userEvent.keyboard('{Enter}');
  await waitFor(() => expect(document.activeElement?.getAttribute('aria-label')).toBe('Note: kind'));
  screen.getByRole('button', { name: 'Note: remove' }).focus();
  await userEvent.keyboard('{Enter}');
  await waitFor(() => expect(document.activeElement?.getAttribute('aria-label')).toBe('Note: set a value'));
  expect(values()).toEqual({});
});

test('what is wrong with a field of the chosen kind is said at it', () => {
  expect(placed(FIELDS, [{ path: 'auth.header', message: 'is required' }])).toEqual({ 'auth.header': 'is required' });
});
