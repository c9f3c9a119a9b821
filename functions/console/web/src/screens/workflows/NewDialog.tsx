/** A new workflow needs a name, and nothing else. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { calls } from '@/editor/api';
import { Button, Cancel, Dialog, Field, TextInput } from '@/ui';

export function NewDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const typed = useTyped('workflow.new', { name: '' });
  const { name } = typed.value;
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const create = async () => {
    if (name.trim() === '') {
      setProblem(t('A workflow has a name.'));
      return;
    }
    setBusy(true);
    try {
      const made = await calls.createWorkflow({ name: name.trim() });
      typed.forget();
      await queries.invalidateQueries({ queryKey: ['workflows'] });
      await navigate({ to: '/workflows/$workflowId', params: { workflowId: made.id } });
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
      onSubmit={() => void create()}
      title={t('New workflow')}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={isBusy}>
            {t('Create')}
          </Button>
        </>
      }
    >
      <Field label={t('Name')} required error={problem} hint={t('What it does, such as “Approve invoices”. You can change it at any time.')}>
        <TextInput autoFocus value={name} maxLength={200} onChange={(event) => typed.change({ name: event.target.value })} />
      </Field>
    </Dialog>
  );
}
