/** Workflows to begin with: one click makes one of them the person's own. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { ApiError } from '@/api/client';
import { t } from '@/app/i18n';
import { calls } from '@/editor/api';
import { useCatalogue } from '@/editor/catalogue';
import { tintOf, TypeIcon } from '@/editor/icons';
import { Button, cx, Page, TextInput, toast, toastError } from '@/ui';
import { stepTypes, templates, type Template } from './examples';

/** Where a template names what is not there yet, such as an integration, it becomes a draft to be finished. */
async function make({ name, description, definition }: Template): Promise<{ id: string; isDraft: boolean }> {
  try {
    const made = await calls.createWorkflow({ name, description, definition: definition as never });
    return { id: made.id, isDraft: false };
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 422)) throw error;
    const made = await calls.createWorkflow({ name, description });
    await calls.saveDraft(made.id, definition, null);
    return { id: made.id, isDraft: true };
  }
}

export default function TemplatesScreen() {
  const [words, setWords] = useState('');
  const navigate = useNavigate();
  const client = useQueryClient();
  const use = useMutation({
    mutationFn: make,
    onSuccess: ({ id, isDraft }) => {
      void client.invalidateQueries({ queryKey: ['workflows'] });
      if (isDraft) toast(t('It still needs something'), { text: t('Steps with a red mark name a service that is not connected yet.') });
      void navigate({ to: '/workflows/$workflowId', params: { workflowId: id } });
    },
    onError: (error) => toastError(t('The workflow could not be made'), error),
  });
  const wanted = words.trim().toLowerCase();
  const found = templates.filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(wanted));
  return (
    <Page title={t('Templates')}>
      <TextInput type="search" className="max-w-sm" aria-label={t('Search templates')} placeholder={t('Search')} value={words} onChange={(event) => setWords(event.target.value)} />
      <ul className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {found.map((template) => (
          <li key={template.id} className="flex flex-col gap-3 rounded-lg border border-line bg-card p-4 shadow-raised">
            <Steps template={template} />
            <div className="flex-1">
              <h2 className="font-semibold">{template.name}</h2>
              <p className="mt-1 text-muted">{template.description}</p>
            </div>
            <Button
              icon={Plus}
              className="self-start"
              aria-label={t('Use this: {name}', { name: template.name })}
              loading={use.isPending && use.variables.id === template.id}
              disabled={use.isPending}
              onClick={() => use.mutate(template)}
            >
              {t('Use this')}
            </Button>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="text-muted">{t('No template fits that.')}</p>}
    </Page>
  );
}

function Steps({ template }: { template: Template }) {
  const { catalogue } = useCatalogue();
  return (
    <div className="flex h-8 gap-1.5" aria-hidden>
      {stepTypes(template)
        .slice(0, 6)
        .map((type) => {
          const known = catalogue?.nodes.get(type);
          return (
            <span key={type} title={known?.title ?? type} className={cx('flex size-8 items-center justify-center rounded-md', tintOf(known?.group))}>
              <TypeIcon name={known?.icon} className="size-4" />
            </span>
          );
        })}
    </div>
  );
}
