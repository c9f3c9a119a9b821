import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { Button, CopyRow, Dialog, Field, toastError } from '@/ui';

/** For somebody who has forgotten their password: a link with which they choose another one. */
export function PasswordLink({ userId, name }: { userId: string; name: string }) {
  const [url, setUrl] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: () => unwrap(api.POST('/api/users/{user_id}/password-link', { params: { path: { user_id: userId } } })),
    onSuccess: (made) => setUrl(made.url),
    onError: (error) => toastError(t('The link was not made'), error),
  });
  return (
    <>
      <Button size="sm" loading={make.isPending} onClick={() => make.mutate()}>
        {t('Password link')}
      </Button>
      {url && (
        <Dialog
          open
          onOpenChange={() => setUrl(null)}
          title={t('Another password for {name}', { name })}
          description={t('Give them this link on a safe way. It is good once, for a day, and shown only now.')}
          footer={<Button onClick={() => setUrl(null)}>{t('Close')}</Button>}
        >
          <Field label={t('Link')}>
            <CopyRow text={url} />
          </Field>
        </Dialog>
      )}
    </>
  );
}
