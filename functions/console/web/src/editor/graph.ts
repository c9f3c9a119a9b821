/** From a document to what the canvas draws: nodes with places, edges with looks. */

import type { Edge as FlowEdge, Node as FlowNode } from '@xyflow/react';

import type { Problem, RunNode, TriggerType } from './api';
import { arranged } from './arranging';
import { portsOf, type Catalogue } from './catalogue';
import type { Difference, Kind } from './compare';
import { layout, type Placed } from './layout';
import type { ShownLoop, ShownRun } from './shownRun';
import type { Selection } from './store';
import { edgesOf, walk } from './tree';
import type { Body, Edge, NodeDefinition, Scope, TriggerDefinition, WorkflowDocument } from './types';
import { edgeKey, ERROR_PORT, portOf } from './types';

export const START = 'start:';
const PILL = { width: 190, height: 48 };

export interface CardData extends Record<string, unknown> {
  node: NodeDefinition;
  scope: Scope;
  ports: string[];
  /** Ports from which no edge leaves. */
  free: string[];
  isOpen: boolean;
  problems: number;
  run: RunNode | undefined;
  /** Which iteration of it the shown run tells of. */
  loop: ShownLoop | undefined;
  pinned: boolean;
  mark: Kind | undefined;
}

export interface PillData extends Record<string, unknown> {
  trigger: TriggerDefinition | null;
  type: TriggerType | undefined;
  problems: number;
}

export interface WayData extends Record<string, unknown> {
  edge: Edge;
  scope: Scope;
  /** Whether the run went this way; undefined without a run. */
  taken: boolean | undefined;
  mark: 'added' | 'removed' | undefined;
}

export type CardNode = FlowNode<CardData, 'card'>;
export type LoopNode = FlowNode<CardData, 'loop'>;
export type PillNode = FlowNode<PillData, 'pill'>;
export type CanvasNode = CardNode | LoopNode | PillNode;
export type WayEdge = FlowEdge<WayData, 'way'>;

export interface GraphInput {
  document: WorkflowDocument;
  catalogue: Catalogue;
  open: ReadonlySet<string>;
  selection: Selection;
  problems: readonly Problem[];
  run: ShownRun | null;
  difference?: Difference | undefined;
}

function startsOf(document: WorkflowDocument): string[] {
  const triggers = document.definition.triggers ?? [];
  return triggers.length > 0 ? triggers.map(({ id }) => START + id) : [START];
}

/** Undefined while nothing is known of where things stand. */
function placesOf(input: GraphInput): Placed[] | undefined {
  const { document, catalogue, open } = input;
  let unknown = 0;
  const placed = layout({
    body: document.definition,
    ports: (node) => portsOf(node, catalogue),
    open,
    positions: document.ui.positions ?? {},
    arrange: (wanted) => {
      const places = arranged(wanted);
      unknown += places ? 0 : 1;
      return places ?? {};
    },
    above: startsOf(document).map((id) => ({ id, ...PILL })),
  });
  return unknown > 0 ? undefined : placed;
}

/** What was drawn last of a node or an edge: where nothing about it has changed, React Flow sees that it is the same. */
const drawnNodes = new WeakMap<NodeDefinition, CanvasNode>();
const drawnEdges = new WeakMap<Edge, WayEdge>();

function again<Key extends object, Value extends object>(before: WeakMap<Key, Value>, key: Key, now: Value): Value {
  const known = before.get(key);
  if (known && isAlike(known, now)) return known;
  before.set(key, now);
  return now;
}

/** Alike down to the fields of their data and to lists; anything below is compared by identity. */
function isAlike(one: unknown, other: unknown, levels = 3): boolean {
  if (Object.is(one, other)) return true;
  if (levels === 0 || typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false;
  const [a, b] = [one, other] as [Record<string, unknown>, Record<string, unknown>];
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && isAlike(a[key], b[key], levels - 1));
}

