/** Invites somebody by their address. The link is shown once: nobody can see it again. */
import { useMutation } from '@tanstack/react-query';
import { Copy } from 'lucide-react';
import { useState } from 'react';
import { ApiError } from '@/api/errors';
import { usePermissions } from '@/app/can';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { formatDateTime } from '@/app/i18n/format';
import { Button, Cancel, Dialog, Field, Select, TextInput, toast } from '@/ui';
import { calls, useRefresh, type NewInvitation } from './api';
import { mayGive, roleName, type Role } from './roles';

interface Props {
  roles: Role[];
  onClose: () => void;
}

export function InviteDialog({ roles, onClose }: Props) {
  const [made, setMade] = useState<NewInvitation | null>(null);
  if (made) return <LinkDialog invitation={made} onClose={onClose} />;
  return <InvitationForm roles={roles} onClose={onClose} onMade={setMade} />;
}

function InvitationForm({ roles, onClose, onMade }: Props & { onMade: (made: NewInvitation) => void }) {
  const mine = usePermissions();
  const given = roles.filter((role) => mayGive(mine, role));
  const typed = useTyped('invitation.new', {
    email: '',
    role: given.find(({ name }) => name === 'editor')?.name ?? given.at(-1)?.name ?? '',
  });
  const { email, role } = typed.value;
  const refresh = useRefresh();
  const invite = useMutation({
    mutationFn: () => calls.invite(email.trim(), role),
    onSuccess: async (made) => {
      typed.forget();
      onMade(made);
      await refresh();
    },
  });
  const { error } = invite;
  const fields = error instanceof ApiError ? error.fields : {};
  const other = error && !Object.keys(fields).length ? error.message : undefined;
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      title={t('Invite somebody')}
      description={t('They need no account yet. The invitation is good once, for a week, and only for their address.')}
      onSubmit={() => invite.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={invite.isPending} disabled={!email.trim() || !role}>
            {t('Invite')}
          </Button>
        </>
      }
    >
      <div className="grid gap-4 sm:grid-cols-[1fr_12rem]">
        <Field label={t('E-mail address')} required error={fields.email ?? other}>
          <TextInput type="email" autoFocus autoComplete="off" value={email} onChange={(event) => typed.change({ email: event.target.value })} />
        </Field>
        <Field label={t('Role')} error={fields.role}>
          <Select value={role} onChange={(next) => typed.change({ role: next })} options={given.map(({ name }) => ({ value: name, label: roleName(name) }))} />
        </Field>
      </div>
    </Dialog>
  );
}

function LinkDialog({ invitation, onClose }: { invitation: NewInvitation; onClose: () => void }) {
  const copy = () => void navigator.clipboard.writeText(invitation.url).then(() => toast(t('Copied'), { tone: 'ok' }));
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('{email} is invited', { email: invitation.email })}
      description={
        invitation.is_mailed
          ? t('They get this link by mail. It is shown only here, and good until {time}.', { time: formatDateTime(invitation.expires_at) })
          : t('Send them this link. It is shown only here, and good until {time}.', { time: formatDateTime(invitation.expires_at) })
      }
      footer={
        <>
          <Button onClick={onClose}>{t('Done')}</Button>
          <Button variant="primary" icon={Copy} onClick={copy}>
            {t('Copy the link')}
          </Button>
        </>
      }
    >
      <Field label={t('Link')}>
        <TextInput readOnly className="font-mono" value={invitation.url} onFocus={(event) => event.target.select()} />
      </Field>
    </Dialog>
  );
}
