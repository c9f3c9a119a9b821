/** A template before it is used: its steps, what it needs, what it does with what it is given, and what a run costs. */
import { Plus } from 'lucide-react';
import type { ReactNode } from 'react';
import { said, t } from '@/app/i18n';
import { formatMoney } from '@/app/i18n/format';
import { useCatalogue } from '@/editor/catalogue';
import { tintOf, TypeIcon } from '@/editor/icons';
import { Described } from '@/form/Described';
import { Badge, Button, cx, Dialog, Status } from '@/ui';
import { ValueView } from '@/ui/ValueView';
import { needsOf, stepsOf, type Case, type Template } from './examples';

interface TemplateDialogProps {
  template: Template;
  isMaking: boolean;
  onUse: () => void;
  onClose: () => void;
}

export function TemplateDialog({ template, isMaking, onUse, onClose }: TemplateDialogProps) {
  const needs = needsOf(template);
  return (
    <Dialog
      open
      drawer
      onOpenChange={onClose}
      title={template.name}
      description={<Described text={template.description} />}
      footer={
        <>
          <Button onClick={onClose}>{t('Close')}</Button>
          <Button needs="edit" variant="primary" icon={Plus} autoFocus loading={isMaking} onClick={onUse}>
            {t('Use this')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-6">
        <Section title={t('Steps')}>
          <Steps template={template} />
        </Section>
        {needs.length > 0 && (
          <Section title={t('What it needs')}>
            <p>{t('{n, plural, one {The integration {names}.} other {The integrations {names}.}} Connect a service under that name, or choose another one in its step.', { n: needs.length, names: needs.map((name) => `“${name}”`).join(', ') })}</p>
          </Section>
        )}
        <Section title={t('What a run costs')}>
          <p>
            {template.dollars === null
              ? t('It was not measured.')
              : t('{one} for its example, as measured at list prices: {many} for 1,000 runs.', { one: formatMoney(template.dollars), many: formatMoney(template.dollars * 1000) })}
          </p>
        </Section>
        {template.input && <ValueView label={t('What it begins with, for example')} value={template.input} />}
        {template.cases.length > 0 && (
          <Section title={t('Test cases')}>
            <ul className="flex flex-col gap-3">
              {template.cases.map((one) => (
                <CaseCard key={one.name} one={one} />
              ))}
            </ul>
          </Section>
        )}
      </div>
    </Dialog>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-2">
      <h3 className="font-semibold">{title}</h3>
      {children}
    </section>
  );
}

function Steps({ template }: { template: Template }) {
  const { catalogue } = useCatalogue();
  return (
    <ol className="flex flex-col gap-1.5">
      {stepsOf(template).map(({ id, name, type }) => {
        const known = catalogue?.nodes.get(type);
        return (
          <li key={id} className="flex items-center gap-3">
            <span aria-hidden className={cx('flex size-7 shrink-0 items-center justify-center rounded-md', tintOf(known?.group))}>
              {catalogue && <TypeIcon name={known?.icon} className="size-3.5" />}
            </span>
            <span className="min-w-0 break-words">
              {name ?? id} <span className="text-muted">· {known ? said(known.title) : type}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function CaseCard({ one }: { one: Case }) {
  const { status = 'succeeded', result, error, skipped } = one.expect ?? {};
  const answers = Object.values(one.answers ?? {}).map(({ decision, comment }) => (comment ? `${decision} (${comment})` : decision));
  return (
    <li className="flex flex-col gap-2 rounded-md border border-line p-3">
      <div className="flex items-start justify-between gap-3">
        <p className="min-w-0 font-medium break-words first-letter:uppercase">{one.name}</p>
        <Status status={status} />
      </div>
      {one.input !== undefined && <ValueView label={t('Given')} value={one.input} />}
      {answers.length > 0 && (
        <p className="text-sm">
          {t('Answered')}: {answers.join(', ')}
        </p>
      )}
      {result !== undefined && <ValueView label={t('Its result')} value={result} />}
      {error?.code && (
        <p className="flex flex-wrap items-center gap-2 text-sm">
          {t('It fails with')} <Badge tone="bad">{error.code.replaceAll('_', ' ')}</Badge>
        </p>
      )}
      {skipped && (
        <p className="text-sm text-muted">
          {t('Left out')}: {skipped.join(', ')}
        </p>
      )}
    </li>
  );
}
