/** Where a workflow is kept, and by what words it is found. */
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { calls, type WorkflowSummary } from '@/editor/api';
import { Button, Cancel, Dialog, Field, TextInput } from '@/ui';

export function OrganizeDialog({ workflow, onClose }: { workflow: WorkflowSummary; onClose: () => void }) {
  const queries = useQueryClient();
  const typed = useTyped(`organize.${workflow.id}`, { folder: workflow.folder ?? '', labels: workflow.labels.join(', ') });
  const { folder, labels } = typed.value;
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const save = async () => {
    setBusy(true);
    const words = labels.split(',').map((one) => one.trim()).filter(Boolean);
    try {
      await calls.patchWorkflow(workflow.id, { folder: folder.trim() || null, labels: [...new Set(words)] });
      await queries.invalidateQueries({ queryKey: ['workflows'] });
      typed.forget();
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      onSubmit={() => void save()}
      title={t('Folder and labels')}
      size="sm"
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={isBusy}>
            {t('Save')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('Folder')} hint={t('Such as Finance/Incoming.')}>
          <TextInput value={folder} onChange={(event) => typed.change({ folder: event.target.value })} />
        </Field>
        <Field label={t('Labels')} hint={t('Several are separated by commas.')} error={problem}>
          <TextInput value={labels} onChange={(event) => typed.change({ labels: event.target.value })} />
        </Field>
      </div>
    </Dialog>
  );
}
