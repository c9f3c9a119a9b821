import { Copy } from 'lucide-react';
import { t } from '@/app/i18n';
import { TextInput } from './Field';
import { IconButton } from './IconButton';
import { toast } from './Toast';

/** A text that somebody takes elsewhere, such as an address or a key: they copy it, or select it. */
export function CopyRow({ text, label = t('Copy') }: { text: string; label?: string }) {
  return (
    <div className="flex gap-1">
      <TextInput readOnly value={text} className="font-mono text-sm" onFocus={(event) => event.target.select()} />
      <IconButton icon={Copy} label={label} onClick={() => void navigator.clipboard.writeText(text).then(() => toast(t('Copied')))} />
    </div>
  );
}
