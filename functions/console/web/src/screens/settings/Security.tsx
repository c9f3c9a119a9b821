/** The person's password, and where they are signed in. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError, unwrap } from '@/api/client';
import type { components } from '@/api/schema';
import { t } from '@/app/i18n';
import { NewPassword } from '@/app/NewPassword';
import { signOut, useSession } from '@/app/session';
import { Badge, Button, Card, confirm, ErrorState, Field, Skeleton, Table, TextInput, Time, toast, toastError, type Column } from '@/ui';

type Session = components['schemas']['SessionAnswer'];

const SESSIONS = ['sessions'];

export default function Security() {
  return (
    <div className="flex flex-col gap-5">
      <Password />
      <Sessions />
    </div>
  );
}

function Password() {
  const email = useSession((state) => state.me?.email ?? '');
  const client = useQueryClient();
  const [present, setPresent] = useState('');
  const [wanted, setWanted] = useState('');
  const change = useMutation({
    mutationFn: () => unwrap(api.POST('/api/auth/password', { body: { old_password: present, new_password: wanted } })),
    onSuccess: async () => {
      setPresent('');
      setWanted('');
      await client.invalidateQueries({ queryKey: SESSIONS });
      toast(t('Your password is changed, and your other sessions have ended'), { tone: 'ok' });
    },
  });
  const { error } = change;
  const code = error instanceof ApiError ? error.code : '';
  const wrong = code === 'wrong_password' ? t('This is not your present password.') : undefined;
  const fields = error instanceof ApiError ? error.fields : {};
  const other = error && !wrong && !fields.new_password ? error.message : undefined;
  return (
    <Card title={t('Password')}>
      <form
        className="flex max-w-sm flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <input type="text" hidden readOnly autoComplete="username" value={email} />
        <Field label={t('Present password')} error={wrong}>
          <TextInput
            type="password"
            autoComplete="current-password"
            required
            value={present}
            onChange={(event) => setPresent(event.target.value)}
          />
        </Field>
        <NewPassword value={wanted} onChange={setWanted} error={fields.new_password ?? other} />
        <Button type="submit" className="self-start" loading={change.isPending}>
          {t('Change the password')}
        </Button>
      </form>
    </Card>
  );
}

function Sessions() {
  const sessions = useQuery({ queryKey: SESSIONS, queryFn: () => unwrap(api.GET('/api/auth/sessions')) });
  const everywhere = useMutation({
    mutationFn: () => unwrap(api.DELETE('/api/auth/sessions', { params: { query: { session: 'cookie' } } })),
    onSuccess: () => signOut(),
    onError: (error) => toastError(t('The sessions were not ended'), error),
  });
  const ask = async () => {
    const sure = await confirm({
      title: t('Sign out everywhere?'),
      text: t('All sessions end at once, this one too. API keys stay.'),
      action: t('Sign out everywhere'),
      danger: true,
    });
    if (sure) everywhere.mutate();
  };
  const columns: Column<Session>[] = [
    { key: 'agent', header: t('Where'), cell: (one) => <span className="break-words">{agentOf(one.agent)}</span> },
    { key: 'since', header: t('Since'), hideOnPhone: true, cell: (one) => <Time at={one.started_at} /> },
    { key: 'used', header: t('Last used'), hideOnPhone: true, cell: (one) => <Time at={one.used_at} /> },
    {
      key: 'end',
      header: <span className="sr-only">{t('Actions')}</span>,
      align: 'right',
      cell: (one) => (one.is_current ? <Badge>{t('Here')}</Badge> : <End session={one} />),
    },
  ];
  return (
    <Card
      title={t('Where you are signed in')}
      aside={
        <Button variant="danger" loading={everywhere.isPending} onClick={() => void ask()}>
          {t('Sign out everywhere')}
        </Button>
      }
    >
      {sessions.isPending && <Skeleton />}
      {sessions.isError && <ErrorState error={sessions.error} onRetry={() => void sessions.refetch()} />}
      {sessions.data && <Table label={t('Where you are signed in')} columns={columns} rows={sessions.data.items} rowKey={(one) => one.id} />}
    </Card>
  );
}

function End({ session }: { session: Session }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => unwrap(api.DELETE('/api/auth/sessions/{session_id}', { params: { path: { session_id: session.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: SESSIONS }),
    onError: (error) => toastError(t('The session was not ended'), error),
  });
  return (
    <Button size="sm" loading={end.isPending} onClick={() => end.mutate()}>
      {t('Sign out there')}
    </Button>
  );
}

/** Browsers call themselves by many names; the one that people know, with the system. */
function agentOf(agent: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /\((?:[^;)]*; )?([^;)]+)/.exec(agent)?.[1];
  if (!browser) return agent || t('unknown');
  return [browser.replace('Edg', 'Edge').replace('OPR', 'Opera'), system].filter(Boolean).join(', ');
}
