import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { anyCommand, documents } from './arbitraries';
import { compare, equal, isEqual } from './compare';
import { arrange } from './arrange';
import { layout, NODE_HEIGHT } from './layout';
import { merge } from './merge';
import { walk } from './tree';
import type { Definition } from './types';

const BASE: Definition = {
  nodes: [
    { id: 'a', type: 'http', config: { url: 'https://a.example', headers: { Accept: '*/*' } } },
    { id: 'b', type: 'transform', config: { value: 1 } },
  ],
  edges: [{ from: 'a', to: 'b' }],
  vars: { limit: 3 },
};

describe('compare', () => {
  it('names the fields that differ', () => {
    const after: Definition = {
      ...BASE,
      nodes: [
        { id: 'a', type: 'http', config: { url: 'https://b.example', headers: { Accept: 'text/html' } } },
        { id: 'c', type: 'transform' },
      ],
      edges: [{ from: 'a', port: 'error', to: 'c' }],
      vars: { limit: 4 },
    };
    const { nodes, edges, settings } = compare(BASE, after);
    expect(nodes.map(({ kind, id, fields }) => [kind, id, fields])).toEqual([
      ['changed', 'a', ['config.url', 'config.headers.Accept']],
      ['added', 'c', []],
      ['removed', 'b', []],
    ]);
    expect(edges.map(({ kind, edge }) => [kind, edge.to])).toEqual([
      ['added', 'c'],
      ['removed', 'b'],
    ]);
    expect(settings).toEqual(['vars.limit']);
  });

  it('finds nothing where nothing was done', () => {
    fc.assert(
      fc.property(documents, ({ definition }) => {
        expect(isEqual(compare(definition, JSON.parse(JSON.stringify(definition)) as Definition))).toBe(true);
      }),
    );
  });
});

describe('merge', () => {
  it('takes what only one has changed', () => {
    fc.assert(
      fc.property(documents, anyCommand, (document, command) => {
        const base = document.definition;
        const changed = command(document).definition;
        for (const merged of [merge(base, changed, base), merge(base, base, changed), merge(base, changed, changed)]) {
          expect(merged.conflicts).toEqual([]);
          expect(isEqual(compare(merged.definition, changed))).toBe(true);
        }
      }),
    );
  });

  it('asks by node where both have changed the same, and takes what was chosen', () => {
    const mine: Definition = { ...BASE, nodes: [{ id: 'a', type: 'http', config: { url: 'mine' } }, ...BASE.nodes.slice(1)] };
    const theirs: Definition = {
      ...BASE,
      vars: { limit: 9 },
      nodes: [{ id: 'a', type: 'http', config: { url: 'theirs' } }, ...BASE.nodes.slice(1), { id: 'new', type: 'delay' }],
    };
    const { conflicts, definition } = merge(BASE, mine, theirs);
    expect(conflicts.map(({ key }) => key)).toEqual(['node:a']);
    expect(definition.nodes.map((node) => node.config?.url ?? node.id)).toEqual(['mine', 'b', 'new']);
    expect(definition.vars).toEqual({ limit: 9 });
    const chosen = merge(BASE, mine, theirs, { 'node:a': 'theirs' }).definition;
    expect(chosen.nodes[0]?.config?.url).toBe('theirs');
  });

  it('asks where one has removed what the other has changed', () => {
    const mine: Definition = { ...BASE, nodes: BASE.nodes.slice(1), edges: [] };
    const theirs: Definition = { ...BASE, nodes: [{ ...BASE.nodes[0], id: 'a', type: 'http', name: 'Get' }, ...BASE.nodes.slice(1)] };
    const { conflicts, definition } = merge(BASE, mine, theirs);
    expect(conflicts).toHaveLength(1);
    expect(definition.nodes.map((node) => node.id)).toEqual(['b']);
    expect(merge(BASE, mine, theirs, { 'node:a': 'theirs' }).definition.nodes.map(({ id }) => id).sort()).toEqual(['a', 'b']);
  });

  it('keeps places, pins and the test input of both', () => {
    const ui = (more: object) => ({ ...BASE, ui: { positions: { a: { x: 1, y: 1 } }, testInput: { n: 1 }, ...more } }) as Definition;
    const mine = ui({ positions: { a: { x: 5, y: 5 } }, pins: { a: { output: 1 } }, testInput: { n: 2 } });
    const theirs = ui({ positions: { a: { x: 1, y: 1 }, b: { x: 7, y: 7 } } });
    const { definition, conflicts } = merge(ui({}), mine, theirs);
    expect(conflicts).toEqual([]);
    expect((definition as Definition & { ui: unknown }).ui).toEqual({
      positions: { a: { x: 5, y: 5 }, b: { x: 7, y: 7 } },
      pins: { a: { output: 1 } },
      testInput: { n: 2 },
    });
    const unpinned = merge(mine, ui({ testInput: { n: 2 } }), mine).definition;
    expect((unpinned as Definition & { ui: { pins?: object } }).ui.pins).toBeUndefined();
  });

  it('compares JSON whatever the order of keys', () => {
    expect(equal({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true);
    expect(equal({ a: 1 }, { a: 1, b: 2 })).toBe(false);
    expect(equal([], {})).toBe(false);
  });
});

describe('layout', () => {
  const ports = () => ['true', 'false', 'main', 'error'];

  it('goes down, and has what leaves by the first port further left', () => {
    const body: Definition = {
      nodes: ['if', 'no', 'yes', 'end'].map((id) => ({ id, type: 'transform' })),
      edges: [
        { from: 'if', port: 'false', to: 'no' },
        { from: 'if', port: 'true', to: 'yes' },
        { from: 'no', to: 'end' },
        { from: 'yes', to: 'end' },
      ],
    };
    const placed = new Map(layout({ body, ports, open: new Set(), positions: {}, arrange }).map((one) => [one.id, one]));
    const at = (id: string) => placed.get(id) ?? { x: NaN, y: NaN };
    expect(at('yes').x).toBeLessThan(at('no').x);
    expect(at('if').y).toBeLessThan(at('yes').y);
    expect(at('yes').y).toBe(at('no').y);
    expect(at('end').y).toBeGreaterThan(at('yes').y + NODE_HEIGHT);
  });

  it('places every node, also in open loops, without overlap', () => {
    fc.assert(
      fc.property(documents, ({ definition }) => {
        const open = new Set([...walk(definition)].flatMap(({ node }) => (node.body ? [node.id] : [])));
        const placed = layout({ body: definition, ports, open, positions: {}, arrange });
        expect(placed.map((one) => one.id).sort()).toEqual([...walk(definition)].map(({ node }) => node.id).sort());
        for (const one of placed) {
          for (const other of placed) {
            if (one.id >= other.id || one.scope !== other.scope) continue;
            const apart =
              one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
            expect(apart).toBe(true);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('leaves nodes where people have put them', () => {
    const placed = layout({ body: BASE, ports, open: new Set(), positions: { b: { x: 500, y: 7 } }, arrange });
    expect(placed.find((one) => one.id === 'b')).toMatchObject({ x: 500, y: 7 });
  });
});
