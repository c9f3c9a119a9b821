/** Workflows as files: the same form as the command line reads and writes. */
import type { WorkflowSummary } from '@/editor/api';
import { isBody } from '@/editor/clipboard';
import type { Definition, JsonObject } from '@/editor/types';

export interface WorkflowFile {
  name: string;
  description?: string;
  input?: JsonObject;
  definition: Definition;
}

/** What a text holds: a workflow's file, or a bare definition; undefined if neither. */
export function workflowIn(text: string, filename: string): WorkflowFile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (isBody(value)) return { name: filename.replace(/\.json$/i, ''), definition: value };
  const { name, description, definition } = (value ?? {}) as Partial<WorkflowFile>;
  if (!isBody(definition)) return undefined;
  return {
    name: typeof name === 'string' && name !== '' ? name : filename.replace(/\.json$/i, ''),
    ...(typeof description === 'string' ? { description } : {}),
    definition,
  };
}

/** Gives the browser a file to keep. */
export function download(workflow: WorkflowSummary, definition: Definition): void {
  const file: WorkflowFile = { name: workflow.name, ...(workflow.description ? { description: workflow.description } : {}), definition };
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(file, null, 2)}\n`], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${workflow.name.replace(/[^\p{L}\p{N}]+/gu, '_').toLowerCase()}.json`;
  link.click();
  URL.revokeObjectURL(url);
}
