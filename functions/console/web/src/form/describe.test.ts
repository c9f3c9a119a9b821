import { readFileSync, globSync } from 'node:fs';

import { describe as group, expect, it } from 'vitest';

import { check } from './check';
import { describe, initialValue, isShown, labelOf, resolve, type Field, type Schema } from './describe';
import { ROOT, SCHEMAS } from './everyType';

function* all(fields: readonly Field[]): Generator<Field> {
  for (const field of fields) {
    yield field;
    yield* all([...(field.fields ?? []), ...(field.item ? [field.item] : []), ...(field.variants ?? [])]);
  }
}

group('describe', () => {
  it('knows the whole catalogue', () => {
    expect(SCHEMAS.length).toBeGreaterThan(80);
  });

  it.each(SCHEMAS)('makes a form of %s', (_name, schema) => {
    const fields = describe(schema);
    expect(fields.map((field) => field.key)).toEqual(Object.keys(schema.properties ?? {}));
    for (const field of all(fields)) {
      expect(field.label).not.toMatch(/_/);
      if (field.widget === 'choice') expect(field.options.length).toBeGreaterThan(0);
      if (field.widget === 'list' || field.widget === 'map') expect(field.item).toBeDefined();
      if (field.widget === 'union') expect(field.variants?.length).toBeGreaterThan(1);
      if (field.pattern) expect(() => new RegExp(field.pattern ?? '', 'u')).not.toThrow();
    }
  });

  it('leaves no field to JSON that is text, a number, a choice or yes and no', () => {
    const json = SCHEMAS.flatMap(([name, schema]) =>
      Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
        const found = resolve(property, schema);
        const field = describe(schema).find((one) => one.key === key);
        const isSimple = ['string', 'number', 'integer', 'boolean'].includes(String(found.type));
        return isSimple && field?.widget === 'json' ? [`${name}.${key}`] : [];
      }),
    );
    expect(json).toEqual([]);
  });

  it('finds no fault with the examples', () => {
    const files = globSync('events/workflows/*.json', { cwd: ROOT });
    expect(files.length).toBeGreaterThan(20);
    interface Node {
      id: string;
      type: string;
      config?: unknown;
      body?: { nodes: Node[] };
    }
    const nodesOf = (nodes: Node[]): Node[] => nodes.flatMap((node) => [node, ...nodesOf(node.body?.nodes ?? [])]);
    const findings = files.flatMap((file) => {
      const { definition } = JSON.parse(readFileSync(`${ROOT}${file}`, 'utf8')) as { definition: { nodes: Node[] } };
      return nodesOf(definition.nodes).flatMap((node) => {
        const schema = SCHEMAS.find(([name]) => name === `node ${node.type}`)?.[1];
        return schema ? check(describe(schema), node.config ?? {}).map((one) => ({ file, node: node.id, ...one })) : [];
      });
    });
    expect(findings).toEqual([]);
  });
});

const SCHEMA: Schema = {
  type: 'object',
  required: ['url'],
  $defs: { Any: {} },
  properties: {
    url: { type: 'string', minLength: 1, maxLength: 8192, title: 'Url' },
    method: { enum: ['GET', 'POST'], type: 'string', default: 'GET' },
    seconds: { anyOf: [{ type: 'integer', minimum: 1, maximum: 60 }, { type: 'null' }], default: null },
    json: { $ref: '#/$defs/Any', description: 'A body of JSON.', 'x-mainspring': { when: { method: ['POST'] }, advanced: true } },
    code: { type: 'string', 'x-mainspring': { widget: 'code', language: 'python' } },
    headers: { type: 'object', patternProperties: { '^[a-z]+$': { type: 'string' } } },
    query: {
      type: 'object',
      additionalProperties: { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'array', items: { type: 'string' } }, { type: 'null' }] },
    },
    encoding: { anyOf: [{ const: 'auto', type: 'string' }, { type: 'string' }] },
    condition: { anyOf: [{ type: 'boolean' }, { type: 'string' }] },
  },
};

group('the fields of a schema', () => {
  const fields = new Map(describe(SCHEMA).map((field) => [field.key, field]));

  it('have the widget that fits', () => {
    expect([...fields].map(([key, field]) => [key, field.widget])).toEqual([
      ['url', 'multiline'],
      ['method', 'choice'],
      ['seconds', 'number'],
      ['json', 'json'],
      ['code', 'code'],
      ['headers', 'map'],
      ['query', 'map'],
      ['encoding', 'text'],
      ['condition', 'switch'],
    ]);
    expect(fields.get('query')?.item?.variants?.map((one) => one.label)).toEqual(['Text', 'Number', 'List']);
    expect(fields.get('code')).toMatchObject({ language: 'python', literal: true });
    expect(fields.get('seconds')).toMatchObject({ integer: true, minimum: 1, nullable: true });
    expect(fields.get('encoding')?.suggestions).toEqual(['auto']);
  });

  it('are hidden where another field says so', () => {
    const json = fields.get('json');
    if (!json) throw new Error('there is no such field');
    expect(isShown(json, {}, [...fields.values()])).toBe(false);
    expect(isShown(json, { method: 'POST' }, [...fields.values()])).toBe(true);
    expect(isShown(json, { method: '{{ vars.method }}' }, [...fields.values()])).toBe(true);
  });

  it('are checked at once, but for what a template gives', () => {
    const codes = (values: unknown) => check([...fields.values()], values).map(({ path, code }) => `${path} ${code}`);
    expect(codes({})).toEqual(['url missing']);
    expect(codes({ url: '' })).toEqual(['url missing']);
    expect(codes({ url: 'x', seconds: 0, method: 'PUT' })).toEqual(['method choice', 'seconds minimum']);
    expect(codes({ url: 'x', seconds: 1.5 })).toEqual(['seconds integer']);
    expect(codes({ url: 'x', seconds: '{{ vars.n }}', method: '{{ vars.m }}' })).toEqual([]);
    expect(codes({ url: 'x'.repeat(9000) })).toEqual(['url too_long']);
  });

  it('have labels that people read', () => {
    expect(labelOf('max_tokens', 'Max Tokens')).toBe('Max tokens');
    expect(labelOf('ca_certificate', 'Ca Certificate')).toBe('CA certificate');
    expect(labelOf('url')).toBe('URL');
  });

  it('begin as something that fits', () => {
    for (const field of fields.values()) {
      const value = initialValue(field);
      if (field.widget !== 'json') expect(check([{ ...field, required: false, minLength: 0 }], { [field.key]: value })).toEqual([]);
    }
  });
});
