/** Invitations that nobody has accepted yet. */
import { useMutation } from '@tanstack/react-query';
import { t } from '@/app/i18n';
import { Button, Card, confirm, ErrorState, Skeleton, Table, Time, toastError, type Column } from '@/ui';
import { calls, useInvitations, useRefresh, type Invitation } from './api';
import { roleName, type Member } from './roles';

export function Invitations({ members }: { members: Member[] }) {
  const invitations = useInvitations();
  const by = (id: string) => {
    const found = members.find(({ user_id }) => user_id === id);
    return found ? (found.full_name ?? found.email) : '–';
  };
  const columns: Column<Invitation>[] = [
    { key: 'email', header: t('E-mail address'), cell: ({ email }) => <span className="font-medium break-all">{email}</span> },
    { key: 'role', header: t('Role'), cell: ({ role }) => roleName(role) },
    { key: 'by', header: t('Invited by'), hideOnPhone: true, cell: ({ invited_by }) => by(invited_by) },
    { key: 'end', header: t('Ends'), hideOnPhone: true, cell: ({ expires_at }) => <Time at={expires_at} /> },
    { key: 'actions', header: <span className="sr-only">{t('Actions')}</span>, align: 'right', cell: (one) => <Withdraw invitation={one} /> },
  ];
  return (
    <Card title={t('Open invitations')}>
      {invitations.isPending && <Skeleton />}
      {invitations.isError && <ErrorState error={invitations.error} onRetry={() => void invitations.refetch()} />}
      {invitations.data?.length === 0 && <p className="text-muted">{t('Nobody is invited at the moment.')}</p>}
      {!!invitations.data?.length && <Table label={t('Open invitations')} columns={columns} rows={invitations.data} rowKey={({ id }) => id} />}
    </Card>
  );
}

function Withdraw({ invitation }: { invitation: Invitation }) {
  const refresh = useRefresh();
  const withdraw = useMutation({
    mutationFn: () => calls.withdraw(invitation.id),
    onError: (error) => toastError(t('That did not work'), error),
    onSettled: refresh,
  });
  const ask = async () => {
    const isSure = await confirm({
      title: t('Withdraw the invitation of {email}?', { email: invitation.email }),
      text: t('Its link is good for nothing from then on.'),
      action: t('Withdraw'),
      danger: true,
    });
    if (isSure) withdraw.mutate();
  };
  return (
    <Button size="sm" variant="danger" loading={withdraw.isPending} aria-label={t('Withdraw the invitation of {email}', { email: invitation.email })} onClick={() => void ask()}>
      {t('Withdraw')}
    </Button>
  );
}
