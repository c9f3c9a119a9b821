/** A form for any schema: its fields with what is wrong at each, the rarely needed ones folded away. */

import { Braces, PencilLine } from 'lucide-react';
import { createContext, useContext, useEffect, useId, useRef, useState, type ReactNode } from 'react';

import { t } from '@/app/i18n';
import { Field as UiField, IconButton, Select } from '@/ui';

import { ExpressionInput } from '../expr/ExpressionInput';
import { hasTemplate } from '../expr/scanner';
import { omit } from '../editor/omit';
import { isShown, withTitles, type Field } from './describe';
import { Described } from './Described';
import { Input } from './widgets';

export type Values = Readonly<Record<string, unknown>>;

export interface FormContextValue {
  /** Sentences by path below the form's root: `headers.Accept`. */
  problems: Readonly<Record<string, string>>;
  /** The types of integrations that may be chosen; `*` for all. */
  integrations: readonly string[];
  /** Nothing takes templates here: a form for what is no node. */
  isLiteral: boolean;
  isReadOnly: boolean;
}

export const FormContext = createContext<FormContextValue>({ problems: {}, integrations: ['*'], isLiteral: false, isReadOnly: false });

export interface SchemaFormProps {
  fields: readonly Field[];
  values: Values;
  onChange: (values: Record<string, unknown>) => void;
  /** Where the form stands below its root. */
  path?: string;
  /** Of these exactly one is given. */
  oneOf?: readonly string[];
}

/** The values with one changed; `undefined` takes it away. */
export function withValue(values: Values, key: string, value: unknown): Record<string, unknown> {
  return value === undefined ? omit(values, key) : { ...values, [key]: value };
}

export function SchemaForm({ fields, values, onChange, path = '', oneOf = [] }: SchemaFormProps) {
  const shown = fields.filter((field) => isShown(field, values, fields) && !oneOf.includes(field.key));
  const given = (field: Field) => values[field.key] !== undefined;
  // By whom something is done comes before what is done.
  const byWhom = (field: Field) => (field.widget === 'integration' ? 0 : 1);
  const common = shown.filter((field) => !field.advanced || given(field)).sort((one, other) => byWhom(one) - byWhom(other));
  const advanced = shown.filter((field) => field.advanced && !given(field));
  const row = (field: Field) => (
    <FieldRow
      key={field.key}
      field={field}
      value={values[field.key]}
      path={path ? `${path}.${field.key}` : field.key}
      onChange={(value) => onChange(withValue(values, field.key, value))}
    />
  );
  const alternatives = fields.filter((field) => oneOf.includes(field.key));
  return (
    <div className="flex flex-col gap-4">
      {alternatives.length > 0 && <OneOf fields={alternatives} values={values} onChange={onChange} row={row} />}
      {common.map(row)}
      {advanced.length > 0 && (
        <details className="group">
          <summary className="rounded font-medium text-muted select-none hover:text-ink">
            {t('{n, plural, one {# more setting} other {# more settings}}', { n: advanced.length })}
          </summary>
          <div className="mt-3 flex flex-col gap-4">{advanced.map(row)}</div>
        </details>
      )}
    </div>
  );
}

interface OneOfProps {
  fields: readonly Field[];
  values: Values;
  onChange: (values: Record<string, unknown>) => void;
  row: (field: Field) => ReactNode;
}

/** A choice among fields of which exactly one is given. */
function OneOf({ fields, values, onChange, row }: OneOfProps) {
  const { isReadOnly } = useContext(FormContext);
  const chosen = fields.find((field) => values[field.key] !== undefined && values[field.key] !== null) ?? fields[0];
  const choose = (key: string) => {
    const rest = fields.reduce<Record<string, unknown>>((one, field) => withValue(one, field.key, undefined), values);
    onChange({ ...rest, [key]: '' });
  };
  return (
    <>
      <Select
        aria-label={t('Which one')}
        value={chosen?.key ?? ''}
        disabled={isReadOnly}
        options={fields.map((field) => ({ value: field.key, label: field.label }))}
        onChange={choose}
      />
      {chosen && row({ ...chosen, required: true, nullable: false })}
    </>
  );
}

