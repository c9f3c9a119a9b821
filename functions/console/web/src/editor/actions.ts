/** What the canvas, the outline, the panel and the keys do: commands on the store, with words for what was done. */

import { t } from '@/app/i18n';

import type { NodeType } from './api';
import { waysOn, type Catalogue } from './catalogue';
import { asText, duplicate, fragmentIn, fragmentOf, paste } from './clipboard';
import * as commands from './commands';
import type { EditorStore, Place } from './store';
import { bodyOf, edgesOf, findNode } from './tree';
import type { Edge, JsonObject, Scope } from './types';
import { MAIN_PORT, portOf } from './types';

function chosenIds(store: EditorStore): readonly string[] {
  const { selection } = store.getState();
  return selection.kind === 'nodes' ? selection.ids : [];
}

/** Where `/` and "Add step" put a step: behind what is chosen, on the chosen edge, or behind the last one. */
export function placeFor(store: EditorStore, catalogue: Catalogue): Place {
  const { selection, history } = store.getState();
  const { definition } = history.document;
  if (selection.kind === 'edge') return { kind: 'edge', edge: selection.edge, scope: selection.scope };
  const id = selection.kind === 'nodes' ? selection.ids[selection.ids.length - 1] : lastOf(store);
  const found = id === undefined ? undefined : findNode(definition, id);
  if (!found) return { kind: 'end', scope: null };
  const ports = waysOn(found.node, catalogue);
  const edges = edgesOf(bodyOf(definition, found.scope) ?? definition).filter((edge) => edge.from === found.node.id);
  const free = ports.find((port) => !edges.some((edge) => portOf(edge) === port));
  const port = free ?? ports[0];
  if (port === undefined) return { kind: 'end', scope: found.scope };
  return { kind: 'after', node: found.node.id, port, scope: found.scope };
}

/** The only node from which nothing goes on, if there is one such. */
function lastOf(store: EditorStore): string | undefined {
  const { definition } = store.getState().history.document;
  const leaves = definition.nodes.filter((node) => !edgesOf(definition).some((edge) => edge.from === node.id));
  return leaves.length === 1 ? leaves[0]?.id : undefined;
}

export function addStep(store: EditorStore, type: NodeType, place: Place): void {
  const wanted: commands.NewNode = {
    type: type.type,
    title: type.title,
    hasBody: type.has_body,
    port: type.ports.find((port) => port !== 'error') ?? MAIN_PORT,
  };
  let id = '';
  store.getState().apply(t('Added {title}', { title: type.title }), (document) => {
    const added =
      place.kind === 'edge'
        ? commands.insertOnEdge(document, wanted, place.scope, place.edge)
        : place.kind === 'after'
          ? commands.addNode(document, wanted, { scope: place.scope, after: { node: place.node, port: place.port } })
          : commands.addNode(document, wanted, { scope: place.kind === 'end' ? place.scope : null });
    id = added.id;
    return added.document;
  });
  if (!id) return;
  store.getState().selectNode(id);
  if (type.has_body) store.getState().toggleLoop(id);
}

export function addTrigger(store: EditorStore, type: { type: string; title: string }, config: JsonObject = {}): void {
  let id = '';
  store.getState().apply(t('Added {title}', { title: type.title }), (document) => {
    const added = commands.addTrigger(document, type.type, config);
    id = added.id;
    return added.document;
  });
  if (id) store.getState().select({ kind: 'trigger', id });
}

/** Takes away what is chosen: steps, an edge, or a trigger. */
export function removeChosen(store: EditorStore): void {
  const { selection, apply } = store.getState();
  if (selection.kind === 'nodes') {
    const n = selection.ids.length;
    apply(t('{n, plural, one {Deleted a step} other {Deleted # steps}}', { n }), (document) => commands.removeNodes(document, selection.ids));
  } else if (selection.kind === 'edge') {
    apply(t('Deleted a connection'), (document) => commands.disconnect(document, selection.scope, [selection.edge]));
    store.getState().select({ kind: 'none' });
  } else if (selection.kind === 'trigger') {
    apply(t('Deleted a trigger'), (document) => commands.removeTrigger(document, selection.id));
  }
}

export function connect(store: EditorStore, from: string, port: string, to: string): void {
  const { history, apply, say } = store.getState();
  const problem = commands.connectionProblem(history.document.definition, from, port, to);
  if (problem === 'cycle') say(t('That would be a circle: use a loop to repeat steps.'));
  else if (problem === 'scope') say(t('Steps inside of a loop connect only to one another.'));
  if (!problem) apply(t('Connected {from} to {to}', { from, to }), (document) => commands.connect(document, from, port, to));
}

export function disconnect(store: EditorStore, scope: Scope, edge: Edge): void {
  store.getState().apply(t('Deleted a connection'), (document) => commands.disconnect(document, scope, [edge]));
}

export function duplicateChosen(store: EditorStore): void {
  const chosen = chosenIds(store);
  if (chosen.length === 0) return;
  let ids: string[] = [];
  store.getState().apply(t('Duplicated'), (document) => {
    const pasted = duplicate(document, chosen);
    ids = pasted.ids;
    return pasted.document;
  });
  if (ids.length > 0) store.getState().select({ kind: 'nodes', ids });
}

/** The chosen steps as JSON, or all of them. */
export function textToCopy(store: EditorStore): string | undefined {
  const { definition } = store.getState().history.document;
  const chosen = chosenIds(store);
  if (chosen.length === 0) return undefined;
  return asText(fragmentOf(definition, chosen));
}

/** Steps from the clipboard, into the loop in which a chosen step stands; false where the text is no JSON of steps. */
export function pasteText(store: EditorStore, text: string): boolean {
  const fragment = fragmentIn(text);
  if (!fragment) return false;
  const first = chosenIds(store)[0];
  const scope = first ? (findNode(store.getState().history.document.definition, first)?.scope ?? null) : null;
  let ids: string[] = [];
  store.getState().apply(t('{n, plural, one {Pasted a step} other {Pasted # steps}}', { n: fragment.nodes.length }), (document) => {
    const pasted = paste(document, fragment, scope);
    ids = pasted.ids;
    return pasted.document;
  });
  if (ids.length > 0) store.getState().select({ kind: 'nodes', ids });
  return true;
}
