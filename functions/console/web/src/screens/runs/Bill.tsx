/** What a run cost, and of what that is made. */
import { t } from '@/app/i18n';
import { formatDateTime, formatDuration, formatMoney, formatNumber } from '@/app/i18n/format';
import type { Run } from './api';

export function Bill({ bill }: { bill: Run['bill'] }) {
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
    <div className="max-w-xl rounded-lg border border-line bg-card">
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
    </div>
  );
}
