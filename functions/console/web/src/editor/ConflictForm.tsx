/** What two people have changed differently, by step: mine or theirs. */

import { useState } from 'react';

import { msg, t } from '@/app/i18n';
import { Button, cx, Dialog } from '@/ui';

import type { SaveConflict } from './autosave';
import { differingFields } from './compare';
import type { Conflict, Side } from './merge';
import { useEditor, useEditorStore } from './store';
import type { EditorSession } from './useEditorSession';

export function useChoices() {
  const [choices, setChoices] = useState<Record<string, Side>>({});
  const choose = (key: string, side: Side) => setChoices((before) => ({ ...before, [key]: side }));
  return { choices, choose };
}

const KINDS: Record<Conflict['what'], string> = { node: msg('Step'), trigger: msg('Trigger'), setting: msg('Setting') };

interface ConflictFormProps {
  conflicts: readonly Conflict[];
  choices: Readonly<Record<string, Side>>;
  onChoose: (key: string, side: Side) => void;
}

export function ConflictForm({ conflicts, choices, onChoose }: ConflictFormProps) {
  return (
    <div className="flex flex-col gap-4">
      {conflicts.map((conflict) => (
        <fieldset key={conflict.key} className="rounded-md border border-line p-3">
          <legend className="px-1 font-medium">
            {t(KINDS[conflict.what])} <code>{conflict.id}</code>
          </legend>
          <p className="mb-2 text-sm text-muted">{differingFields(conflict.mine ?? {}, conflict.theirs ?? {}).join(', ')}</p>
          <div className="grid gap-2 sm:grid-cols-2">
            {(['mine', 'theirs'] as const).map((side) => (
              <label key={side} className={cx('flex min-w-0 cursor-pointer flex-col gap-1 rounded-md border p-2', choices[conflict.key] === side ? 'border-accent ring-2 ring-accent/25' : 'border-line')}>
                <span className="flex items-center gap-2 font-medium">
                  <input type="radio" name={conflict.key} checked={choices[conflict.key] === side} onChange={() => onChoose(conflict.key, side)} />
                  {side === 'mine' ? t('Mine') : t('Theirs')}
                </span>
                <pre className="max-h-40 overflow-auto text-xs break-words whitespace-pre-wrap text-muted">
                  {conflict[side] === undefined ? t('(deleted)') : JSON.stringify(conflict[side], null, 2)}
                </pre>
              </label>
            ))}
          </div>
        </fieldset>
      ))}
    </div>
  );
}

/** Another tab has changed the same steps of the draft: nothing is saved until it is decided, nothing is lost either. */
export function DraftConflict({ session }: { session: EditorSession }) {
  const conflict = useEditor((state) => state.conflict);
  return conflict && <Decision key={conflict.etag} session={session} conflict={conflict} />;
}

function Decision({ session, conflict }: { session: EditorSession; conflict: SaveConflict }) {
  const store = useEditorStore();
  const { choices, choose } = useChoices();
  const [isBusy, setBusy] = useState(false);
  const isDecided = conflict.conflicts.every((one) => choices[one.key]);
  const finish = async () => {
    setBusy(true);
    store.setState({ conflict: null });
    await session.saver.resolve(conflict, choices).catch(() => undefined); // the state of saving tells it
  };
  return (
    <Dialog
      open
      persistent
      onOpenChange={() => undefined}
      onSubmit={() => void finish()}
      size="lg"
      title={t('Another tab has changed the same steps')}
      description={t('Both versions are kept until you decide. All other changes of both are in already.')}
      footer={
        <Button type="submit" variant="primary" disabled={!isDecided} loading={isBusy}>
          {t('Go on with this')}
        </Button>
      }
    >
      <ConflictForm conflicts={conflict.conflicts} choices={choices} onChoose={choose} />
    </Dialog>
  );
}
