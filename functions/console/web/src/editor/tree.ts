/** Finding and replacing parts of a definition, whose loops have nodes of their own. Nothing is changed in place. */

import type { Body, Definition, NodeDefinition, Scope } from './types';

export interface Found {
  node: NodeDefinition;
  scope: Scope;
}

export function edgesOf(body: Body): NonNullable<Body['edges']> {
  return body.edges ?? [];
}

/** Every node with the loop that it is in; a loop comes before what is in it. */
export function* walk(body: Body, scope: Scope = null): Generator<Found> {
  for (const node of body.nodes) {
    yield { node, scope };
    if (node.body) yield* walk(node.body, node.id);
  }
}

export function findNode(definition: Definition, id: string): Found | undefined {
  for (const found of walk(definition)) if (found.node.id === id) return found;
  return undefined;
}

export function bodyOf(definition: Definition, scope: Scope): Body | undefined {
  if (scope === null) return definition;
  return findNode(definition, scope)?.node.body ?? undefined;
}

/** The loops around a node, the innermost first. */
export function loopsAround(definition: Definition, id: string): string[] {
  const loops: string[] = [];
  let scope = findNode(definition, id)?.scope ?? null;
  while (scope !== null) {
    loops.push(scope);
    scope = findNode(definition, scope)?.scope ?? null;
  }
  return loops;
}

/** The definition with one body replaced. */
export function mapBody(definition: Definition, scope: Scope, change: (body: Body) => Body): Definition {
  if (scope === null) return { ...definition, ...change(definition) };
  return mapNode(definition, scope, (node) => ({ ...node, body: change(node.body ?? { nodes: [] }) }));
}

/** The definition with one node replaced, wherever it stands. */
export function mapNode(
  definition: Definition,
  id: string,
  change: (node: NodeDefinition) => NodeDefinition,
): Definition {
  const inside = (body: Body): Body => {
    const nodes = body.nodes.map((node) => {
      if (node.id === id) return change(node);
      const deeper = node.body ? inside(node.body) : node.body;
      return deeper === node.body ? node : { ...node, body: deeper };
    });
    return nodes.some((node, index) => node !== body.nodes[index]) ? { ...body, nodes } : body;
  };
  return inside(definition);
}

export function allIds(definition: Definition): Set<string> {
  return new Set([...walk(definition)].map(({ node }) => node.id));
}

const NOT_IN_IDS = /[^A-Za-z0-9_]+/g;

/** An id that the definition does not have yet, made of what people wrote. */
export function freeId(taken: ReadonlySet<string>, wanted: string): string {
  const base = wanted.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').replace(NOT_IN_IDS, '_').replace(/^_+|_+$/g, '');
  const start = (/^[A-Za-z_]/.test(base) ? base : `step_${base}`).slice(0, 58).replace(/_+$/, '') || 'step';
  if (!taken.has(start)) return start;
  const stem = start.replace(/_\d{1,4}$/, '');
  for (let number = 2; ; number++) {
    const candidate = `${stem}_${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** The nodes that can run before one, within its own body. */
export function ancestors(body: Body, id: string): Set<string> {
  const before = new Set<string>();
  const queue = [id];
  for (let current = queue.pop(); current !== undefined; current = queue.pop()) {
    for (const edge of edgesOf(body)) {
      if (edge.to === current && !before.has(edge.from)) {
        before.add(edge.from);
        queue.push(edge.from);
      }
    }
  }
  return before;
}

/** Whether an edge `from` → `to` would close a cycle. */
export function closesCycle(body: Body, from: string, to: string): boolean {
  return from === to || ancestors(body, from).has(to);
}

/** Nodes whose outputs have ids of other nodes as keys: merges, and loops whose bodies have no `output` of their own. */
export function outputKeys(body: Body): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>();
  const inside = (one: Body): void => {
    for (const node of one.nodes) {
      if (node.type === 'merge') {
        keys.set(node.id, new Set(edgesOf(one).filter((edge) => edge.to === node.id).map((edge) => edge.from)));
      }
      if (!node.body) continue;
      if (node.body.output === undefined) keys.set(node.id, new Set(node.body.nodes.map(({ id }) => id)));
      inside(node.body);
    }
  };
  inside(body);
  return keys;
}
