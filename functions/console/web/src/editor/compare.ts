/** What differs between two definitions, by node; and bringing two changes of one version together. */

import { edgesOf, walk } from './tree';
import type { Body, Definition, Edge, NodeDefinition, Scope, TriggerDefinition } from './types';
import { edgeKey, portOf } from './types';

export type Kind = 'added' | 'removed' | 'changed';

export interface NodeDifference {
  kind: Kind;
  id: string;
  scope: Scope;
  node: NodeDefinition;
  /** Fields that differ: `config.url`, `name`. */
  fields: string[];
}

export interface Difference {
  nodes: NodeDifference[];
  edges: { kind: 'added' | 'removed'; edge: Edge; scope: Scope }[];
  triggers: { kind: Kind; id: string; trigger: TriggerDefinition; fields: string[] }[];
  /** Fields of the definition itself: `vars`, `output`. */
  settings: string[];
}

const OWN = new Set(['nodes', 'edges', 'triggers', 'ui']);

/** Whether two JSON values are equal, whatever the order of keys. */
export function equal(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((item, index) => equal(item, other[index]));
  }
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  const left = Object.entries(one).filter(([, value]) => value !== undefined);
  const right = new Map(Object.entries(other).filter(([, value]) => value !== undefined));
  return left.length === right.size && left.every(([key, value]) => right.has(key) && equal(value, right.get(key)));
}

/** The paths at which two values differ, as deep as both are objects. */
export function differingFields(one: unknown, other: unknown, path = ''): string[] {
  if (equal(one, other)) return [];
  if (isPlain(one) && isPlain(other)) {
    const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    return keys.flatMap((key) => differingFields(one[key], other[key], path ? `${path}.${key}` : key));
  }
  return [path];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A node without what is in its body: those nodes are compared by themselves. */
function shell(node: NodeDefinition): Record<string, unknown> {
  const { body, ...rest } = node;
  const normal = { ...rest, config: rest.config ?? {} };
  return body ? { ...normal, body: { output: body.output } } : normal;
}

function byId(definition: Definition): Map<string, { node: NodeDefinition; scope: Scope }> {
  return new Map([...walk(definition)].map((found) => [found.node.id, found]));
}

function bodies(definition: Definition): Map<Scope, Body> {
  const found = new Map<Scope, Body>([[null, definition]]);
  for (const { node } of walk(definition)) if (node.body) found.set(node.id, node.body);
  return found;
}

export function compare(before: Definition, after: Definition): Difference {
  const [old, fresh] = [byId(before), byId(after)];
  const nodes: NodeDifference[] = [];
  for (const [id, { node, scope }] of fresh) {
    const earlier = old.get(id);
    if (!earlier) nodes.push({ kind: 'added', id, scope, node, fields: [] });
    else {
      const fields = differingFields(shell(earlier.node), shell(node));
      if (earlier.scope !== scope) fields.push('scope');
      if (fields.length > 0) nodes.push({ kind: 'changed', id, scope, node, fields });
    }
  }
  for (const [id, { node, scope }] of old) {
    if (!fresh.has(id)) nodes.push({ kind: 'removed', id, scope, node, fields: [] });
  }
  return { nodes, edges: compareEdges(before, after), ...compareRest(before, after) };
}

function compareEdges(before: Definition, after: Definition): Difference['edges'] {
  const [old, fresh] = [bodies(before), bodies(after)];
  const scopes = new Set([...old.keys(), ...fresh.keys()]);
  return [...scopes].flatMap((scope) => {
    const left = new Map(edgesOf(old.get(scope) ?? { nodes: [] }).map((edge) => [edgeKey(edge), edge]));
    const right = new Map(edgesOf(fresh.get(scope) ?? { nodes: [] }).map((edge) => [edgeKey(edge), edge]));
    const added = [...right].filter(([key]) => !left.has(key)).map(([, edge]) => ({ kind: 'added' as const, edge, scope }));
    const gone = [...left].filter(([key]) => !right.has(key)).map(([, edge]) => ({ kind: 'removed' as const, edge, scope }));
    return [...added, ...gone];
  });
}

function compareRest(before: Definition, after: Definition): Pick<Difference, 'triggers' | 'settings'> {
  const old = new Map((before.triggers ?? []).map((one) => [one.id, one]));
  const fresh = new Map((after.triggers ?? []).map((one) => [one.id, one]));
  const triggers: Difference['triggers'] = [];
  for (const [id, trigger] of fresh) {
    const earlier = old.get(id);
    if (!earlier) triggers.push({ kind: 'added', id, trigger, fields: [] });
    else {
      const fields = differingFields({ config: {}, ...earlier }, { config: {}, ...trigger });
      if (fields.length > 0) triggers.push({ kind: 'changed', id, trigger, fields });
    }
  }
  for (const [id, trigger] of old) if (!fresh.has(id)) triggers.push({ kind: 'removed', id, trigger, fields: [] });
  const own = (one: Definition) => Object.fromEntries(Object.entries(one).filter(([key]) => !OWN.has(key)));
  return { triggers, settings: differingFields(own(before), own(after)) };
}

export function isEqual(difference: Difference): boolean {
  const { nodes, edges, triggers, settings } = difference;
  return nodes.length + edges.length + triggers.length + settings.length === 0;
}

/** Edges of one body, as words of where they lead. */
export function edgeText(edge: Edge): string {
  return portOf(edge) === 'main' ? `${edge.from} → ${edge.to}` : `${edge.from} (${portOf(edge)}) → ${edge.to}`;
}
