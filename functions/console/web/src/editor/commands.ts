/** What an author does to a workflow. Each command gives a new document, or the same one where there is nothing to do. */

import { renameInValue } from '../expr/references';
import { allIds, bodyOf, closesCycle, edgesOf, findNode, freeId, mapBody, mapNode, outputKeys, walk } from './tree';
import type {
  Body,
  Definition,
  Edge,
  Json,
  JsonObject,
  NodeDefinition,
  Point,
  Scope,
  TriggerDefinition,
  WorkflowDocument,
} from './types';
import { edgeKey, MAIN_PORT, portOf } from './types';

/** What a command has to know of a node type. */
export interface NewNode {
  type: string;
  title: string;
  hasBody?: boolean;
  /** The port by which what comes next is reached. */
  port?: string;
  config?: JsonObject;
}

export interface Added {
  document: WorkflowDocument;
  id: string;
}

function withDefinition(document: WorkflowDocument, definition: Definition): WorkflowDocument {
  return definition === document.definition ? document : { ...document, definition };
}

function changeBody(document: WorkflowDocument, scope: Scope, change: (body: Body) => Body): WorkflowDocument {
  return withDefinition(document, mapBody(document.definition, scope, change));
}

function newEdge(from: string, port: string, to: string): Edge {
  return port === MAIN_PORT ? { from, to } : { from, port, to };
}

function made(definition: Definition, wanted: NewNode): NodeDefinition {
  const id = freeId(allIds(definition), wanted.title.toLowerCase());
  const node: NodeDefinition = { id, type: wanted.type, config: wanted.config ?? {} };
  return wanted.hasBody ? { ...node, body: { nodes: [], edges: [] } } : node;
}

/** A node behind another one's port, or on its own. What was behind that port comes behind the new node. */
export function addNode(
  document: WorkflowDocument,
  wanted: NewNode,
  at: { scope: Scope; after?: { node: string; port: string }; position?: Point },
): Added {
  const node = made(document.definition, wanted);
  const changed = changeBody(document, at.scope, (body) => {
    const nodes = [...body.nodes, node];
    if (!at.after) return { ...body, nodes };
    const { node: from, port } = at.after;
    const edges = edgesOf(body).map((edge) =>
      edge.from === from && portOf(edge) === port ? newEdge(node.id, wanted.port ?? MAIN_PORT, edge.to) : edge,
    );
    return { ...body, nodes, edges: [...edges, newEdge(from, port, node.id)] };
  });
  return { document: at.position ? move(changed, { [node.id]: at.position }) : changed, id: node.id };
}

/** A node in the middle of an edge. */
export function insertOnEdge(document: WorkflowDocument, wanted: NewNode, scope: Scope, edge: Edge): Added {
  const node = made(document.definition, wanted);
  const key = edgeKey(edge);
  const changed = changeBody(document, scope, (body) => ({
    ...body,
    nodes: [...body.nodes, node],
    edges: edgesOf(body).flatMap((one) =>
      edgeKey(one) === key
        ? [newEdge(one.from, portOf(one), node.id), newEdge(node.id, wanted.port ?? MAIN_PORT, one.to)]
        : [one],
    ),
  }));
  return { document: changed, id: node.id };
}

/** Why two nodes cannot be connected; undefined where they can. */
export function connectionProblem(definition: Definition, from: string, port: string, to: string): string | undefined {
  const source = findNode(definition, from);
  const target = findNode(definition, to);
  if (!source || !target) return 'unknown';
  if (source.scope !== target.scope) return 'scope';
  const body = bodyOf(definition, source.scope);
  if (!body || closesCycle(body, from, to)) return 'cycle';
  const key = edgeKey(newEdge(from, port, to));
  return edgesOf(body).some((edge) => edgeKey(edge) === key) ? 'exists' : undefined;
}

export function connect(document: WorkflowDocument, from: string, port: string, to: string): WorkflowDocument {
  if (connectionProblem(document.definition, from, port, to)) return document;
  const scope = findNode(document.definition, from)?.scope ?? null;
  return changeBody(document, scope, (body) => ({ ...body, edges: [...edgesOf(body), newEdge(from, port, to)] }));
}

export function disconnect(document: WorkflowDocument, scope: Scope, edges: readonly Edge[]): WorkflowDocument {
  const gone = new Set(edges.map(edgeKey));
  const body = bodyOf(document.definition, scope);
  if (!body || !edgesOf(body).some((edge) => gone.has(edgeKey(edge)))) return document;
  return changeBody(document, scope, (one) => ({
    ...one,
    edges: edgesOf(one).filter((edge) => !gone.has(edgeKey(edge))),
  }));
}

/** The edges without one node: what led to it leads to what was behind its only way on. */
function bridged(edges: Edge[], id: string): Edge[] {
  const incoming = edges.filter((edge) => edge.to === id);
  const outgoing = edges.filter((edge) => edge.from === id);
  const rest = edges.filter((edge) => edge.to !== id && edge.from !== id);
  const ways = new Set(outgoing.map(portOf));
  if (ways.size !== 1 || !ways.has(MAIN_PORT)) return rest;
  const there = new Set(rest.map(edgeKey));
  const bridges = incoming.flatMap((edge) => outgoing.map((next) => newEdge(edge.from, portOf(edge), next.to)));
  return [...rest, ...bridges.filter((edge) => !there.has(edgeKey(edge)))];
}

