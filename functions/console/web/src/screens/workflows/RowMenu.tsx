/** What can be done with one workflow of the list. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Copy, Download, EllipsisVertical, FolderInput, Play, Power, Trash2 } from 'lucide-react';
import { useState } from 'react';

import { ApiError } from '@/api/client';
import { t } from '@/app/i18n';
import { calls, draftOf, type WorkflowSummary } from '@/editor/api';
import type { Definition } from '@/editor/types';
import { confirm, IconButton, Menu, toast, toastError } from '@/ui';

import { createFrom } from './ImportDialog';
import { OrganizeDialog } from './OrganizeDialog';
import { download } from './transfer';

const EMPTY: Definition = { nodes: [], edges: [] };

/** What its author sees when they open it: the draft, else the newest version. */
async function definitionOf(id: string): Promise<Definition> {
  const { data: workflow } = await calls.workflow(id);
  const draft = workflow.drafts.some((one) => one.is_mine) ? await draftOf(id) : null;
  return draft?.definition ?? workflow.definition ?? EMPTY;
}

export function RowMenu({ workflow }: { workflow: WorkflowSummary }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [isOrganizing, setOrganizing] = useState(false);
  const act = (what: () => Promise<void>) => () => {
    what()
      .then(() => queries.invalidateQueries({ queryKey: ['workflows'] }))
      .catch((error: unknown) => toastError(t('That did not work'), error));
  };
  const duplicate = async () => {
    const definition = await definitionOf(workflow.id);
    const description = workflow.description ? { description: workflow.description } : {};
    const id = await createFrom({ name: t('{name}, copy', { name: workflow.name }), ...description, definition });
    await navigate({ to: '/workflows/$workflowId', params: { workflowId: id } });
  };
  const toggle = async () => {
    await calls.setActive(workflow.id, !workflow.is_active);
    toast(workflow.is_active ? t('The workflow is off') : t('The workflow is on: its triggers start it'), { tone: 'ok' });
  };
  return (
    <>
      <Menu
        trigger={<IconButton icon={EllipsisVertical} label={t('Actions for {name}', { name: workflow.name })} />}
        items={[
          {
            label: workflow.is_active ? t('Switch off') : t('Switch on'),
            icon: Power,
            needs: 'publish',
            disabled: workflow.published_version === null,
            onSelect: act(toggle),
          },
          { label: t('Runs of this workflow'), icon: Play, onSelect: () => void navigate({ to: '/runs', search: { workflow: workflow.id } }) },
          { label: t('Duplicate'), icon: Copy, needs: 'edit', onSelect: act(duplicate) },
          { label: t('Folder and labels'), icon: FolderInput, needs: 'edit', onSelect: () => setOrganizing(true) },
          { label: t('Export'), icon: Download, onSelect: act(async () => download(workflow, await definitionOf(workflow.id))) },
          'separator',
          { label: t('Delete'), icon: Trash2, danger: true, needs: 'publish', onSelect: act(() => remove(workflow)) },
        ]}
      />
      {isOrganizing && <OrganizeDialog workflow={workflow} onClose={() => setOrganizing(false)} />}
    </>
  );
}

/** Asks, and asks again with the names of those that use it. */
async function remove(workflow: WorkflowSummary): Promise<void> {
  const isSure = await confirm({
    title: t('Delete “{name}”?', { name: workflow.name }),
    text: t('Its versions and triggers go with it. Runs that are under way go on, and all runs stay to be seen.'),
    action: t('Delete'),
    danger: true,
  });
  if (!isSure) return;
  try {
    await calls.deleteWorkflow(workflow.id, false);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'in_use') throw error;
    const names = (error.details as { name: string }[]).map((one) => one.name).join(', ');
    const isForced = await confirm({
      title: t('Other workflows use it'),
      text: t('{names} will fail where they start it.', { names }),
      action: t('Delete all the same'),
      danger: true,
    });
    if (!isForced) return;
    await calls.deleteWorkflow(workflow.id, true);
  }
  toast(t('“{name}” is deleted', { name: workflow.name }));
}
