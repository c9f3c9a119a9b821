/** What a run cost, and of what that is made. */
import { t } from '@/app/i18n';
import { formatDateTime, formatDuration, formatMoney, formatNumber } from '@/app/i18n/format';
import { Money } from '@/ui';
import type { Run, RunNode } from './api';
import { billed } from './model';

interface BillProps {
  run: Run;
  titles: (node: RunNode) => string;
  onChoose: (path: string) => void;
}

export function Bill({ run, titles, onChoose }: BillProps) {
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <BySteps run={run} titles={titles} onChoose={onChoose} />
      <ByKind bill={run.bill} />
    </div>
  );
}

function BySteps({ run, titles, onChoose }: BillProps) {
  const steps = billed(run.nodes);
  const most = steps[0]?.dollars ?? 0;
  return (
    <section className="rounded-lg border border-line bg-card">
      <h2 className="border-b border-line px-4 py-2.5 font-semibold">{t('By step')}</h2>
      <ol>
        {steps.map((node) => (
          <li key={node.id} className="border-b border-line">
            <button
              type="button"
              onClick={() => onChoose(node.id)}
              className="grid w-full grid-cols-[minmax(0,1fr)_5rem_auto] items-center gap-3 px-4 py-2.5 text-left outline-offset-[-2px] hover:bg-hover"
            >
              <span className="truncate">{titles(node)}</span>
              <span aria-hidden className="h-2 rounded-full bg-hover">
                <span className="block h-full rounded-full bg-accent" style={{ width: `${((node.dollars ?? 0) / most) * 100}%` }} />
              </span>
              <Money dollars={node.dollars ?? 0} />
            </button>
          </li>
        ))}
      </ol>
      <p className="px-4 py-2.5 text-sm text-muted">{howEstimated()}</p>
    </section>
  );
}

/** How the cost of a step is known. */
export function howEstimated(): string {
  return t('Estimated: AWS bills whole calls of functions. Each step gets its share of them by the time that it took without waiting, and of the rest by what was written for it.');
}

function ByKind({ bill }: { bill: Run['bill'] }) {
  const lines: [string, string][] = [
    [t('Computing time'), formatDuration(bill.lambda_ms)],
    [t('State transitions'), formatNumber(bill.transitions)],
    [t('Written to the database'), t('{n, plural, one {# unit} other {# units}}', { n: bill.write_units })],
    [t('Read from the database'), t('{n, plural, one {# unit} other {# units}}', { n: bill.read_units })],
    [t('File storage'), t('{n, plural, one {# call} other {# calls}}', { n: bill.s3_calls })],
    ...(bill.ai_input_tokens + bill.ai_output_tokens > 0
      ? ([
          [
            t('AI models'),
            t('{input} tokens in, {output} out, {dollars}', {
              input: formatNumber(bill.ai_input_tokens),
              output: formatNumber(bill.ai_output_tokens),
              dollars: formatMoney(bill.ai_dollars),
            }),
          ],
        ] as [string, string][])
      : []),
  ];
  return (
    <section className="rounded-lg border border-line bg-card">
      <h2 className="border-b border-line px-4 py-2.5 font-semibold">{t('By kind')}</h2>
      <dl>
        {lines.map(([name, amount]) => (
          <div key={name} className="flex justify-between gap-4 border-b border-line px-4 py-2.5">
            <dt className="text-muted">{name}</dt>
            <dd className="text-right tabular-nums">{amount}</dd>
          </div>
        ))}
        <div className="flex justify-between gap-4 px-4 py-3 font-semibold">
          <dt>{t('Total')}</dt>
          <dd className="tabular-nums">{formatMoney(bill.dollars)}</dd>
        </div>
      </dl>
      <p className="border-t border-line px-4 py-2.5 text-sm text-muted">
        {t('By the list prices of AWS of {date}. Per million runs like this one: {dollars}.', {
          date: formatDateTime(bill.prices_as_of, { dateStyle: 'medium', timeZone: 'UTC' }),
          dollars: formatNumber(bill.dollars * 1_000_000, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', maximumFractionDigits: 2 }),
        })}
      </p>
    </section>
  );
}
