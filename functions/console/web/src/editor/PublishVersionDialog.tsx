/** Makes an earlier version the one that runs again: shows what changes by that, and asks for a message. */

import { useMutation } from '@tanstack/react-query';

import { ApiError } from '@/api/client';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { Button, Cancel, Dialog, Field, Skeleton, TextArea } from '@/ui';

import { calls } from './api';
import type { Catalogue } from './catalogue';
import { compare } from './compare';
import { DiffList } from './DiffList';
import { Problem, sentenceOf, Usages, useAfterPublishing, usePublished } from './publishing';
import type { Definition } from './types';
import type { EditorSession } from './useEditorSession';

interface PublishVersionProps {
  session: EditorSession;
  version: number;
  definition: Definition;
  catalogue: Catalogue;
  onClose: () => void;
}

export function PublishVersionDialog({ session, version, definition, catalogue, onClose }: PublishVersionProps) {
  const { workflow } = session;
  const done = useAfterPublishing(session);
  const before = usePublished(workflow);
  const typed = useTyped(`message.${workflow.id}.${version}`, { message: '' });
  const { message } = typed.value;
  const publish = useMutation({
    mutationFn: async () => {
      // What is shown here is compared with what this page knows to be published: nothing else is replaced.
      const { data: now, etag } = await calls.workflow(workflow.id);
      if (now.published_version !== workflow.published_version) {
        session.setWorkflow(now);
        throw new Error(t('Another version was published meanwhile. This is what changes now: look at it again.'));
      }
      return calls.publish(workflow.id, etag ?? '*', version, message);
    },
    onSuccess: async (published) => {
      typed.forget();
      await done(published);
      onClose();
    },
  });
  return (
    <Dialog
      open
      typed={typed}
      onOpenChange={onClose}
      onSubmit={() => publish.mutate()}
      title={t('Publish version {n}?', { n: version })}
      description={t('From now on, triggers and starts use this version. Runs that are under way go on with theirs, and your draft stays as it is.')}
      size="lg"
      footer={
        <>
          <Cancel />
          <Button type="submit" variant="primary" loading={publish.isPending}>
            {t('Publish')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Problem text={publish.error && (publish.error instanceof ApiError ? sentenceOf(publish.error) : publish.error.message)} />
        <section>
          <h3 className="mb-1 font-medium">
            {workflow.published_version === null ? t('All of it is new') : t('What changes, compared with version {n}', { n: workflow.published_version })}
          </h3>
          {before === undefined ? <Skeleton lines={2} /> : <DiffList difference={compare(before, definition)} catalogue={catalogue} />}
        </section>
        <Usages workflow={workflow} />
        <Field label={t('Message')} hint={t('For those who read the history: why this one runs again.')}>
          <TextArea autoFocus rows={2} maxLength={1000} value={message} onChange={(event) => typed.change({ message: event.target.value })} />
        </Field>
      </div>
    </Dialog>
  );
}
