/** Places for boxes and the edges between them, by dagre. It is slow for many: see `arranging.ts`. */

import dagre from '@dagrejs/dagre';

import type { Point } from './types';

const GAP_X = 48;
const GAP_Y = 56;

export interface Box {
  id: string;
  width: number;
  height: number;
}

/** What is to be arranged: plain JSON, so that a worker can be asked. */
export interface ToArrange {
  boxes: readonly Box[];
  /** What leaves by an earlier port comes later, since dagre reverses ties: it stands further left. */
  edges: readonly { from: string; to: string; name?: string }[];
}

/** The upper left corner of each box, by its id. */
export type Places = Readonly<Record<string, Point>>;

export function arrange({ boxes, edges }: ToArrange): Places {
  const graph = new dagre.graphlib.Graph<object, Partial<Point> & Omit<Box, 'id'>>({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', nodesep: GAP_X, ranksep: GAP_Y, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height });
  for (const { from, to, name } of edges) graph.setEdge(from, to, {}, name);
  dagre.layout(graph);
  return Object.fromEntries(
    boxes.map(({ id, width, height }) => {
      const { x = 0, y = 0 } = graph.node(id);
      return [id, { x: Math.round(x - width / 2), y: Math.round(y - height / 2) }];
    }),
  );
}
