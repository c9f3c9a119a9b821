/** What publishing a draft and publishing a version have in common. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';

import { ApiError } from '@/api/client';
import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { toast } from '@/ui';

import { calls, type Workflow } from './api';
import type { Definition } from './types';
import type { EditorSession } from './useEditorSession';

export const EMPTY: Definition = { nodes: [], edges: [] };

/** The definition that runs now; the empty one where nothing does. */
export function usePublished(workflow: Workflow): Definition | undefined {
  const version = workflow.published_version;
  const { data } = useQuery({
    queryKey: ['version', workflow.id, version],
    queryFn: () => calls.version(workflow.id, version ?? 0),
    enabled: version !== null,
    staleTime: Infinity,
  });
  return version === null ? EMPTY : data?.definition;
}

/** Everything that shows what is published is drawn anew. */
export function useAfterPublishing({ workflow, setWorkflow }: EditorSession): (published: Workflow) => Promise<void> {
  const queries = useQueryClient();
  return async (published) => {
    setWorkflow(published);
    await queries.invalidateQueries({ queryKey: ['workflows'] });
    await queries.invalidateQueries({ queryKey: ['versions', workflow.id] });
    await queries.invalidateQueries({ queryKey: ['workflow-trigger', workflow.id] });
    toast(t('Version {n} is published', { n: published.published_version ?? 1 }), { tone: 'ok' });
  };
}

export function sentenceOf(error: unknown): string {
  if (error instanceof ApiError && Array.isArray(error.details) && error.details.length > 0) {
    const lines = (error.details as { message: string; node?: string | null }[]).slice(0, 8);
    return [t('It cannot run yet:'), ...lines.map((one) => `• ${one.node ? `${one.node}: ` : ''}${one.message}`)].join('\n');
  }
  return messageOf(error);
}

export function Problem({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p role="alert" className="flex items-start gap-2 rounded-md bg-bad-soft p-2.5 text-bad">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <span className="break-words whitespace-pre-line">{text}</span>
    </p>
  );
}

/** Who is affected. */
export function Usages({ workflow }: { workflow: Workflow }) {
  const { data } = useQuery({ queryKey: ['usages', workflow.id], queryFn: () => calls.usages(workflow.id), staleTime: 10_000, retry: false });
  if (!data || data.items.length === 0) return null;
  return <p className="text-sm text-muted">{t('Used by {names}', { names: data.items.map((one) => one.name).join(', ') })}</p>;
}
