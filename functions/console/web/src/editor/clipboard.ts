/** Copying and pasting: the clipboard holds definition JSON, so it also goes to a mail, a file or another workspace. */

import { renameInValue } from '../expr/references';
import { allIds, bodyOf, edgesOf, findNode, freeId, mapBody, outputKeys, walk } from './tree';
import type { Body, Definition, Edge, NodeDefinition, Point, Scope, WorkflowDocument } from './types';

export interface Fragment {
  nodes: NodeDefinition[];
  edges: Edge[];
}

export interface Pasted {
  document: WorkflowDocument;
  ids: string[];
}

/** The outermost of the chosen nodes, and the edges between them. */
export function fragmentOf(definition: Definition, ids: Iterable<string>): Fragment {
  const chosen = new Set(ids);
  const found = [...walk(definition)].filter(({ node }) => chosen.has(node.id));
  const scope = found[0]?.scope ?? null;
  const nodes = found.filter((one) => one.scope === scope).map(({ node }) => node);
  const inside = new Set(nodes.map((node) => node.id));
  const edges = edgesOf(bodyOf(definition, scope) ?? definition);
  return { nodes, edges: edges.filter((edge) => inside.has(edge.from) && inside.has(edge.to)) };
}

export function asText(fragment: Fragment): string {
  return JSON.stringify(fragment, null, 2);
}

function isNode(value: unknown): value is NodeDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { id, type, body } = value as Record<string, unknown>;
  if (typeof id !== 'string' || typeof type !== 'string') return false;
  return body === undefined || body === null || isBody(body);
}

function isEdge(value: unknown): value is Edge {
  if (typeof value !== 'object' || value === null) return false;
  const { from, to } = value as Record<string, unknown>;
  return typeof from === 'string' && typeof to === 'string';
}

export function isBody(value: unknown): value is Body {
  if (typeof value !== 'object' || value === null) return false;
  const { nodes, edges } = value as Record<string, unknown>;
  const edgesFit = edges === undefined || (Array.isArray(edges) && edges.every(isEdge));
  return Array.isArray(nodes) && nodes.every(isNode) && edgesFit;
}

/** What a text on the clipboard holds: nodes, a definition, a whole workflow, or one node; undefined if none of these. */
export function fragmentIn(text: string): Fragment | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value === 'object' && value !== null && 'definition' in value) value = value.definition;
  if (isNode(value)) value = { nodes: [value] };
  if (!isBody(value) || value.nodes.length === 0) return undefined;
  const inside = new Set(value.nodes.map((node) => node.id));
  return { nodes: value.nodes, edges: edgesOf(value).filter((edge) => inside.has(edge.from) && inside.has(edge.to)) };
}

/** Nodes of a fragment put into a body, with ids of their own; what they say of each other still holds. */
export function paste(document: WorkflowDocument, fragment: Fragment, scope: Scope, at?: Point): Pasted {
  if (fragment.nodes.length === 0 || !bodyOf(document.definition, scope)) return { document, ids: [] };
  const taken = allIds(document.definition);
  const nodes = new Map<string, string>();
  for (const { node } of walk({ nodes: fragment.nodes })) {
    const id = freeId(taken, node.id);
    taken.add(id);
    nodes.set(node.id, id);
  }
  const keys = outputKeys(fragment);
  const renamed = (node: NodeDefinition): NodeDefinition => ({
    ...node,
    id: nodes.get(node.id) ?? node.id,
    ...(node.config ? { config: renameInValue(node.config, { nodes, keys }) } : {}),
    ...(node.body ? { body: renamedBody(node.body) } : {}),
  });
  const renamedEdge = (edge: Edge): Edge => ({
    ...edge,
    from: nodes.get(edge.from) ?? edge.from,
    to: nodes.get(edge.to) ?? edge.to,
  });
  const renamedBody = (body: Body): Body => ({
    ...body,
    nodes: body.nodes.map(renamed),
    ...(body.edges ? { edges: body.edges.map(renamedEdge) } : {}),
    ...(body.output === undefined ? {} : { output: renameInValue(body.output, { nodes, keys }) }),
  });
  const added = fragment.nodes.map(renamed);
  const definition = mapBody(document.definition, scope, (body) => ({
    ...body,
    nodes: [...body.nodes, ...added],
    edges: [...edgesOf(body), ...fragment.edges.map(renamedEdge)],
  }));
  const first = added[0]?.id;
  const ui = at && first ? { ...document.ui, positions: { ...document.ui.positions, [first]: at } } : document.ui;
  return { document: { ...document, definition, ui }, ids: added.map((node) => node.id) };
}

export function duplicate(document: WorkflowDocument, ids: Iterable<string>): Pasted {
  const chosen = [...ids];
  const scope = chosen[0] ? (findNode(document.definition, chosen[0])?.scope ?? null) : null;
  return paste(document, fragmentOf(document.definition, chosen), scope);
}
