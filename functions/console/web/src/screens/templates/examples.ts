/** The examples of the repository as templates: their files, and those with their test cases, are linked beside this one. */
import type { Definition, JsonObject, NodeDefinition } from '@/editor/types';
import costs from './costs.json';

/** What is given to a workflow, and what becomes of it. */
export interface Case {
  name: string;
  input?: unknown;
  /** What people answer, by the step that asks them. */
  answers?: Record<string, { decision: string; comment?: string }>;
  expect?: { status?: string; result?: unknown; error?: { code?: string; node?: string }; skipped?: string[] };
}

export interface Template {
  id: string;
  name: string;
  description: string;
  input?: JsonObject;
  definition: Definition;
  cases: Case[];
  /** What a run was measured to cost; null where nobody has. */
  dollars: number | null;
}

const files = import.meta.glob<Omit<Template, 'id' | 'cases' | 'dollars'>>('./examples/*.json', { eager: true, import: 'default' });
const tested = import.meta.glob<{ cases: Case[] }>('./examples/*.test.yaml', { eager: true, import: 'default' });

/** What it says of the command line, and of how its example ends, is left out: here it is run with a click. */
export function forConsole(description: string): string {
  const sentences = description.split(/(?<=\.)\s+(?=[A-Z`])/);
  return sentences.filter((one) => !/^(Ends |Run by hand)|`mainspring /.test(one)).join(' ');
}

export const templates: Template[] = Object.entries(files)
  .map(([path, file]) => {
    const id = path.replace(/^.*\/|\.json$/g, '');
    return { ...file, id, description: forConsole(file.description), cases: tested[path.replace(/json$/, 'test.yaml')]?.cases ?? [], dollars: (costs as Record<string, number>)[id] ?? null };
  })
  .sort((a, b) => a.name.localeCompare(b.name));

/** All its steps, also those in loops. */
export function stepsOf({ definition }: Pick<Template, 'definition'>): NodeDefinition[] {
  const inside = (nodes: readonly NodeDefinition[]): NodeDefinition[] => nodes.flatMap((node) => [node, ...(node.body ? inside(node.body.nodes) : [])]);
  return inside(definition.nodes);
}

/** The types of its steps, each once, in their order. */
export function stepTypes(template: Pick<Template, 'definition'>): string[] {
  return [...new Set(stepsOf(template).map(({ type }) => type))];
}

/** The integrations that it names. */
export function needsOf(template: Pick<Template, 'definition'>): string[] {
  const named = stepsOf(template).map(({ config }) => config?.integration);
  return [...new Set(named.filter((one): one is string => typeof one === 'string'))];
}
