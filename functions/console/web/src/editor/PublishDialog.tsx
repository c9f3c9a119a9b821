/** Makes the draft the version that runs: shows what changes, who uses the workflow, and asks for a message. */

import { useState } from 'react';

import { ApiError } from '@/api/client';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { Button, Dialog, Field, Skeleton, Switch, TextArea, toast, toastError } from '@/ui';

import { calls, type Workflow } from './api';
import type { Catalogue } from './catalogue';
import { compare, isEqual } from './compare';
import { ConflictForm, useChoices } from './ConflictForm';
import { DiffList } from './DiffList';
import { merge } from './merge';
import { EMPTY, Problem, sentenceOf, Usages, useAfterPublishing, usePublished } from './publishing';
import { asVersion, definitionOf, documentOf } from './store';
import type { Definition } from './types';
import type { EditorSession } from './useEditorSession';

interface Newer {
  base: Definition;
  theirs: Definition;
  version: number;
  author: string;
}

/** What a 412 of publishing says of the version that somebody else has made. */
function newerOf(error: unknown): Newer | null {
  if (!(error instanceof ApiError) || error.status !== 412) return null;
  const details = error.details as {
    version?: number;
    base?: { definition: Definition } | null;
    theirs?: { definition: Definition; version: number; author: { name: string } | null };
  } | null;
  if (!details?.theirs) return null;
  return {
    base: details.base?.definition ?? EMPTY,
    theirs: details.theirs.definition,
    version: details.theirs.version,
    author: details.theirs.author?.name ?? t('somebody'),
  };
}

export function PublishDialog({ session, catalogue, onClose }: { session: EditorSession; catalogue: Catalogue; onClose: () => void }) {
  const { workflow, store } = session;
  const done = useAfterPublishing(session);
  const typed = useTyped(`message.${workflow.id}`, { message: '' });
  const { message } = typed.value;
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [newer, setNewer] = useState<Newer | null>(null);
  const { choices, choose } = useChoices();
  const before = usePublished(workflow);
  const mine = store.getState().history.document.definition;
  const conflicts = newer ? merge(newer.base, mine, newer.theirs, choices).conflicts : [];
  const isDecided = conflicts.every((one) => choices[one.key]);
  // Whoever publishes a first version with triggers wants them to start it; off is what they find out late.
  const canBegin = !workflow.is_active && (mine.triggers ?? []).length > 0;
  const [begins, setBegins] = useState(workflow.published_version === null);

  const publish = async () => {
    setBusy(true);
    setProblem(null);
    try {
      if (newer) await bringTogether(session, newer, choices);
      const published = await send(session, message);
      typed.forget();
      await done(published);
      onClose();
      if (canBegin && begins) await switchOn(session);
    } catch (error) {
      const found = newerOf(error);
      setNewer(found);
      setProblem(found ? null : sentenceOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      onSubmit={() => void publish()}
      title={newer ? t('{name} has published version {n} meanwhile', { name: newer.author, n: newer.version }) : t('Publish')}
      description={
        newer ? t('What only one of you has changed is taken. Decide about what both have changed.') : t('From now on, triggers and starts use this version. Runs that are under way go on with theirs.')
      }
      size="lg"
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" variant="primary" loading={isBusy} disabled={!isDecided}>
            {newer ? t('Merge and publish') : t('Publish')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Problem text={problem} />
        {newer && conflicts.length > 0 && <ConflictForm conflicts={conflicts} choices={choices} onChoose={choose} />}
        <section>
          <h3 className="mb-1 font-medium">{workflow.published_version === null ? t('All of it is new') : t('What changes')}</h3>
          {before === undefined ? <Skeleton lines={2} /> : <DiffList difference={compare(newer ? newer.theirs : before, newer ? merge(newer.base, mine, newer.theirs, choices).definition : mine)} catalogue={catalogue} />}
          {before && !newer && isEqual(compare(before, mine)) && <p className="text-sm text-muted">{t('This is what runs already.')}</p>}
        </section>
        <Usages workflow={workflow} />
        {canBegin && (
          <Switch label={t('Switch it on')} hint={t('Its triggers start it from now on. Without it, it only runs when somebody starts it.')} checked={begins} onChange={setBegins} />
        )}
        <Field label={t('Message')} hint={t('For those who read the history: what has changed, and why.')}>
          <TextArea autoFocus rows={2} maxLength={1000} value={message} onChange={(event) => typed.change({ message: event.target.value })} />
        </Field>
      </div>
    </Dialog>
  );
}

async function switchOn({ workflow, setWorkflow }: EditorSession): Promise<void> {
  try {
    setWorkflow(await calls.setActive(workflow.id, true));
    toast(t('The workflow is on: its triggers start it'), { tone: 'ok' });
  } catch (error) {
    toastError(t('It is published, but could not be switched on'), error);
  }
}

/** Saves what is not saved, and publishes it. A workflow without changes has no draft: its newest version is published. */
async function send({ workflow, workflowEtag, saver, store }: EditorSession, message: string): Promise<Workflow> {
  await saver.flush();
  const published = definitionOf(store.getState().history.document);
  if (saver.etag() === null && workflow.version !== null) {
    const { etag } = await calls.workflow(workflow.id);
    return calls.publish(workflow.id, etag ?? workflowEtag ?? '*', workflow.version, message);
  }
  const answer = await calls.publishDraft(workflow.id, message, saver.etag());
  saver.restart(asVersion(published));
  // Pins and the test input are in no version: a new draft keeps them.
  saver.changed(definitionOf(store.getState().history.document));
  return answer;
}

/** The draft gets what both have changed, and begins from their version. */
async function bringTogether({ workflow, saver, store }: EditorSession, newer: Newer, choices: Record<string, 'mine' | 'theirs'>): Promise<void> {
  await saver.flush();
  const mine = definitionOf(store.getState().history.document);
  const { definition } = merge(newer.base, mine, newer.theirs, choices);
  const saved = await calls.saveDraft(workflow.id, definition, saver.etag(), newer.version);
  saver.saved(definition, saved.etag);
  store.getState().apply(t('Merged with version {n}', { n: newer.version }), (document) => documentOf(document.name, document.description, definition));
}

