/** Two people have changed one version: what only one has changed is taken, the rest is a conflict by node. */

import { equal } from './compare';
import { omit } from './omit';
import { edgesOf } from './tree';
import type { Body, Definition, Edge, NodeDefinition, TriggerDefinition } from './types';
import { edgeKey } from './types';

export interface Conflict {
  /** `node:fetch`, `trigger:daily`, `setting:vars`. */
  key: string;
  what: 'node' | 'trigger' | 'setting';
  id: string;
  base: unknown;
  mine: unknown;
  theirs: unknown;
}

export type Side = 'mine' | 'theirs';

export interface Merged {
  definition: Definition;
  conflicts: Conflict[];
}

const BY_ITSELF = new Set(['nodes', 'edges', 'triggers', 'output', 'ui']);

/**
 * The definition that has both changes of `base`.
 *
 * @param choices what to take where both have changed the same thing differently; mine where nothing is chosen.
 */
export function merge(
  base: Definition,
  mine: Definition,
  theirs: Definition,
  choices: Readonly<Record<string, Side>> = {},
): Merged {
  const conflicts: Conflict[] = [];
  const pick = (what: Conflict['what'], id: string, b: unknown, m: unknown, t: unknown): unknown => {
    if (equal(m, t) || equal(t, b)) return m;
    if (equal(m, b)) return t;
    const key = `${what}:${id}`;
    conflicts.push({ key, what, id, base: b, mine: m, theirs: t });
    return choices[key] === 'theirs' ? t : m;
  };
  const body = mergeBody(base, mine, theirs, pick, '');
  const settings = mergeFields(base, mine, theirs, (key, b, m, t) => pick('setting', key, b, m, t));
  const triggers = mergeTriggers(base, mine, theirs, pick);
  const ui = mergeUi(base, mine, theirs);
  const definition = { ...settings, ...body, ...(triggers.length > 0 ? { triggers } : {}), ...(ui ? { ui } : {}) } as Definition;
  return { definition, conflicts };
}

type Pick = (what: Conflict['what'], id: string, base: unknown, mine: unknown, theirs: unknown) => unknown;

type Fields = Record<string, unknown>;

/** Places, pins and the test input: what only one has changed is taken, of the rest mine. Nobody is asked about these. */
function mergeUi(base: object, mine: object, theirs: object): Fields | undefined {
  const of = (one: object) => (one as { ui?: Fields }).ui ?? {};
  const ui = mergeDeep(of(base), of(mine), of(theirs), 2);
  return Object.keys(ui).length > 0 ? ui : undefined;
}

function mergeDeep(base: Fields, mine: Fields, theirs: Fields, levels: number): Fields {
  const entries = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])].map((key) => {
    const [b, m, t] = [base[key], mine[key], theirs[key]];
    if (levels > 1 && isFields(m) && isFields(t)) return [key, mergeDeep(isFields(b) ? b : {}, m, t, levels - 1)] as const;
    return [key, equal(m, b) ? t : m] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Mine in my order, and behind them what only they have. */
function idsOf(mine: readonly { id: string }[], theirs: readonly { id: string }[]): string[] {
  return [...new Set([...mine, ...theirs].map((one) => one.id))];
}

function mergeTriggers(base: Definition, mine: Definition, theirs: Definition, pick: Pick): TriggerDefinition[] {
  const [b, m, t] = [base, mine, theirs].map((one) => one.triggers ?? []) as [
    TriggerDefinition[],
    TriggerDefinition[],
    TriggerDefinition[],
  ];
  const find = (list: TriggerDefinition[], id: string) => list.find((one) => one.id === id);
  return idsOf(m, t).flatMap((id) => {
    const chosen = pick('trigger', id, find(b, id), find(m, id), find(t, id));
    return chosen === undefined ? [] : [chosen as TriggerDefinition];
  });
}

function mergeFields(
  base: object,
  mine: object,
  theirs: object,
  pick: (key: string, base: unknown, mine: unknown, theirs: unknown) => unknown,
): Record<string, unknown> {
  const at = (one: object, key: string): unknown => (one as Record<string, unknown>)[key];
  const keys = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])].filter((key) => !BY_ITSELF.has(key));
  const entries = keys.map((key) => [key, pick(key, at(base, key), at(mine, key), at(theirs, key))] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function mergeBody(base: Body, mine: Body, theirs: Body, pick: Pick, where: string): Body {
  const find = (body: Body, id: string) => body.nodes.find((node) => node.id === id);
  const nodes = idsOf(mine.nodes, theirs.nodes).flatMap((id): NodeDefinition[] => {
    const [b, m, t] = [find(base, id), find(mine, id), find(theirs, id)];
    if (m?.body && t?.body) {
      // What is in a loop that both still have is merged by itself.
      const merged = mergeBody(b?.body ?? { nodes: [] }, m.body, t.body, pick, id);
      const shell = pick('node', id, b && withoutBody(b), withoutBody(m), withoutBody(t)) as NodeDefinition;
      return [{ ...shell, body: merged }];
    }
    const chosen = pick('node', id, b, m, t) as NodeDefinition | undefined;
    return chosen ? [chosen] : [];
  });
  const output = pick('setting', where ? `${where}.output` : 'output', base.output, mine.output, theirs.output);
  const edges = mergeEdges(base, mine, theirs, new Set(nodes.map((node) => node.id)));
  return { nodes, edges, ...(output === undefined ? {} : { output: output as NonNullable<Body['output']> }) };
}

function withoutBody(node: NodeDefinition): NodeDefinition {
  return omit(node, 'body');
}

/** An edge is there if one has added it, or both have left it; never to or from a node that is gone. */
function mergeEdges(base: Body, mine: Body, theirs: Body, ids: ReadonlySet<string>): Edge[] {
  const [b, m, t] = [base, mine, theirs].map((body) => new Map(edgesOf(body).map((edge) => [edgeKey(edge), edge]))) as [
    Map<string, Edge>,
    Map<string, Edge>,
    Map<string, Edge>,
  ];
  const all = new Map([...m, ...t]);
  return [...all]
    .filter(([key, edge]) => {
      const stays = b.has(key) ? m.has(key) && t.has(key) : true;
      return stays && ids.has(edge.from) && ids.has(edge.to);
    })
    .map(([, edge]) => edge);
}
