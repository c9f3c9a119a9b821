/** Who may sign in: administrators add people, keep them out, and let them in again. */
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { api, unwrap } from '@/api/client';
import type { components } from '@/api/schema';
import { t } from '@/app/i18n';
import { useSession } from '@/app/session';
import { Badge, Button, Card, confirm, ErrorState, Skeleton, Table, Time, toastError, type Column } from '@/ui';
import { AddUser } from './AddUser';
import { PasswordLink } from './PasswordLink';

type User = components['schemas']['UserAnswer'];

export const USERS = ['users'];

export function Users() {
  const [adds, setAdds] = useState(false);
  const users = useInfiniteQuery({
    queryKey: USERS,
    queryFn: ({ pageParam }) => unwrap(api.GET('/api/users', { params: { query: { cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <Card
      title={t('Users')}
      aside={
        <Button icon={UserPlus} onClick={() => setAdds(true)}>
          {t('Add a user')}
        </Button>
      }
    >
      {users.isPending && <Skeleton />}
      {users.isError && <ErrorState error={users.error} onRetry={() => void users.refetch()} />}
      {users.data && <UserTable users={users.data.pages.flatMap((page) => page.items)} />}
      {users.hasNextPage && (
        <Button className="mt-3" loading={users.isFetchingNextPage} onClick={() => void users.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
      {adds && <AddUser onClose={() => setAdds(false)} />}
    </Card>
  );
}

function UserTable({ users }: { users: User[] }) {
  const columns: Column<User>[] = [
    {
      key: 'name',
      header: t('Name'),
      cell: (user) => (
        <div className="min-w-0">
          <div className="font-medium">{user.full_name ?? user.email}</div>
          {user.full_name && <div className="break-all text-muted">{user.email}</div>}
        </div>
      ),
    },
    {
      key: 'rights',
      header: t('Rights'),
      hideOnPhone: true,
      cell: (user) => (user.is_admin ? <Badge tone="accent">{t('Administrator')}</Badge> : t('Member')),
    },
    { key: 'since', header: t('Since'), hideOnPhone: true, cell: (user) => <Time at={user.created_at} /> },
    { key: 'access', header: t('Access'), align: 'right', cell: (user) => <Access user={user} /> },
  ];
  return <Table label={t('Users')} columns={columns} rows={users} rowKey={(user) => user.id} />;
}

function Access({ user }: { user: User }) {
  const me = useSession((state) => state.me);
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (active: boolean) => {
      const params = { params: { path: { user_id: user.id } } };
      return unwrap(active ? api.POST('/api/users/{user_id}/activate', params) : api.POST('/api/users/{user_id}/deactivate', params));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: USERS }),
    onError: (error) => toastError(t('The user was not changed'), error),
  });
  if (user.id === me?.id) return <Badge>{t('You')}</Badge>;
  if (!user.is_active)
    return (
      <Button size="sm" loading={change.isPending} onClick={() => change.mutate(true)}>
        {t('Let in again')}
      </Button>
    );
  const keepOut = async () => {
    const sure = await confirm({
      title: t('Keep {name} out?', { name: user.full_name ?? user.email }),
      text: t('They are signed out at once, everywhere. Their workflows go on.'),
      action: t('Keep out'),
      danger: true,
    });
    if (sure) change.mutate(false);
  };
  return (
    <div className="flex flex-wrap justify-end gap-2">
      <PasswordLink userId={user.id} name={user.full_name ?? user.email} />
      <Button size="sm" variant="danger" loading={change.isPending} onClick={() => void keepOut()}>
        {t('Keep out')}
      </Button>
    </div>
  );
}
