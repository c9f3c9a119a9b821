/** How the nodes of a run are called: by their author, else by their type. */
import { useQuery } from '@tanstack/react-query';
import { request } from '@/api/client';
import { runPath, type Run, type RunNode } from './api';
import { placeOf } from './model';

interface WrittenNode {
  id: string;
  name?: string | null;
  body?: { nodes: WrittenNode[] } | null;
}

export interface RanDefinition {
  version: number | null;
  definition: { nodes: WrittenNode[]; [key: string]: unknown };
}

/** What ran, which never changes; undefined until it is known, null where it is not kept any more. */
export function useRanDefinition(runId: string): RanDefinition | null | undefined {
  const { data, error } = useQuery({
    queryKey: ['runs', 'definition', runId],
    queryFn: () => request<RanDefinition>('GET', `${runPath(runId)}/definition`),
    staleTime: Infinity,
  });
  return error ? null : data;
}

/** The names of all nodes, also in loops, by id. */
export function namesOf(nodes: readonly WrittenNode[]): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (some: readonly WrittenNode[]): void => {
    for (const { id, name, body } of some) {
      if (name) found.set(id, name);
      if (body) walk(body.nodes);
    }
  };
  walk(nodes);
  return found;
}

export function useNodeTitles(run: Run): (node: RunNode) => string {
  const ran = useRanDefinition(run.id);
  const names = ran ? namesOf(ran.definition.nodes) : new Map<string, string>();
  return ({ id: path }) => {
    const { id } = placeOf(path);
    return names.get(id) ?? id;
  };
}