export function removeNodes(document: WorkflowDocument, ids: Iterable<string>): WorkflowDocument {
  const gone = new Set([...ids].filter((id) => findNode(document.definition, id)));
  if (gone.size === 0) return document;
  const prune = (body: Body): Body => {
    const leaving = body.nodes.filter((node) => gone.has(node.id));
    const nodes = body.nodes
      .filter((node) => !gone.has(node.id))
      .map((node) => (node.body ? { ...node, body: prune(node.body) } : node));
    if (leaving.length === 0) return { ...body, nodes };
    return { ...body, nodes, edges: leaving.reduce((edges, node) => bridged(edges, node.id), edgesOf(body)) };
  };
  const definition = prune(document.definition) as Definition;
  const left = allIds(definition);
  return { ...document, definition, ui: keptUi(document.ui, (path) => (path.split('.').every((id) => left.has(id)) ? path : null)) };
}

/** What is kept by node, under other paths, or without it where there is none. Positions are by id, pins by path. */
function keptUi(ui: WorkflowDocument['ui'], pathOf: (path: string) => string | null): WorkflowDocument['ui'] {
  const kept = <T>(values: Record<string, T>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(values).flatMap(([path, value]) => {
        const now = pathOf(path);
        return now === null ? [] : [[now, value] as const];
      }),
    );
  return { ...ui, ...(ui.positions ? { positions: kept(ui.positions) } : {}), ...(ui.pins ? { pins: kept(ui.pins) } : {}) };
}

export function move(document: WorkflowDocument, positions: Record<string, Point>): WorkflowDocument {
  const before = document.ui.positions ?? {};
  const moved = Object.entries(positions).filter(([id, { x, y }]) => before[id]?.x !== x || before[id].y !== y);
  if (moved.length === 0) return document;
  const rounded = moved.map(([id, { x, y }]) => [id, { x: Math.round(x), y: Math.round(y) }] as const);
  return { ...document, ui: { ...document.ui, positions: { ...before, ...Object.fromEntries(rounded) } } };
}

/** Forgets where nodes were put, so that they are laid out by themselves. */
export function tidy(document: WorkflowDocument): WorkflowDocument {
  if (Object.keys(document.ui.positions ?? {}).length === 0) return document;
  return { ...document, ui: { ...document.ui, positions: {} } };
}

export const ID_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

export function renameProblem(definition: Definition, id: string, wanted: string): 'malformed' | 'taken' | undefined {
  if (!ID_PATTERN.test(wanted)) return 'malformed';
  return wanted !== id && allIds(definition).has(wanted) ? 'taken' : undefined;
}

/** Another id for a node: in its edges, in all templates that read its output, its place, and its pin. */
export function renameNode(document: WorkflowDocument, id: string, wanted: string): WorkflowDocument {
  const { definition } = document;
  if (id === wanted || !findNode(definition, id) || renameProblem(definition, id, wanted)) return document;
  const renaming = { nodes: new Map([[id, wanted]]), keys: outputKeys(definition) };
  const inBody = (body: Body): Body => ({
    ...body,
    nodes: body.nodes.map((node) => ({
      ...node,
      id: node.id === id ? wanted : node.id,
      ...(node.config ? { config: renameInValue(node.config, renaming) } : {}),
      ...(node.body ? { body: inBody(node.body) } : {}),
    })),
    ...(body.edges
      ? {
          edges: body.edges.map((edge) => ({
            ...edge,
            from: edge.from === id ? wanted : edge.from,
            to: edge.to === id ? wanted : edge.to,
          })),
        }
      : {}),
    ...(body.output === undefined ? {} : { output: renameInValue(body.output, renaming) }),
  });
  const renamed = (path: string) => path.split('.').map((step) => (step === id ? wanted : step)).join('.');
  return { ...document, definition: inBody(definition), ui: keptUi(document.ui, renamed) };
}

/** A field of a node; `undefined` takes it away. */
export function setNode(document: WorkflowDocument, id: string, fields: Partial<NodeDefinition>): WorkflowDocument {
  return withDefinition(
    document,
    mapNode(document.definition, id, (node) => without({ ...node, ...fields })),
  );
}

/** A field of the definition, such as `output` or `vars`; `undefined` takes it away. */
export function setDefinition(document: WorkflowDocument, fields: Partial<Definition>): WorkflowDocument {
  return { ...document, definition: without({ ...document.definition, ...fields }) };
}

export function setBodyOutput(document: WorkflowDocument, scope: Scope, output: Json | undefined): WorkflowDocument {
  return changeBody(document, scope, (body) => without({ ...body, output }));
}

function without<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}

export function addTrigger(document: WorkflowDocument, type: string, config: JsonObject = {}): Added {
  const triggers = document.definition.triggers ?? [];
  const id = freeId(new Set(triggers.map((trigger) => trigger.id)), type);
  return { document: setDefinition(document, { triggers: [...triggers, { id, type, config }] }), id };
}

export function setTrigger(document: WorkflowDocument, id: string, fields: Partial<TriggerDefinition>): WorkflowDocument {
  const triggers = (document.definition.triggers ?? []).map((one) => (one.id === id ? without({ ...one, ...fields }) : one));
  return setDefinition(document, { triggers });
}

export function removeTrigger(document: WorkflowDocument, id: string): WorkflowDocument {
  const triggers = (document.definition.triggers ?? []).filter((one) => one.id !== id);
  return setDefinition(document, { triggers: triggers.length > 0 ? triggers : undefined });
}

/** How many nodes there are, also in loops. */
export function countNodes(definition: Definition): number {
  return [...walk(definition)].length;
}
