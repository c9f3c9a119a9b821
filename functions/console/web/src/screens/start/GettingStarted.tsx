/** An empty workspace: three ways to a first workflow, the shortest of them a click. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { LayoutTemplate, PencilRuler, Play, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { t } from '@/app/i18n';
import { navigation } from '@/app/screen';
import { useSession } from '@/app/session';
import { Button, buttonClass, Page, toastError } from '@/ui';
import { makeAndRun } from './sample';

function hasScreen(to: string): boolean {
  return navigation.some((entry) => entry.to === to);
}

export function GettingStarted() {
  const name = useSession((state) => state.me?.full_name?.split(' ')[0]);
  const client = useQueryClient();
  const navigate = useNavigate();
  const begin = useMutation({
    mutationFn: makeAndRun,
    onSuccess: async (run) => {
      await client.invalidateQueries({ queryKey: ['workflows'] });
      await navigate({ to: `/runs/${run}` });
    },
    onError: (error) => toastError(t('The workflow could not be made'), error),
  });
  return (
    <Page title={t('Getting started')}>
      <div className="mx-auto flex w-full max-w-3xl flex-col gap-6 py-4 md:py-8">
        <div>
          <h2 className="text-2xl font-semibold">{name ? t('Welcome, {name}', { name }) : t('Welcome')}</h2>
          <p className="mt-1 max-w-xl text-lg text-muted">
            {t('A workflow does work for you: when something happens, it runs step by step, waits where people decide, and tells what it did.')}
          </p>
        </div>
        <ol className="flex flex-col gap-3">
          <Way
            icon={Play}
            title={t('See one run')}
            text={t('We make a small workflow that checks an order, and run it. You see what each step did.')}
            action={
              <Button needs="publish" variant="primary" icon={Play} loading={begin.isPending} onClick={() => begin.mutate()}>
                {t('Make it and run it')}
              </Button>
            }
          />
          {hasScreen('/templates') && (
            <Way
              icon={LayoutTemplate}
              title={t('Begin with a template')}
              text={t('Approvals, reports, web hooks, synchronizing: take one that is near to what you need, and change it.')}
              action={
                <Link to="/templates" className={buttonClass()}>
                  {t('Show the templates')}
                </Link>
              }
            />
          )}
          {hasScreen('/workflows') && (
            <Way
              icon={PencilRuler}
              title={t('Draw your own')}
              text={t('Begin with an empty canvas and add one step after the other.')}
              action={
                <Link to="/workflows" className={buttonClass()}>
                  {t('To the workflows')}
                </Link>
              }
            />
          )}
        </ol>
      </div>
    </Page>
  );
}

function Way({ icon: Icon, title, text, action }: { icon: LucideIcon; title: string; text: string; action: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center gap-4 rounded-lg border border-line bg-card p-4">
      <span className="flex size-10 shrink-0 items-center justify-center rounded-lg bg-accent-soft text-accent">
        <Icon aria-hidden className="size-5" />
      </span>
      <div className="min-w-60 flex-1">
        <h3 className="font-semibold">{title}</h3>
        <p className="text-muted">{text}</p>
      </div>
      {action}
    </li>
  );
}
