/** Workflows to begin with: one click makes one of them the person's own. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { ApiError } from '@/api/client';
import { t } from '@/app/i18n';
import { formatMoney } from '@/app/i18n/format';
import { calls } from '@/editor/api';
import { useCatalogue } from '@/editor/catalogue';
import { tintOf, TypeIcon } from '@/editor/icons';
import { Described } from '@/form/Described';
import { Button, cx, Page, TextInput, toast, toastError } from '@/ui';
import { stepsOf, stepTypes, templates, type Template } from './examples';
import { TemplateDialog } from './TemplateDialog';

const MOST_ICONS = 6;

/** Where a template names what is not there yet, such as an integration, it becomes a draft to be finished. */
async function make({ name, description, definition, input }: Template): Promise<{ id: string; isDraft: boolean }> {
  // Its example is what a test run of it begins with.
  const draft = { ...definition, ui: { testInput: input ?? {} } };
  try {
    const made = await calls.createWorkflow({ name, description, definition: definition as never });
    if (input) await calls.saveDraft(made.id, draft, null, 1).catch(() => null); // without it one types an input
    return { id: made.id, isDraft: false };
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 422)) throw error;
    const made = await calls.createWorkflow({ name, description });
    await calls.saveDraft(made.id, draft, null);
    return { id: made.id, isDraft: true };
  }
}

export default function TemplatesScreen() {
  const [words, setWords] = useState('');
  const [opened, setOpened] = useState<Template | null>(null);
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
  const isMaking = (template: Template) => use.isPending && use.variables.id === template.id;
  return (
    <Page title={t('Templates')}>
      <TextInput type="search" className="max-w-sm" aria-label={t('Search templates')} placeholder={t('Search')} value={words} onChange={(event) => setWords(event.target.value)} />
      <ul className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
        {found.map((template) => (
          <li key={template.id} className="flex flex-col gap-3 rounded-lg border border-line bg-card p-4 shadow-raised">
            <Icons template={template} />
            <div className="flex-1">
              <h2 className="font-semibold">{template.name}</h2>
              <p className="mt-1 text-muted">
                <Described text={template.description} />
              </p>
            </div>
            <Facts template={template} />
            <div className="flex flex-wrap gap-2">
              <Button
                needs="edit"
                icon={Plus}
                aria-label={t('Use this: {name}', { name: template.name })}
                loading={isMaking(template)}
                disabled={use.isPending}
                onClick={() => use.mutate(template)}
              >
                {t('Use this')}
              </Button>
              <Button variant="ghost" aria-label={t('Look at it: {name}', { name: template.name })} onClick={() => setOpened(template)}>
                {t('Look at it')}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="text-muted">{t('No template fits that.')}</p>}
      {opened && <TemplateDialog template={opened} isMaking={isMaking(opened)} onUse={() => use.mutate(opened)} onClose={() => setOpened(null)} />}
    </Page>
  );
}

function Facts({ template }: { template: Template }) {
  const facts = [
    t('{n, plural, one {# step} other {# steps}}', { n: stepsOf(template).length }),
    ...(template.cases.length ? [t('{n, plural, one {# test case} other {# test cases}}', { n: template.cases.length })] : []),
    ...(template.dollars === null ? [] : [t('about {dollars} for 1,000 runs', { dollars: formatMoney(template.dollars * 1000) })]),
  ];
  return <p className="text-sm text-muted">{facts.join(' · ')}</p>;
}

function Icons({ template }: { template: Template }) {
  const { catalogue } = useCatalogue();
  const types = stepTypes(template);
  return (
    <div className="flex h-8 items-center gap-1.5" aria-hidden>
      {types.slice(0, MOST_ICONS).map((type) => {
        const known = catalogue?.nodes.get(type);
        return (
          <span key={type} title={known?.title ?? type} className={cx('flex size-8 items-center justify-center rounded-md', tintOf(known?.group))}>
            {catalogue && <TypeIcon name={known?.icon} className="size-4" />}
          </span>
        );
      })}
      {types.length > MOST_ICONS && <span className="text-sm text-muted">+{types.length - MOST_ICONS}</span>}
    </div>
  );
}
