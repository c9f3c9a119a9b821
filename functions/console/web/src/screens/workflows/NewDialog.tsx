/** A new workflow needs a name, and nothing else. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { calls } from '@/editor/api';
import { Button, Dialog, Field, TextInput } from '@/ui';

export function NewDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState('');
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
      onOpenChange={onClose}
      onSubmit={() => void create()}
      title={t('New workflow')}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" variant="primary" loading={isBusy}>
            {t('Create')}
          </Button>
        </>
      }
    >
      <Field label={t('Name')} required error={problem} hint={t('What it does, such as “Approve invoices”. You can change it at any time.')}>
        <TextInput autoFocus value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />
      </Field>
    </Dialog>
  );
}
