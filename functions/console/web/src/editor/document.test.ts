import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { referencesIn } from '../expr/references';
import { anyCommand, documents } from './arbitraries';
import { fragmentIn, fragmentOf, asText, paste } from './clipboard';
import * as commands from './commands';
import { newHistory, record, redo, undo } from './history';
import { ancestors, edgesOf, findNode, freeId, walk } from './tree';
import type { Body, WorkflowDocument } from './types';

function bodiesOf(document: WorkflowDocument): Body[] {
  const inner = [...walk(document.definition)].flatMap(({ node }) => (node.body ? [node.body] : []));
  return [document.definition, ...inner];
}

/** What holds of each document, whatever was done: unique ids, edges between nodes of one body, no cycle. */
function expectSound(document: WorkflowDocument): void {
  const ids = [...walk(document.definition)].map(({ node }) => node.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const body of bodiesOf(document)) {
    const own = new Set(body.nodes.map((node) => node.id));
    for (const edge of edgesOf(body)) {
      expect(own.has(edge.from) && own.has(edge.to)).toBe(true);
      expect(ancestors(body, edge.from).has(edge.to)).toBe(false);
    }
  }
}

describe('commands', () => {
  it('keep a definition sound, whatever is done', () => {
    fc.assert(
      fc.property(documents, fc.array(anyCommand, { maxLength: 12 }), (document, done) => {
        expectSound(done.reduce((current, command) => command(current), document));
      }),
    );
  });

  it('are undone and done again exactly', () => {
    fc.assert(
      fc.property(documents, fc.array(anyCommand, { maxLength: 12 }), (document, done) => {
        const frozen = JSON.stringify(document);
        let history = newHistory(document);
        const states = [document];
        done.forEach((command, at) => {
          const after = record(history, command(history.document), { label: 'x', at });
          if (after !== history) states.push(after.document);
          history = after;
        });
        const last = history.document;
        for (const state of states.slice(0, -1).reverse()) {
          history = undo(history);
          expect(history.document).toBe(state);
        }
        expect(undo(history)).toBe(history);
        expect(JSON.stringify(history.document)).toBe(frozen);
        for (const state of states.slice(1)) {
          history = redo(history);
          expect(history.document).toBe(state);
        }
        expect(history.document).toBe(last);
      }),
    );
  });

  it('rename keeps what refers to what', () => {
    fc.assert(
      fc.property(documents, fc.nat(30), (document, index) => {
        const ids = [...walk(document.definition)].map(({ node }) => node.id);
        const id = ids[index % ids.length] ?? '';
        const renamed = commands.renameNode(document, id, 'fresh_name');
        const swapped = (one: string) => (one === id ? 'fresh_name' : one);
        const links = (one: WorkflowDocument) =>
          [...walk(one.definition)].flatMap(({ node }) =>
            referencesIn(JSON.stringify(node.config)).map((reference) => [node.id, reference.id]),
          );
        expect(links(renamed)).toEqual(links(document).map(([from, to]) => [swapped(from ?? ''), swapped(to ?? '')]));
        const back = commands.renameNode(renamed, 'fresh_name', id);
        expect(back.definition).toEqual(document.definition);
      }),
    );
  });
});

const TWO: WorkflowDocument = {
  name: 'W',
  description: '',
  ui: { positions: { fetch: { x: 1, y: 2 } } },
  definition: {
    nodes: [
      { id: 'fetch', type: 'http', config: { url: 'https://a.example' } },
      { id: 'other', type: 'http', config: {} },
      { id: 'join', type: 'merge', config: {} },
      {
        id: 'send',
        type: 'transform',
        config: {
          value: '{{ nodes.fetch.body }} nodes.fetch {{ "nodes.fetch" & nodes.`fetch`.x }}',
          joined: '{{ nodes.join.fetch.body }}',
          callback: '{{ execution.callbacks.fetch }}',
          inner: '{{ nodes.other[nodes.fetch = 1].nodes.fetch }}',
          root: '{{ nodes.other[$$.nodes.fetch.ok] }}',
        },
      },
    ],
    edges: [
      { from: 'fetch', to: 'join' },
      { from: 'other', to: 'join' },
      { from: 'join', to: 'send' },
    ],
    output: { sent: '{{ nodes.fetch.status }}' },
  },
};