interface FieldRowProps {
  field: Field;
  value: unknown;
  path: string;
  onChange: (value: unknown) => void;
}

/** Those whose input takes templates in its text by itself. */
const TEXTUAL = new Set(['text', 'multiline', 'json']);
/** Those that are a group of inputs, with names of their own. */
const GROUPS = new Set(['object', 'map', 'list', 'union', 'json']);

export function FieldRow({ field, value, path, onChange }: FieldRowProps) {
  const { problems, isLiteral, isReadOnly } = useContext(FormContext);
  const canBeExpression = !field.literal && !isLiteral && !TEXTUAL.has(field.widget);
  const { isHeld: isExpression, hold } = useHeld(canBeExpression && (hasTemplate(value) || value === EMPTY_EXPRESSION));
  const toggle = canBeExpression && !isReadOnly && (
    <IconButton
      icon={isExpression ? PencilLine : Braces}
      size="sm"
      className="-my-1"
      label={isExpression ? t('{label}: enter a value', { label: field.label }) : t('{label}: use an expression', { label: field.label })}
      onClick={() => onChange(isExpression ? undefined : EMPTY_EXPRESSION)}
    />
  );
  const input = (
    <div className="contents" {...hold}>
      {isExpression ? (
        <ExpressionInput value={String(value)} onChange={onChange} isExpression label={field.label} disabled={isReadOnly} />
      ) : (
        <Input field={field} value={value} path={path} onChange={onChange} />
      )}
    </div>
  );
  const hint = field.description ? <Described text={withTitles(field)} /> : undefined;
  if (GROUPS.has(field.widget) && !isExpression) {
    return (
      <Group field={field} error={problems[path]} hint={hint} aside={toggle}>
        {input}
      </Group>
    );
  }
  return (
    <UiField label={field.label} required={field.required} error={problems[path]} hint={hint} aside={toggle || undefined}>
      {input}
    </UiField>
  );
}

/** Milliseconds that a press of a mouse takes. */
const PRESS = 300;

/**
 * A condition that stays as it was while somebody types: another input in the same place would not have the focus.
 *
 * And until the press that took the focus away is over: if what is pressed moved meanwhile, it would not be a click.
 */
function useHeld(condition: boolean) {
  const [isHeld, setHeld] = useState(condition);
  const [isTyping, setTyping] = useState(false);
  const end = useRef(0);
  useEffect(() => () => window.clearTimeout(end.current), []);
  if (!isTyping && isHeld !== condition) setHeld(condition);
  const onFocus = () => {
    window.clearTimeout(end.current);
    setTyping(true);
  };
  const onBlur = () => {
    end.current = window.setTimeout(() => setTyping(false), PRESS);
  };
  return { isHeld, hold: { onFocus, onBlur } };
}

/** What a switch to an expression begins with. */
const EMPTY_EXPRESSION = '{{  }}';

interface GroupProps {
  field: Field;
  error: string | undefined;
  hint: ReactNode;
  aside: ReactNode;
  children: ReactNode;
}

function Group({ field, error, hint, aside, children }: GroupProps) {
  const id = useId();
  return (
    <div role="group" aria-labelledby={id} className="flex flex-col gap-1.5">
      <div className="flex items-baseline justify-between gap-2">
        <span id={id} className="font-medium">
          {field.label}
          {field.required && (
            <span aria-hidden className="text-bad">
              {' '}
              *
            </span>
          )}
        </span>
        {aside}
      </div>
      {children}
      {error && <p className="text-sm text-bad">{error}</p>}
      {hint && <p className="text-sm text-muted">{hint}</p>}
    </div>
  );
}
