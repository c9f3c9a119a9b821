/** By which integration the workspace sends mail to people: requests for approvals, and invitations. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { t } from '@/app/i18n';
import { Badge, Card, ErrorState, Field, Select, Skeleton, toast, toastError } from '@/ui';
import { calls as integrations, useTypes } from '../integrations/api';
import { calls, useRefresh, type WorkspaceDetails } from './api';

export function Mail({ workspace }: { workspace: WorkspaceDetails }) {
  const types = useTypes();
  const list = useQuery({ queryKey: ['integrations', 'list'], queryFn: integrations.list });
  const error = types.error ?? list.error;
  const senders = new Set(types.data?.filter((one) => one.sends_mail).map(({ type }) => type));
  return (
    <Card
      title={t('Mail to people')}
      aside={workspace.can_send_mail ? <Badge tone="ok">{t('On')}</Badge> : <Badge>{t('Off')}</Badge>}
    >
      <div className="flex flex-col gap-4">
        <p className="text-muted">{t('Requests for approvals and invitations go to people by mail, beside what they see here.')}</p>
        {error && <ErrorState error={error} onRetry={() => void Promise.all([types.refetch(), list.refetch()])} />}
        {!error && !(types.data && list.data) && <Skeleton lines={1} />}
        {types.data && list.data && <Choice workspace={workspace} names={list.data.items.filter(({ type }) => senders.has(type)).map(({ name }) => name)} />}
      </div>
    </Card>
  );
}

function Choice({ workspace, names }: { workspace: WorkspaceDetails; names: string[] }) {
  const chosen = workspace.mail_integration;
  const refresh = useRefresh();
  const choose = useMutation({
    mutationFn: (name: string) => calls.sendMailBy(name || null),
    onSuccess: ({ mail_integration }) =>
      toast(mail_integration === null ? t('No integration sends mail to people now') : t('Mail goes by {name} now', { name: mail_integration }), { tone: 'ok' }),
    onError: (error) => toastError(t('That could not be changed'), error),
    onSettled: refresh,
  });
  if (names.length === 0 && chosen === null)
    return (
      <p>
        {t('No integration here can send mail.')}{' '}
        <Link to="/integrations" className="text-accent underline">
          {t('Connect a mail server')}
        </Link>
      </p>
    );
  const isByDeployment = workspace.can_send_mail && chosen === null;
  return (
    <Field label={t('Sent by')} className="max-w-sm" hint={isByDeployment ? t('Without an integration, the mail address of this installation is used.') : undefined}>
      <Select
        value={choose.isPending ? choose.variables : (chosen ?? '')}
        disabled={choose.isPending}
        options={[{ value: '', label: t('No integration') }, ...[...new Set([...names, ...(chosen === null ? [] : [chosen])])].map((name) => ({ value: name, label: name }))]}
        onChange={(name) => choose.mutate(name)}
      />
    </Field>
  );
}
