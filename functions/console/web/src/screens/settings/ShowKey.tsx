import { t } from '@/app/i18n';
import { Button, CopyRow, Dialog, Field } from '@/ui';

/** A new key, which nobody sees again: it stays until somebody says that they have it. */
export function ShowKey({ value, onClose }: { value: string; onClose: () => void }) {
  return (
    <Dialog
      open
      persistent
      onOpenChange={onClose}
      title={t('Your key')}
      description={t('Keep it now where secrets are kept: it is shown only once.')}
      footer={
        <Button variant="primary" onClick={onClose}>
          {t('I have it')}
        </Button>
      }
    >
      <Field label={t('API key')}>
        <CopyRow text={value} />
      </Field>
    </Dialog>
  );
}
