/** Workflows from files, or from a text that is pasted. Each becomes a draft, which need not be right yet. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { calls } from '@/editor/api';
import { Button, Cancel, Dialog, Field, TextArea, toast } from '@/ui';

import { workflowIn, type WorkflowFile } from './transfer';

/** A workflow without a version, with a draft of this. */
export async function createFrom({ name, description, definition }: WorkflowFile): Promise<string> {
  const made = await calls.createWorkflow({ name, ...(description ? { description } : {}) });
  await calls.saveDraft(made.id, definition, null);
  return made.id;
}

export function ImportDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const typed = useTyped('workflow.import', { text: '' });
  const { text } = typed.value;
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const run = async (found: (WorkflowFile | undefined)[]) => {
    const files = found.filter((one) => one !== undefined);
    if (files.length < found.length || files.length === 0) {
      setProblem(t('This is no workflow: a JSON file with nodes and edges is expected.'));
      return;
    }
    setBusy(true);
    try {
      const ids: string[] = [];
      for (const file of files) ids.push(await createFrom(file));
      typed.forget();
      await queries.invalidateQueries({ queryKey: ['workflows'] });
      const [only] = ids;
      if (ids.length === 1 && only) await navigate({ to: '/workflows/$workflowId', params: { workflowId: only } });
      else toast(t('{n, plural, one {# workflow} other {# workflows}} imported', { n: ids.length }), { tone: 'ok' });
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  const readFiles = async (files: FileList | null) => {
    const texts = await Promise.all([...(files ?? [])].map(async (file) => workflowIn(await file.text(), file.name)));
    await run(texts);
  };
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      onSubmit={() => void run([workflowIn(text, t('Imported'))])}
      title={t('Import')}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={isBusy} disabled={text.trim() === ''}>
            {t('Import')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('Files')} hint={t('JSON files, as “Export” and the command line write them.')}>
          <input
            type="file"
            accept="application/json,.json"
            multiple
            aria-label={t('Files')}
            disabled={isBusy}
            className="rounded-md border border-line p-2"
            onChange={(event) => void readFiles(event.target.files)}
          />
        </Field>
        <Field label={t('Or paste it here')} error={problem}>
          <TextArea rows={6} className="font-mono text-sm" spellCheck={false} value={text} onChange={(event) => typed.change({ text: event.target.value })} />
        </Field>
      </div>
    </Dialog>
  );
}
