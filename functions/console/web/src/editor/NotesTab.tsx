import { t } from '@/app/i18n';
import { Field, TextArea } from '@/ui';

import * as commands from './commands';
import { useEditor, useEditorStore } from './store';
import type { NodeDefinition } from './types';

export function NotesTab({ node }: { node: NodeDefinition }) {
  const store = useEditorStore();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  return (
    <Field label={t('Notes')} hint={t('For people: why this step is here, what to mind.')}>
      <TextArea
        rows={8}
        maxLength={4000}
        disabled={isReadOnly}
        value={node.notes ?? ''}
        onChange={(event) => {
          const notes = event.target.value === '' ? undefined : event.target.value;
          store.getState().apply(t('Changed the notes'), (document) => commands.setNode(document, node.id, { notes }), `notes:${node.id}`);
        }}
      />
    </Field>
  );
}
