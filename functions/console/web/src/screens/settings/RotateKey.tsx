import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { Button, Cancel, Dialog, Field, Select } from '@/ui';
import { ends, KEYS, type Key } from './key-queries';

const DAY = 24;

export function RotateKey({ of: key, onClose, onRotated }: { of: Key; onClose: () => void; onRotated: (key: string) => void }) {
  const client = useQueryClient();
  const [grace, setGrace] = useState(String(DAY));
  const [days, setDays] = useState(key.state === 'expired' ? '90' : '');
  const rotate = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/keys/{key_id}/rotate', {
          params: { path: { key_id: key.id } },
          body: { grace_hours: Number(grace), ...(days ? { expires_in_days: Number(days) } : {}) },
        }),
      ),
    onSuccess: async ({ key: value }) => {
      await client.invalidateQueries({ queryKey: KEYS });
      onRotated(value);
    },
  });
  const graces = [
    { value: '0', label: t('No longer: it has leaked') },
    { value: '1', label: t('For one hour') },
    { value: String(DAY), label: t('For one day') },
    { value: String(7 * DAY), label: t('For a week') },
  ];
  const periods = ends().map((one) => (one.value ? one : { value: '', label: t('As it was') }));
  return (
    <Dialog
      open
      onOpenChange={onClose}
      size="sm"
      title={t('Rotate {name}', { name: key.name })}
      description={t('The key gets another secret. What it may do stays as it is.')}
      onSubmit={() => rotate.mutate()}
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={rotate.isPending}>
            {t('Rotate')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t('The present secret is good')} error={rotate.error?.message}>
          <Select value={grace} onChange={setGrace} options={graces} />
        </Field>
        <Field label={t('Ends')}>
          <Select value={days} onChange={setDays} options={periods} />
        </Field>
      </div>
    </Dialog>
  );
}
