/** The workspace itself: its name, and its end. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { ApiError } from '@/api/errors';
import { consoleBase } from '@/app/base';
import { useCan } from '@/app/can';
import { t } from '@/app/i18n';
import { forgetPlace } from '@/app/place';
import { useSession } from '@/app/session';
import { useTyped } from '@/app/typed';
import { WORKSPACES } from '@/app/workspaces';
import { Button, Cancel, Card, Dialog, ErrorState, Field, Line, Skeleton, TextInput, Time, toast } from '@/ui';
import { calls, useRefresh, useWorkspace } from './api';
import { Mail } from './Mail';
import { roleName } from './roles';

const LONGEST_NAME = 100;

export default function WorkspaceSettings() {
  const workspace = useWorkspace();
  const mayManage = useCan('manage');
  if (workspace.isPending) return <Skeleton />;
  if (workspace.isError) return <ErrorState error={workspace.error} onRetry={() => void workspace.refetch()} />;
  const { name, role, created_at, is_personal } = workspace.data;
  return (
    <div className="flex flex-col gap-5">
      <Card title={t('Workspace')}>
        <div className="flex flex-col gap-4">
          {mayManage && <NameForm key={name} known={name} />}
          <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-2">
            {!mayManage && <Line name={t('Name')}>{name}</Line>}
            <Line name={t('Your role')}>{roleName(role)}</Line>
            <Line name={t('Since')}>
              <Time at={created_at} exact />
            </Line>
          </dl>
          {is_personal && <p className="text-muted">{t('This is your own workspace: it stays as long as your account.')}</p>}
        </div>
      </Card>
      {mayManage && <Mail workspace={workspace.data} />}
      {mayManage && !is_personal && <End name={name} />}
    </div>
  );
}

function NameForm({ known }: { known: string }) {
  const typed = useTyped('workspace', { name: known });
  const { name } = typed.value;
  const refresh = useRefresh();
  const client = useQueryClient();
  const wanted = name.trim();
  const rename = useMutation({
    mutationFn: () => calls.rename(wanted),
    onSuccess: async (renamed) => {
      typed.forget({ name: renamed.name });
      useSession.setState(({ me }) => ({ me: me && { ...me, workspace_name: renamed.name } }));
      toast(t('The workspace is renamed'), { tone: 'ok' });
      await Promise.all([refresh(), client.invalidateQueries({ queryKey: WORKSPACES })]);
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    rename.mutate();
  };
  const { error } = rename;
  const problem = error instanceof ApiError ? (error.fields.name ?? error.message) : error?.message;
  return (
    <form onSubmit={send} className="flex items-end gap-2">
      <Field label={t('Name')} className="max-w-sm flex-1" error={problem}>
        <TextInput autoComplete="off" maxLength={LONGEST_NAME} value={name} onChange={(event) => typed.change({ name: event.target.value })} />
      </Field>
      <Button type="submit" loading={rename.isPending} disabled={!wanted || wanted === known}>
        {t('Save')}
      </Button>
    </form>
  );
}

function End({ name }: { name: string }) {
  const [isAsked, setAsked] = useState(false);
  return (
    <Card title={t('Delete the workspace')}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="text-muted">{t('Workflows, integrations, subscriptions, tables and files in it have to be deleted first.')}</p>
        <Button variant="danger" onClick={() => setAsked(true)}>
          {t('Delete the workspace')}
        </Button>
      </div>
      {isAsked && <DeleteDialog name={name} onClose={() => setAsked(false)} />}
    </Card>
  );
}

function DeleteDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const remove = useMutation({
    mutationFn: calls.remove,
    onSuccess: () => {
      forgetPlace();
      location.assign(consoleBase);
    },
  });
  return (
    <Dialog
      open
      typed={null}
      onOpenChange={onClose}
      size="sm"
      title={t('Delete {name}?', { name })}
      description={t('Nobody can bring it back. All members are out at once.')}
      onSubmit={() => remove.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="danger" loading={remove.isPending || remove.isSuccess} disabled={typed.trim() !== name}>
            {t('Delete')}
          </Button>
        </>
      }
    >
      <Field label={t('Type {name} to delete it', { name })} error={remove.error?.message}>
        <TextInput autoFocus autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />
      </Field>
    </Dialog>
  );
}
