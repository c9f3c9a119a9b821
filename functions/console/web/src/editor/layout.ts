/** Where nodes stand that nobody has put anywhere: top to bottom, what leaves by an earlier port further left. */

import type { Places, ToArrange } from './arrange';
import { edgesOf } from './tree';
import type { Body, NodeDefinition, Point } from './types';
import { portOf } from './types';

export const NODE_WIDTH = 248;
export const NODE_HEIGHT = 72;
/** Room for the head and the frame of a loop that is open. */
export const LOOP_HEAD = 84;
export const LOOP_PADDING = 24;
/** Below the last step there is what adds another. */
export const LOOP_FOOT = 56;

export interface Size {
  width: number;
  height: number;
}

export interface Placed extends Size, Point {
  id: string;
  /** The loop whose frame `x` and `y` count from. */
  scope: string | null;
}

export interface LayoutInput {
  body: Body;
  /** All ports of a node, in their order. */
  ports: (node: NodeDefinition) => readonly string[];
  /** Loops whose bodies are shown in place. */
  open: ReadonlySet<string>;
  positions: Readonly<Record<string, Point>>;
  /** Gives places to what nobody has put anywhere. */
  arrange: (wanted: ToArrange) => Places;
  /** What stands above the first nodes: the triggers. */
  above?: readonly { id: string; width: number; height: number }[];
}

/** All nodes with their places, those of open loops within their frames; a loop comes before what is in it. */
export function layout(input: LayoutInput): Placed[] {
  return region(input, input.body, null).placed;
}

function region(input: LayoutInput, body: Body, scope: string | null): { placed: Placed[]; size: Size } {
  const inner = new Map<string, ReturnType<typeof region>>();
  const sizes = new Map<string, Size>();
  for (const node of body.nodes) {
    if (node.body && input.open.has(node.id)) {
      const found = region(input, node.body, node.id);
      inner.set(node.id, found);
      sizes.set(node.id, {
        width: Math.max(NODE_WIDTH + 2 * LOOP_PADDING, found.size.width + 2 * LOOP_PADDING),
        height: found.size.height + LOOP_HEAD + LOOP_FOOT,
      });
    } else sizes.set(node.id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  }
  const above = scope === null ? (input.above ?? []) : [];
  const places = automatic(input, body, sizes, above);
  for (const node of body.nodes) {
    const chosen = input.positions[node.id];
    if (chosen) places.set(node.id, chosen);
  }
  const bounds = boundsOf([...places].map(([id, at]) => ({ ...at, ...(sizes.get(id) ?? sizeAbove(above, id)) })));
  const shift = scope === null ? { x: 0, y: 0 } : { x: LOOP_PADDING - bounds.x, y: LOOP_HEAD - bounds.y };
  const own = [...above.map(({ id }) => id), ...body.nodes.map((node) => node.id)].flatMap((id): Placed[] => {
    const at = places.get(id) ?? { x: 0, y: 0 };
    const size = sizes.get(id) ?? sizeAbove(above, id);
    const placed: Placed = { id, scope, x: at.x + shift.x, y: at.y + shift.y, ...size };
    return [placed, ...(inner.get(id)?.placed ?? [])];
  });
  return { placed: own, size: { width: bounds.width, height: bounds.height } };
}

function sizeAbove(above: readonly { id: string; width: number; height: number }[], id: string): Size {
  const found = above.find((one) => one.id === id);
  return { width: found?.width ?? NODE_WIDTH, height: found?.height ?? NODE_HEIGHT };
}

function boundsOf(boxes: readonly (Point & Size)[]): Point & Size {
  if (boxes.length === 0) return { x: 0, y: 0, width: NODE_WIDTH, height: NODE_HEIGHT };
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** Where a body's nodes stand by themselves, below what is above them. */
function automatic(
  input: LayoutInput,
  body: Body,
  sizes: ReadonlyMap<string, Size>,
  above: readonly { id: string; width: number; height: number }[],
): Map<string, Point> {
  const reached = new Set(edgesOf(body).map((edge) => edge.to));
  const firsts = body.nodes.filter((node) => !reached.has(node.id));
  const boxes = body.nodes.map(({ id }) => ({ id, width: NODE_WIDTH, height: NODE_HEIGHT, ...sizes.get(id) }));
  const places = input.arrange({
    boxes: [...above, ...boxes],
    edges: [...above.flatMap((one) => firsts.map(({ id }) => ({ from: one.id, to: id }))), ...orderedEdges(input, body)],
  });
  return new Map(Object.entries(places));
}

/** dagre reverses ties, so that edges go in by port from last to first: what leaves by the first port stands left. */
function orderedEdges(input: LayoutInput, body: Body): { from: string; to: string; name: string }[] {
  const ids = new Set(body.nodes.map((node) => node.id));
  const rank = new Map(body.nodes.map((node) => [node.id, input.ports(node)]));
  const place = (from: string, port: string): number => {
    const at = rank.get(from)?.indexOf(port) ?? -1;
    return at < 0 ? Number.MAX_SAFE_INTEGER : at;
  };
  return edgesOf(body)
    .filter((edge) => ids.has(edge.from) && ids.has(edge.to))
    .map((edge, index) => ({ from: edge.from, to: edge.to, name: portOf(edge), index }))
    .sort((one, other) => place(other.from, other.name) - place(one.from, one.name) || other.index - one.index);
}
