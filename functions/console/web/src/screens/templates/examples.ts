/** The examples of the repository as templates: their files are linked beside this one. */
import type { Definition, JsonObject } from '@/editor/types';

export interface Template {
  id: string;
  name: string;
  description: string;
  input?: JsonObject;
  definition: Definition;
}

const files = import.meta.glob<Omit<Template, 'id'>>('./examples/*.json', { eager: true, import: 'default' });

export const templates: Template[] = Object.entries(files)
  .map(([path, file]) => ({ ...file, id: path.replace(/^.*\/|\.json$/g, '') }))
  .sort((a, b) => a.name.localeCompare(b.name));

/** The types of its steps, each once, in their order. */
export function stepTypes({ definition }: Template): string[] {
  return [...new Set(definition.nodes.map(({ type }) => type))];
}
