/** Any value for people: fields as rows, lists of alike things as tables, texts as texts. JSON is one click away. */
import { Braces, Copy, Rows3 } from 'lucide-react';
import { useState } from 'react';
import { t } from '@/app/i18n';
import { IconButton } from './IconButton';
import { toast } from './Toast';

const MOST_ROWS = 100;
const MOST_COLUMNS = 8;
const LONG_TEXT = 4000;
const DEEPEST = 3;

type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The columns of a list of alike things; null where it is none, or has too many. */
export function columnsOf(list: readonly unknown[]): string[] | null {
  if (!list.length || !list.every(isFields)) return null;
  const columns = [...new Set(list.slice(0, MOST_ROWS).flatMap((one) => Object.keys(one)))];
  return columns.length > 0 && columns.length <= MOST_COLUMNS ? columns : null;
}

/** A value in one line, for cells. */
export function inOneLine(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return JSON.stringify(value);
}

/** A value with a switch to its JSON. `label` says what it is. */
export function ValueView({ value, label }: { value: unknown; label: string }) {
  const [asJson, setJson] = useState(false);
  const isSimple = typeof value !== 'object' || value === null;
  const copy = () => {
    void navigator.clipboard.writeText(typeof value === 'string' ? value : JSON.stringify(value, null, 2)).then(() => toast(t('Copied')));
  };
  return (
    <section className="flex flex-col gap-1.5">
      <div className="flex items-center gap-1">
        <h3 className="flex-1 font-medium">{label}</h3>
        {!isSimple && (
          <IconButton size="sm" icon={asJson ? Rows3 : Braces} label={asJson ? t('Show as fields') : t('Show as JSON')} onClick={() => setJson(!asJson)} />
        )}
        {value !== null && value !== undefined && <IconButton size="sm" icon={Copy} label={t('Copy')} onClick={copy} />}
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys */}
      <div className="max-h-96 overflow-auto rounded-md bg-hover px-3 py-2 text-sm" role="group" aria-label={label} tabIndex={0}>
        {asJson ? <LongText text={JSON.stringify(value, null, 2)} mono /> : <Shown value={value} depth={0} />}
      </div>
    </section>
  );
}

function Shown({ value, depth }: { value: unknown; depth: number }) {
  if (value === null || value === undefined) return <span className="text-muted">{t('nothing')}</span>;
  if (typeof value === 'string') return value === '' ? <span className="text-muted">{t('empty text')}</span> : <LongText text={value} />;
  if (typeof value !== 'object') return <span className="font-mono">{inOneLine(value)}</span>;
  if (depth >= DEEPEST) return <LongText text={JSON.stringify(value)} mono />;
  if (Array.isArray(value)) return <ShownList list={value} depth={depth} />;
  const fields = Object.entries(value as Fields);
  if (!fields.length) return <span className="text-muted">{t('no fields')}</span>;
  return (
    <dl className="grid grid-cols-[minmax(3rem,auto)_minmax(0,1fr)] gap-x-4 gap-y-1">
      {fields.map(([name, one]) => (
        <div key={name} className="contents">
          <dt className="max-w-40 truncate text-muted" title={name}>
            {name}
          </dt>
          <dd className="min-w-0 break-words">
            <Shown value={one} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ShownList({ list, depth }: { list: readonly unknown[]; depth: number }) {
  const [most, setMost] = useState(MOST_ROWS);
  if (!list.length) return <span className="text-muted">{t('empty list')}</span>;
  const columns = columnsOf(list);
  const shown = list.slice(0, most);
  const more = list.length > most && (
    <button type="button" className="mt-1 text-accent underline" onClick={() => setMost(most + MOST_ROWS)}>
      {t('{n} more', { n: list.length - most })}
    </button>
  );
  if (columns)
    return (
      <>
        <table className="border-collapse text-left">
          <thead>
            <tr className="border-b border-line">
              {columns.map((column) => (
                <th key={column} scope="col" className="pr-4 pb-1 font-medium text-muted">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {(shown as Fields[]).map((row, index) => (
              <tr key={index} className="border-b border-line last:border-0">
                {columns.map((column) => (
                  <td key={column} className="max-w-64 truncate py-1 pr-4 align-top" title={inOneLine(row[column])}>
                    {inOneLine(row[column])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {more}
      </>
    );
  return (
    <>
      <ol className="flex flex-col gap-1">
        {shown.map((one, index) => (
          <li key={index} className="flex min-w-0 gap-3">
            <span className="w-5 shrink-0 text-right text-muted tabular-nums">{index + 1}</span>
            <div className="min-w-0 flex-1">
              <Shown value={one} depth={depth + 1} />
            </div>
          </li>
        ))}
      </ol>
      {more}
    </>
  );
}

function LongText({ text, mono = false }: { text: string; mono?: boolean }) {
  const [whole, setWhole] = useState(false);
  const isLong = text.length > LONG_TEXT && !whole;
  return (
    <div className={mono ? 'font-mono break-words whitespace-pre-wrap' : 'break-words whitespace-pre-wrap'}>
      {isLong ? `${text.slice(0, LONG_TEXT)}…` : text}
      {isLong && (
        <button type="button" className="ml-2 font-sans text-accent underline" onClick={() => setWhole(true)}>
          {t('Show all')}
        </button>
      )}
    </div>
  );
}