export function graphOf(input: GraphInput): { nodes: CanvasNode[]; edges: WayEdge[] } {
  const places = placesOf(input);
  if (!places) return { nodes: [], edges: [] };
  const nodes = new Map([...walk(input.document.definition)].map((found) => [found.node.id, found]));
  const chosen = new Set(input.selection.kind === 'nodes' ? input.selection.ids : []);
  const left = edgesByNode(input.document.definition);
  const counts = problemCounts(input.problems);
  const marks = new Map((input.difference?.nodes ?? []).map((one) => [one.id, one.kind]));
  // The path of a pin names the loops around its step, too.
  const pinned = new Set(Object.keys(input.document.ui.pins ?? {}).map((path) => path.split('.').pop()));
  const drawn = places.flatMap((place): CanvasNode[] => {
    if (place.id.startsWith(START)) return [pill(input, place, counts)];
    const found = nodes.get(place.id);
    if (!found) return [];
    const { node, scope } = found;
    const ports = portsOf(node, input.catalogue);
    const used = left.get(node.id) ?? new Set();
    const isOpen = node.body !== undefined && node.body !== null && input.open.has(node.id);
    const data: CardData = {
      node,
      scope,
      ports: ports.filter((port) => port !== ERROR_PORT || used.has(port)),
      free: ports.filter((port) => port !== ERROR_PORT && !used.has(port)),
      isOpen,
      problems: counts.get(node.id) ?? 0,
      run: input.run?.nodes[node.id],
      loop: input.run?.loops[node.id],
      pinned: pinned.has(node.id),
      mark: marks.get(node.id),
    };
    const common = {
      id: node.id,
      position: { x: place.x, y: place.y },
      width: place.width,
      height: place.height,
      selected: chosen.has(node.id),
      data,
      ...(scope === null ? {} : { parentId: scope }),
      zIndex: depthOf(nodes, scope),
    };
    return [again(drawnNodes, node, isOpen ? { ...common, type: 'loop' } : { ...common, type: 'card' })];
  });
  return { nodes: drawn, edges: edgesIn(input, new Set(drawn.map(({ id }) => id))) };
}

function depthOf(nodes: ReadonlyMap<string, { scope: Scope }>, scope: Scope): number {
  let depth = 0;
  for (let at = scope; at !== null; at = nodes.get(at)?.scope ?? null) depth++;
  return depth;
}

function edgesByNode(body: Body): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const inside = (one: Body): void => {
    for (const edge of edgesOf(one)) found.set(edge.from, (found.get(edge.from) ?? new Set()).add(portOf(edge)));
    for (const node of one.nodes) if (node.body) inside(node.body);
  };
  inside(body);
  return found;
}

function problemCounts(problems: readonly Problem[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const problem of problems) {
    const trigger = /^triggers\[(\d+)\]/.exec(problem.path)?.[1];
    const key = problem.node ?? (trigger === undefined ? undefined : `triggers[${trigger}]`);
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function pill(input: GraphInput, place: Placed, counts: ReadonlyMap<string, number>): PillNode {
  const triggers = input.document.definition.triggers ?? [];
  const index = triggers.findIndex((one) => START + one.id === place.id);
  const trigger = triggers[index] ?? null;
  return {
    id: place.id,
    type: 'pill',
    position: { x: place.x, y: place.y },
    width: place.width,
    height: place.height,
    draggable: false,
    selected: input.selection.kind === 'trigger' && trigger?.id === input.selection.id,
    data: {
      trigger,
      type: trigger ? input.catalogue.triggers.get(trigger.type) : undefined,
      problems: counts.get(`triggers[${index}]`) ?? 0,
    },
  };
}

/** Edges of all bodies that are shown, and those from the start to the first nodes. */
function edgesIn(input: GraphInput, drawn: ReadonlySet<string>): WayEdge[] {
  const { document, run, selection } = input;
  const { definition } = document;
  const chosen = selection.kind === 'edge' ? edgeKey(selection.edge) : undefined;
  const added = new Set((input.difference?.edges ?? []).filter((one) => one.kind === 'added').map((one) => edgeKey(one.edge)));
  const edges: WayEdge[] = [];
  const inside = (body: Body, scope: Scope): void => {
    for (const edge of edgesOf(body)) {
      if (!drawn.has(edge.from) || !drawn.has(edge.to)) continue;
      const id = edgeKey(edge);
      const data: WayData = { edge, scope, taken: taken(edge, run), mark: added.has(id) ? 'added' : undefined };
      const way: WayEdge = { id, type: 'way', source: edge.from, sourceHandle: portOf(edge), target: edge.to, selected: id === chosen, data, zIndex: 5 };
      edges.push(again(drawnEdges, edge, way));
    }
    for (const node of body.nodes) if (node.body) inside(node.body, node.id);
  };
  inside(definition, null);
  const reached = new Set(edgesOf(definition).map((edge) => edge.to));
  for (const start of startsOf(document)) {
    for (const node of definition.nodes) {
      if (reached.has(node.id)) continue;
      const data: WayData = { edge: { from: start, to: node.id }, scope: null, taken: run ? run.nodes[node.id] !== undefined : undefined, mark: undefined };
      edges.push({ id: `${start}>${node.id}`, type: 'way', source: start, target: node.id, selectable: false, deletable: false, data });
    }
  }
  return edges;
}

const DONE = new Set(['succeeded', 'failed', 'timed_out']);

function taken(edge: Edge, run: ShownRun | null): boolean | undefined {
  if (!run) return undefined;
  const source = run.nodes[edge.from];
  if (!source || !DONE.has(source.status)) return false;
  const target = run.nodes[edge.to];
  const came = target !== undefined && target.status !== 'skipped';
  return (source.port ?? 'main') === portOf(edge) && came;
}
