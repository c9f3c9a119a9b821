import { Copy } from 'lucide-react';
import { t } from '@/app/i18n';
import { Button, Dialog, Field, IconButton, TextInput, toast } from '@/ui';

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
      <div className="flex items-end gap-2">
        <Field label={t('API key')} className="flex-1">
          <TextInput readOnly className="font-mono" value={value} onFocus={(event) => event.target.select()} />
        </Field>
        <IconButton icon={Copy} label={t('Copy')} onClick={() => void navigator.clipboard.writeText(value).then(() => toast(t('Copied')))} />
      </div>
    </Dialog>
  );
}