describe('renameNode', () => {
  it('rewrites edges, templates, outputs of merges, callbacks, the result and positions, and nothing else', () => {
    const { definition, ui } = commands.renameNode(TWO, 'fetch', 'get_order');
    expect(definition.nodes[3]?.config).toEqual({
      value: '{{ nodes.get_order.body }} nodes.fetch {{ "nodes.fetch" & nodes.`get_order`.x }}',
      joined: '{{ nodes.join.get_order.body }}',
      callback: '{{ execution.callbacks.get_order }}',
      inner: '{{ nodes.other[nodes.fetch = 1].nodes.fetch }}',
      root: '{{ nodes.other[$$.nodes.get_order.ok] }}',
    });
    expect(definition.edges?.[0]).toEqual({ from: 'get_order', to: 'join' });
    expect(definition.output).toEqual({ sent: '{{ nodes.get_order.status }}' });
    expect(ui.positions).toEqual({ get_order: { x: 1, y: 2 } });
  });

  it('keeps the pin of the step, also in a loop', () => {
    const loop = { id: 'each', type: 'for_each', body: { nodes: [{ id: 'call', type: 'http' }] } };
    const pins = { fetch: { output: 1 }, each: { output: [] }, 'each.call': { output: 2, port: 'error' } };
    const document = { ...TWO, definition: { ...TWO.definition, nodes: [...TWO.definition.nodes, loop] }, ui: { pins } };
    expect(commands.renameNode(document, 'call', 'ask').ui.pins).toEqual({ fetch: pins.fetch, each: pins.each, 'each.ask': pins['each.call'] });
    expect(Object.keys(commands.renameNode(document, 'each', 'all').ui.pins ?? {})).toEqual(['fetch', 'all', 'all.call']);
    expect(commands.removeNodes(document, ['each']).ui.pins).toEqual({ fetch: pins.fetch });
  });

  it('refuses an id that is taken or malformed', () => {
    expect(commands.renameNode(TWO, 'fetch', 'send')).toBe(TWO);
    expect(commands.renameNode(TWO, 'fetch', '1st')).toBe(TWO);
    expect(commands.renameProblem(TWO.definition, 'fetch', 'send')).toBe('taken');
  });
});

describe('adding and removing', () => {
  it('puts a node between a node and what was behind it', () => {
    const { document, id } = commands.addNode(TWO, { type: 'delay', title: 'Wait' }, { scope: null, after: { node: 'join', port: 'main' } });
    expect(id).toBe('wait');
    expect(document.definition.edges).toContainEqual({ from: 'join', to: 'wait' });
    expect(document.definition.edges).toContainEqual({ from: 'wait', to: 'send' });
    expect(document.definition.edges).not.toContainEqual({ from: 'join', to: 'send' });
  });

  it('closes the gap that a removed node leaves', () => {
    const { definition } = commands.removeNodes(TWO, ['join']);
    expect(definition.edges).toEqual([
      { from: 'fetch', to: 'send' },
      { from: 'other', to: 'send' },
    ]);
  });

  it('adds into the body of a loop', () => {
    const loop = commands.addNode(TWO, { type: 'for_each', title: 'For each', hasBody: true }, { scope: null });
    const { document, id } = commands.addNode(loop.document, { type: 'delay', title: 'Wait' }, { scope: loop.id });
    expect(findNode(document.definition, id)?.scope).toBe(loop.id);
    expectSound(document);
  });

  it('refuses cycles, other bodies and what is there', () => {
    expect(commands.connectionProblem(TWO.definition, 'send', 'main', 'fetch')).toBe('cycle');
    expect(commands.connectionProblem(TWO.definition, 'fetch', 'main', 'fetch')).toBe('cycle');
    expect(commands.connectionProblem(TWO.definition, 'fetch', 'main', 'join')).toBe('exists');
    expect(commands.connectionProblem(TWO.definition, 'fetch', 'error', 'send')).toBeUndefined();
  });

  it('makes ids of what people write', () => {
    expect(freeId(new Set(), 'HTTP request')).toBe('HTTP_request');
    expect(freeId(new Set(['wait', 'wait_2']), 'wait')).toBe('wait_3');
    expect(freeId(new Set(), '3 Größen')).toBe('step_3_Gro_en');
    expect(freeId(new Set(), '!')).toBe('step');
  });
});

describe('the clipboard', () => {
  it('gives copies ids of their own that refer to one another', () => {
    const text = asText(fragmentOf(TWO.definition, ['fetch', 'join', 'send']));
    const fragment = fragmentIn(text);
    expect(fragment).toBeDefined();
    const { document, ids } = paste(TWO, fragment ?? { nodes: [], edges: [] }, null);
    expect(ids).toEqual(['fetch_2', 'join_2', 'send_2']);
    const copied = findNode(document.definition, 'send_2')?.node.config;
    expect(copied?.joined).toBe('{{ nodes.join_2.fetch_2.body }}');
    expect(document.definition.edges).toContainEqual({ from: 'fetch_2', to: 'join_2' });
    expectSound(document);
  });

  it('takes whole workflows and single nodes, and refuses what is neither', () => {
    expect(fragmentIn(JSON.stringify({ name: 'W', definition: TWO.definition }))?.nodes).toHaveLength(4);
    expect(fragmentIn('{"id": "x", "type": "http"}')?.nodes).toHaveLength(1);
    expect(fragmentIn('{"nodes": [{"id": 1}]}')).toBeUndefined();
    expect(fragmentIn('hello')).toBeUndefined();
    expect(fragmentIn('{"nodes": []}')).toBeUndefined();
  });
});

describe('undo', () => {
  it('takes the letters of a word together, and what came later apart', () => {
    const name = (text: string) => commands.setNode(TWO, 'fetch', { name: text });
    let history = newHistory(TWO);
    history = record(history, name('G'), { label: 'x', merge: 'name', at: 0 });
    history = record(history, name('Ge'), { label: 'x', merge: 'name', at: 100 });
    history = record(history, name('Get'), { label: 'x', merge: 'name', at: 5_000 });
    expect(undo(history).document).toEqual(name('Ge'));
    expect(undo(undo(history)).document).toBe(TWO);
    const redone = redo(undo(history));
    expect(record(redone, name('Get it'), { label: 'x', merge: 'name', at: 5_100 }).past).toHaveLength(3);
  });
});
