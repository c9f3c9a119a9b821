/** Asks what a new workspace is called, and goes there. */
import { useMutation } from '@tanstack/react-query';
import { ApiError } from '@/api/client';
import { Button, Cancel, Dialog, Field, TextInput } from '@/ui';
import { t } from './i18n';
import { useTyped } from './typed';
import { createWorkspace, enterWorkspace } from './workspaces';

const LONGEST_NAME = 100;

export default function NewWorkspaceDialog({ onClose }: { onClose: () => void }) {
  const typed = useTyped('workspace.new', { name: '' });
  const { name } = typed.value;
  const create = useMutation({
    mutationFn: async () => {
      const { id } = await createWorkspace(name.trim());
      typed.forget(); // before another workspace is entered: what is kept is by workspace
      await enterWorkspace(id, '/settings?tab=members');
    },
  });
  const { error } = create;
  const problem = error instanceof ApiError ? (error.fields.name ?? error.message) : error?.message;
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      size="sm"
      title={t('Create a workspace')}
      description={t('It has its own workflows, integrations and tables, and whoever you invite.')}
      onSubmit={() => create.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={create.isPending || create.isSuccess} disabled={!name.trim()}>
            {t('Create')}
          </Button>
        </>
      }
    >
      <Field label={t('Name')} required error={problem} hint={t('Such as the team that works in it.')}>
        <TextInput autoFocus autoComplete="off" maxLength={LONGEST_NAME} value={name} onChange={(event) => typed.change({ name: event.target.value })} />
      </Field>
    </Dialog>
  );
}
