import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { completeText } from './complete';
import { renameInText } from './references';
import { isOneTemplate, pieces, templatesIn } from './scanner';

const SCOPE = {
  trigger: { body: { customer: { name: 'Ada', 'e-mail': 'ada@example.org' }, total: 12 } },
  nodes: { fetch: { status: 200, body: { rows: [{ sku: 'A', price: 3 }] } }, get_order: { id: 7 } },
  vars: { limit: 1000 },
};

function labels(text: string): string[] | undefined {
  const cursor = text.indexOf('|');
  return completeText(text.replace('|', ''), cursor, SCOPE)?.suggestions.map((one) => one.label);
}

describe('completion', () => {
  it('offers names of real samples', () => {
    expect(labels('{{ nodes.| }}')).toEqual(['fetch', 'get_order']);
    expect(labels('{{ nodes.fe| }}')).toEqual(['fetch']);
    expect(labels('{{ nodes.fetch.body.rows[0].| }}')).toEqual(['sku', 'price']);
    expect(labels('{{ nodes.fetch.body.rows.| }}')).toEqual(['sku', 'price']);
    expect(labels('Hello {{ trigger.body.customer.| }}, all well?')).toEqual(['name', 'e-mail']);
  });

  it('offers nodes before roots and functions, and functions behind $', () => {
    expect(labels('{{ | }}')?.slice(0, 4)).toEqual(['nodes.fetch', 'nodes.get_order', 'trigger', 'nodes']);
    expect(labels('{{ $co| }}')).toEqual(['$count', '$contains']);
    expect(labels('{{ 1 + tri| }}')?.[0]).toBe('trigger');
  });

  it('offers nothing in texts and outside of templates', () => {
    expect(labels('{{ "nodes.| }}')).toBeUndefined();
    expect(labels('nodes.|')).toBeUndefined();
    expect(labels('{{ a }} nodes.|')).toBeUndefined();
  });

  it('writes names that are no words between backquotes, and says where they go', () => {
    const text = '{{ trigger.body.customer.e }}';
    const found = completeText(text, 26, SCOPE);
    expect(found?.suggestions.map((one) => one.insert)).toEqual(['`e-mail`', 'name']);
    expect(found?.from).toBe(25);
  });
});

describe('the scanner', () => {
  it('finds where templates end as the engine does', () => {
    const ends = (text: string) => templatesIn(text).map((one) => [one.source.trim(), one.closed]);
    expect(ends('{{ {"a": {"b": 1}} }} and {{ x }}')).toEqual([
      ['{"a": {"b": 1}}', true],
      ['x', true],
    ]);
    expect(ends('{{ "}}" & `}}` /* }} */ }}')).toEqual([['"}}" & `}}` /* }} */', true]]);
    expect(ends('{{ $match(a, /[}{]\\}\\}/) }}')).toEqual([['$match(a, /[}{]\\}\\}/)', true]]);
    expect(ends('{{ a')).toEqual([['a', false]]);
    expect(isOneTemplate(' {{ a }} ')).toBe(true);
    expect(isOneTemplate('{{ a }}{{ b }}')).toBe(false);
  });

  it('takes every text apart without losing a character', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([...pieces(text)].map((piece) => piece.value).join('')).toBe(text);
      }),
    );
  });

  it('leaves text without references as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(renameInText(text, { nodes: new Map([['zz_top', 'b']]) })).toBe(text);
      }),
    );
  });
});
