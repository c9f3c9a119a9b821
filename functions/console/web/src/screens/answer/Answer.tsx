/** What a mail asks, for whoever has its link: made for a phone, without the console around it. */
import { QueryClientProvider, useMutation } from '@tanstack/react-query';
import { Check, CircleSlash, Clock, X } from 'lucide-react';
import { Tooltip } from 'radix-ui';
import type { ReactNode } from 'react';
import { ApiError } from '@/api/errors';
import { queryClient } from '@/api/queries';
import { t } from '@/app/i18n';
import { keep } from '@/app/kept';
import { useMailedLink } from '@/app/useMailedLink';
import { Wordmark } from '@/app/Wordmark';
import { Badge, ErrorState, Skeleton, Time, useTitle } from '@/ui';
import { DecisionFields } from '../runs/DecisionFields';
import { answerLink, readLink, type Asked, type LinkBody } from './link';

export default function Answer() {
  return (
    <QueryClientProvider client={queryClient}>
      <Tooltip.Provider>
        <Shown />
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}

function Shown() {
  const { token, found: asked, error, again } = useMailedLink(readLink);
  useTitle(t('Please decide'));
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-xl flex-col gap-6 p-4 md:justify-center">
      <Wordmark />
      <section className="rounded-lg border border-line bg-card p-5 shadow-raised">
        {error !== null && <ErrorState error={error} onRetry={again} />}
        {error === null && asked === undefined && <Skeleton lines={4} />}
        {error === null && asked === null && (
          <Said icon={<CircleSlash aria-hidden className="size-6 text-muted" />} title={t('This link is good for nothing any more')}>
            {t('It was cut off on its way, or whoever it was mailed to may not decide any more.')}
          </Said>
        )}
        {error === null && asked && <Question token={token} asked={asked} onChange={again} />}
      </section>
    </main>
  );
}

function Said({ icon, title, children }: { icon: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div role="status" className="flex flex-col gap-2">
      {icon}
      <h1 className="text-xl font-semibold">{title}</h1>
      {children && <p className="text-muted">{children}</p>}
    </div>
  );
}

function Question({ token, asked, onChange }: { token: string; asked: Asked; onChange: () => void }) {
  if (asked.state !== 'open') return <Over asked={asked} />;
  return (
    <div className="flex flex-col gap-5">
      <header className="flex flex-col gap-2">
        <p className="flex flex-wrap items-center gap-2 text-sm text-muted">
          <span className="font-medium">{asked.workflow_name}</span>
          {asked.test && <Badge tone="violet">{t('Test')}</Badge>}
        </p>
        <h1 className="text-xl font-semibold break-words whitespace-pre-wrap">{asked.message}</h1>
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
          <span className="break-all">{t('for {people}', { people: asked.email })}</span>
          {asked.deadline && (
            <Badge tone="wait">
              {t('until')} <Time at={asked.deadline} />
            </Badge>
          )}
          {asked.needs > 1 && <span>{t('{n} of {needs} approved', { n: asked.approved, needs: asked.needs })}</span>}
        </p>
      </header>
      <Decide token={token} asked={asked} onChange={onChange} />
    </div>
  );
}

function Decide({ token, asked, onChange }: { token: string; asked: Asked; onChange: () => void }) {
  const keptAs = `link.${token.slice(-12)}`; // enough to tell links apart, and of no use to whoever finds it
  const decide = useMutation({
    mutationFn: (given: LinkBody) => answerLink(token, given),
    onSuccess: () => {
      keep(keptAs, null);
      onChange();
    },
    onError: (error) => {
      if (error instanceof ApiError && error.status === 409) onChange(); // what is so now says why
    },
  });
  const isRefused = decide.error && !(decide.error instanceof ApiError && decide.error.status === 409);
  return (
    <DecisionFields
      keptAs={keptAs}
      form={asked.form}
      error={isRefused ? decide.error : null}
      sending={decide.isPending ? decide.variables.decision : null}
      onDecide={(given) => decide.mutate(given)}
    />
  );
}

function Over({ asked }: { asked: Asked }) {
  if (asked.state === 'answered')
    return (
      <Said icon={<Check aria-hidden className="size-6 text-ok" />} title={t('Your answer is taken')}>
        {t('{n} of {needs} approved', { n: asked.approved, needs: asked.needs })}
      </Said>
    );
  if (asked.state === 'decided')
    return asked.decision === 'approved' ? (
      <Said icon={<Check aria-hidden className="size-6 text-ok" />} title={t('It is approved')}>
        {asked.message}
      </Said>
    ) : (
      <Said icon={<X aria-hidden className="size-6 text-bad" />} title={t('It is rejected')}>
        {asked.message}
      </Said>
    );
  return (
    <Said icon={<Clock aria-hidden className="size-6 text-muted" />} title={asked.state === 'late' ? t('The time to answer is over') : t('This is not asked any more')}>
      {asked.message}
    </Said>
  );
}
