/** The types that there are, and what follows from them: ports, icons, what is offered. */

import { useQuery } from '@tanstack/react-query';

import { calls, type Integration, type IntegrationType, type NodeType, type TriggerType } from './api';
import { freeId } from './tree';
import type { NodeDefinition } from './types';
import { ERROR_PORT, MAIN_PORT } from './types';

export interface Catalogue {
  nodes: ReadonlyMap<string, NodeType>;
  triggers: ReadonlyMap<string, TriggerType>;
}

const FOREVER = { staleTime: Infinity, gcTime: Infinity } as const;

export function useCatalogue(): { catalogue: Catalogue | undefined; error: Error | null; retry: () => void } {
  const nodes = useQuery({ queryKey: ['node-types'], queryFn: calls.nodeTypes, ...FOREVER });
  const triggers = useQuery({ queryKey: ['trigger-types'], queryFn: calls.triggerTypes, ...FOREVER });
  const retry = () => {
    void nodes.refetch();
    void triggers.refetch();
  };
  if (!nodes.data || !triggers.data) return { catalogue: undefined, error: nodes.error ?? triggers.error, retry };
  return { catalogue: catalogueOf(nodes.data, triggers.data), error: null, retry };
}

let last: { nodes: NodeType[]; triggers: TriggerType[]; catalogue: Catalogue } | undefined;

/** The same object for the same answers, so that whoever depends on it is not drawn anew. */
function catalogueOf(nodes: NodeType[], triggers: TriggerType[]): Catalogue {
  if (last?.nodes === nodes && last.triggers === triggers) return last.catalogue;
  const catalogue = {
    nodes: new Map(nodes.map((one) => [one.type, one])),
    triggers: new Map(triggers.map((one) => [one.type, one])),
  };
  last = { nodes, triggers, catalogue };
  return catalogue;
}

export function useIntegrationTypes(): readonly IntegrationType[] {
  return useQuery({ queryKey: ['integration-types'], queryFn: calls.integrationTypes, ...FOREVER }).data ?? [];
}

export function useIntegrations(): readonly Integration[] {
  return useQuery({ queryKey: ['integrations', 'names'], queryFn: calls.integrations, staleTime: 10_000 }).data ?? [];
}

/** The values at a path such as `config.cases[].port`. */
function valuesAt(node: NodeDefinition, path: string): string[] {
  let values: unknown[] = [node];
  for (const step of path.split('.')) {
    const key = step.replace('[]', '');
    values = values.map((one) => (typeof one === 'object' && one !== null ? (one as Record<string, unknown>)[key] : undefined));
    if (step.endsWith('[]')) values = values.flatMap((one): unknown[] => (Array.isArray(one) ? one : []));
  }
  return values.filter((one): one is string => typeof one === 'string' && one !== '');
}

/** The ports of a node in their order, `error` last where it may fail. */
export function portsOf(node: NodeDefinition, catalogue: Catalogue): string[] {
  const type = catalogue.nodes.get(node.type);
  if (!type) return [MAIN_PORT, ERROR_PORT];
  const configured = type.ports_from ? valuesAt(node, type.ports_from) : [];
  return [...new Set([...configured, ...type.ports])];
}

/** The ports on which the flow goes on when nothing fails. */
export function waysOn(node: NodeDefinition, catalogue: Catalogue): string[] {
  return portsOf(node, catalogue).filter((port) => port !== ERROR_PORT);
}

/** What a step is called: its name, else its id, unless that was only made of its type's title. */
export function titleOf(node: NodeDefinition, catalogue: Catalogue): string {
  if (node.name) return node.name;
  const title = catalogue.nodes.get(node.type)?.title;
  if (!title) return node.id;
  const made = freeId(new Set(), title.toLowerCase());
  if (node.id === made) return title;
  const number = /^(.*)_(\d{1,4})$/.exec(node.id);
  return number?.[1] === made ? `${title} ${number[2]}` : node.id;
}

/** The first words of a description, without the marks of code. */
export function firstSentence(text: string): string {
  const [first] = text.trim().split(/\n\s*\n/);
  return (first ?? '').replace(/\s+/g, ' ').trim();
}

/** A line of a node's config: what tells it from others of its type. */
export function summaryOf(node: NodeDefinition, catalogue: Catalogue): string {
  const config = node.config ?? {};
  const schema = catalogue.nodes.get(node.type)?.config_schema;
  const order = [...new Set([...(schema?.required ?? []), ...Object.keys(config)])];
  for (const key of order) {
    const value = config[key];
    if (value === undefined || value === null || value === '') continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text.replace(/^\{\{\s*([\s\S]*?)\s*\}\}$/, '$1').replace(/\s+/g, ' ').slice(0, 60);
  }
  return '';
}
