/** Who is signed in, and the name by which others see them. */
import { useMutation } from '@tanstack/react-query';
import { type SyntheticEvent } from 'react';
import { api, ApiError, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { changed, signOut, useSession } from '@/app/session';
import { useTyped } from '@/app/typed';
import { Badge, Button, Card, Field, TextInput, Time, toast } from '@/ui';

export function Profile() {
  const me = useSession((state) => state.me);
  if (!me) return null;
  return (
    <Card title={t('You')} aside={<Button onClick={() => void signOut()}>{t('Sign out')}</Button>}>
      <div className="flex flex-col gap-4">
        <NameForm known={me.full_name ?? ''} />
        <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-2">
          <dt className="text-muted">{t('E-mail address')}</dt>
          <dd className="break-all">{me.email}</dd>
          <dt className="text-muted">{t('Rights')}</dt>
          <dd>{me.is_admin ? <Badge tone="accent">{t('Administrator')}</Badge> : t('Member')}</dd>
          <dt className="text-muted">{t('Since')}</dt>
          <dd>
            <Time at={me.created_at} exact />
          </dd>
        </dl>
      </div>
    </Card>
  );
}

const LONGEST_NAME = 200;

function NameForm({ known }: { known: string }) {
  const typed = useTyped('profile', { name: known });
  const { name } = typed.value;
  const wanted = name.trim();
  const change = useMutation({
    mutationFn: () => unwrap(api.PATCH('/api/auth/me', { body: { full_name: wanted || null } })),
    onSuccess: (me) => {
      changed(me);
      typed.forget({ name: me.full_name ?? '' });
      toast(t('Your name is changed'), { tone: 'ok' });
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    change.mutate();
  };
  const { error } = change;
  const problem = error instanceof ApiError ? (error.fields.full_name ?? error.message) : error?.message;
  return (
    <form onSubmit={send} className="flex items-end gap-2">
      <Field label={t('Name')} className="max-w-sm flex-1" error={problem}>
        <TextInput autoComplete="name" maxLength={LONGEST_NAME} value={name} onChange={(event) => typed.change({ name: event.target.value })} />
      </Field>
      <Button type="submit" loading={change.isPending} disabled={wanted === known}>
        {t('Save')}
      </Button>
    </form>
  );
}
