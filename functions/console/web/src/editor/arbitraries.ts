/** Random definitions and commands for the property tests. */

import fc from 'fast-check';

import * as clipboard from './clipboard';
import * as commands from './commands';
import { allIds, edgesOf, walk } from './tree';
import type { Body, Definition, Edge, NodeDefinition, WorkflowDocument } from './types';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const INNER = ['p', 'q', 'r', 's'];

/** Edges lead from earlier to later nodes only, so that there is no cycle. */
function edgesAmong(ids: string[]): fc.Arbitrary<Edge[]> {
  const pairs = ids.flatMap((from, index) => ids.slice(index + 1).map((to) => ({ from, to })));
  return fc.subarray(pairs).chain((chosen) =>
    fc.tuple(...chosen.map((edge) => fc.constantFrom(undefined, 'error').map((port) => (port ? { ...edge, port } : edge)))),
  );
}

function nodeOf(id: string, before: string[]): fc.Arbitrary<NodeDefinition> {
  const text = before.length > 0 ? fc.constantFrom(...before).map((one) => `Hello {{ nodes.${one}.x ?? "nodes.a" }}`) : fc.constant('plain');
  return text.map((value) => ({ id, type: 'transform', config: { value } }));
}

function bodyAmong(ids: string[], outside: string[]): fc.Arbitrary<Body> {
  const nodes = ids.map((id, index) => nodeOf(id, [...outside, ...ids.slice(0, index)]));
  return fc.record({ nodes: fc.tuple(...nodes), edges: edgesAmong(ids) });
}

export const documents: fc.Arbitrary<WorkflowDocument> = fc
  .tuple(fc.subarray(IDS, { minLength: 2 }), fc.subarray(INNER, { minLength: 1 }), fc.boolean())
  .chain(([ids, inner, hasLoop]) =>
    fc.tuple(bodyAmong(ids, []), bodyAmong(inner, ids.slice(0, 1))).map(([body, loop]) => {
      const nodes: NodeDefinition[] = hasLoop
        ? [...body.nodes, { id: 'loop', type: 'for_each', config: { items: '{{ trigger.body }}' }, body: loop }]
        : body.nodes;
      const definition: Definition = { ...body, nodes };
      return { name: 'W', description: '', definition, ui: {} };
    }),
  );

export type Command = (document: WorkflowDocument) => WorkflowDocument;

const pickIds = (document: WorkflowDocument, index: number): string => {
  const ids = [...allIds(document.definition)];
  return ids[index % Math.max(1, ids.length)] ?? '';
};

const NEW: commands.NewNode = { type: 'transform', title: 'Transform data' };

/** Any command, on whatever the document has. */
export const anyCommand: fc.Arbitrary<Command> = fc
  .tuple(fc.nat(11), fc.nat(20), fc.nat(20), fc.constantFrom('main', 'error', 'true'))
  .map(([which, one, other, port]): Command => (document) => {
    const id = pickIds(document, one);
    const to = pickIds(document, other);
    const found = [...walk(document.definition)].find(({ node }) => node.id === id);
    const scope = found?.scope ?? null;
    const edges = edgesOf(document.definition);
    const edge = edges[other % Math.max(1, edges.length)];
    switch (which) {
      case 0:
        return commands.addNode(document, NEW, found ? { scope, after: { node: id, port } } : { scope: null }).document;
      case 1:
        return edge ? commands.insertOnEdge(document, NEW, null, edge).document : document;
      case 2:
        return commands.connect(document, id, port, to);
      case 3:
        return edge ? commands.disconnect(document, null, [edge]) : document;
      case 4:
        return commands.removeNodes(document, [id]);
      case 5:
        return commands.move(document, { [id]: { x: one, y: other } });
      case 6:
        return clipboard.duplicate(document, [id, to]).document;
      case 7:
        return commands.renameNode(document, id, `renamed_${other}`);
      case 8:
        return commands.setNode(document, id, { name: `Step ${other}` });
      case 9:
        return commands.addTrigger(document, 'webhook').document;
      case 10:
        return commands.setDefinition(document, { vars: { limit: other } });
      default:
        return clipboard.paste(document, clipboard.fragmentOf(document.definition, [id, to]), null).document;
    }
  });
