/** The inputs of a form, one for each widget. */

import { Plus, Trash2 } from 'lucide-react';
import { useContext, useId } from 'react';

import { t } from '@/app/i18n';
import { Button, Field as UiField, IconButton, Select, Switch, TextArea, TextInput } from '@/ui';

import { ExpressionInput } from '../expr/ExpressionInput';
import { CodeInput } from './CodeInput';
import { initialValue, isFixed, type Field } from './describe';
import { Described } from './Described';
import { focusInPlace } from './focus';
import { IntegrationInput, WorkflowInput } from './references';
import { useRows } from './rows';
import { FormContext, SchemaForm } from './SchemaForm';
import { ValueEditor } from './ValueEditor';

export interface InputProps {
  field: Field;
  value: unknown;
  path: string;
  onChange: (value: unknown) => void;
}

export function Input(props: InputProps) {
  switch (props.field.widget) {
    case 'number':
      return <NumberInput {...props} />;
    case 'switch':
      return <SwitchInput {...props} />;
    case 'choice':
      return <ChoiceInput {...props} />;
    case 'code':
      return <CodeOf {...props} />;
    case 'json':
      return <AnyInput {...props} />;
    case 'integration':
      return <IntegrationInput {...props} />;
    case 'workflow':
      return <WorkflowInput {...props} />;
    case 'timezone':
      return <ZoneInput {...props} />;
    case 'object':
      return <ObjectInput {...props} />;
    case 'map':
      return <MapInput {...props} />;
    case 'list':
      return <ListInput {...props} />;
    case 'union':
      return <UnionInput {...props} />;
    default:
      return <TextualInput {...props} />;
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What an emptied text becomes: nothing, unless it is needed and may be empty. */
function emptied(field: Field, text: string): string | undefined {
  return text === '' && (!field.required || field.nullable) ? undefined : text;
}

function hintOf(field: Field): string {
  if (field.default !== undefined && field.default !== null && field.default !== '') return textOf(field.default);
  return textOf(field.examples[0]);
}

function TextualInput({ field, value, onChange }: InputProps) {
  const { isLiteral, isReadOnly } = useContext(FormContext);
  const list = useId();
  const text = textOf(value);
  const change = (next: string) => onChange(emptied(field, next));
  if (field.widget === 'password') {
    return <TextInput type="password" autoComplete="off" value={text} disabled={isReadOnly} onChange={(event) => change(event.target.value)} />;
  }
  if (field.literal || isLiteral) {
    if (field.widget === 'multiline') {
      return <TextArea value={text} disabled={isReadOnly} placeholder={hintOf(field)} onChange={(event) => change(event.target.value)} />;
    }
    return (
      <>
        <TextInput value={text} disabled={isReadOnly} placeholder={hintOf(field)} list={list} onChange={(event) => change(event.target.value)} />
        <datalist id={list}>
          {field.suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </>
    );
  }
  const rows = field.widget === 'multiline' && (field.maxLength ?? 0) > 10_000 ? 3 : 1;
  return <ExpressionInput value={text} onChange={change} placeholder={hintOf(field)} rows={rows} disabled={isReadOnly} />;
}

function NumberInput({ field, value, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  const { minimum, maximum } = field;
  return (
    <TextInput
      type="number"
      inputMode={field.integer ? 'numeric' : 'decimal'}
      step={field.integer ? 1 : 'any'}
      {...(minimum === undefined ? {} : { min: minimum })}
      {...(maximum === undefined ? {} : { max: maximum })}
      value={value === undefined || value === null ? '' : textOf(value)}
      placeholder={hintOf(field)}
      disabled={isReadOnly}
      onChange={(event) => {
        const { value: text, valueAsNumber } = event.target;
        onChange(text === '' || Number.isNaN(valueAsNumber) ? undefined : valueAsNumber);
      }}
    />
  );
}

function SwitchInput({ field, value, onChange }: InputProps) {
  const { isReadOnly, isLiteral } = useContext(FormContext);
  // A condition is an expression; a field that is yes or no has a switch.
  if (field.accepts.includes('text') && !isLiteral && typeof value !== 'boolean') {
    return <ExpressionInput value={textOf(value)} onChange={(text) => onChange(emptied(field, text))} isExpression placeholder={'{{ … }}'} disabled={isReadOnly} />;
  }
  const checked = (value ?? field.default) === true;
  return <Switch label={checked ? t('Yes') : t('No')} checked={checked} onChange={onChange} disabled={isReadOnly} />;
}

function ChoiceInput({ field, value, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  const keys = field.options.map((option) => JSON.stringify(option.value));
  const hasDefault = field.default !== undefined && field.default !== null;
  const chosen = value === undefined || value === null ? (hasDefault ? JSON.stringify(field.default) : '') : JSON.stringify(value);
  const unknown = chosen !== '' && !keys.includes(chosen) ? [{ value: chosen, label: textOf(value) }] : [];
  const options = field.options.map((option, index) => ({ value: keys[index] ?? '', label: option.label }));
  return (
    <Select
      value={chosen}
      disabled={isReadOnly}
      options={[...options, ...unknown]}
      {...(hasDefault ? {} : { placeholder: field.required ? t('Choose') : t('Not set') })}
      onChange={(next) => onChange(next === '' ? undefined : (JSON.parse(next) as unknown))}
    />
  );
}

function CodeOf({ field, value, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  return <CodeInput value={textOf(value)} onChange={onChange} language={field.language} label={field.label} readOnly={isReadOnly} />;
}

function AnyInput({ field, value, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  if (value === undefined || (value === null && !field.required)) {
    return (
      <SetValue field={field} onChange={() => onChange(field.accepts.includes('object') ? {} : field.accepts.includes('list') ? [] : '')} />
    );
  }
  return (
    <div className="flex flex-col items-stretch gap-1">
      <ValueEditor value={value} onChange={onChange} label={field.label} disabled={isReadOnly} />
      {!field.required && <Unset field={field} onChange={onChange} />}
    </div>
  );
}

/** What these two are about is said above them; who hears them one by one is told it. */
function SetValue({ field, onChange }: { field: Field; onChange: () => void }) {
  const { isReadOnly } = useContext(FormContext);
  return (
    <Button size="sm" icon={Plus} className="self-start" disabled={isReadOnly} aria-label={t('{label}: set a value', { label: field.label })}
      onClick={(event) => {
        focusInPlace(event);
        onChange();
      }}
    >
      {t('Set a value')}
    </Button>
  );
}

function Unset({ field, onChange }: Pick<InputProps, 'field' | 'onChange'>) {
  const { isReadOnly } = useContext(FormContext);
  return (
    <Button size="sm" variant="ghost" icon={Trash2} className="self-start text-muted" disabled={isReadOnly} aria-label={t('{label}: remove', { label: field.label })}
      onClick={(event) => {
        focusInPlace(event);
        onChange(undefined);
      }}
    >
      {t('Remove')}
    </Button>
  );
}

function ZoneInput({ field, value, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  const list = useId();
  return (
    <>
      <TextInput list={list} value={textOf(value)} placeholder={hintOf(field)} disabled={isReadOnly} onChange={(event) => onChange(emptied(field, event.target.value))} />
      <datalist id={list}>
        {Intl.supportedValuesOf('timeZone').map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}

const INSIDE = 'flex flex-col gap-3 rounded-md border border-line bg-page p-3';

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ObjectInput({ field, value, path, onChange }: InputProps) {
  if (!isPlain(value) && !field.required) {
    return (
      <SetValue field={field} onChange={() => onChange(initialValue({ ...field, default: undefined }))} />
    );
  }
  return (
    <div className={INSIDE}>
      <SchemaForm fields={field.fields ?? []} values={isPlain(value) ? value : {}} onChange={onChange} path={path} oneOf={field.oneOf ?? []} />
      {!field.required && <Unset field={field} onChange={onChange} />}
    </div>
  );
}

function MapInput({ field, value, path, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  const values = isPlain(value) ? value : {};
  const { rows, setKey, setValue, add, remove } = useRows(values, (next) => {
    onChange(Object.keys(next).length === 0 && !field.required ? undefined : next);
  });
  const item = field.item;
  if (!item) return null;
  return (
    <div className="flex flex-col gap-2">
      {rows.map((row) => (
        <div key={row.id} className="flex items-start gap-1.5">
          <TextInput
            className="w-2/5! shrink-0"
            aria-label={t('{label}: name', { label: field.label })}
            placeholder={t('name')}
            value={row.key}
            disabled={isReadOnly}
            onChange={(event) => setKey(row.id, event.target.value)}
          />
          <div className="min-w-0 flex-1">
            <Bare field={{ ...item, label: row.key || t('value') }} value={row.value} path={`${path}.${row.key}`} onChange={(next) => setValue(row.id, next ?? '')} />
          </div>
          <IconButton icon={Trash2} size="sm" disabled={isReadOnly} label={t('{label}: remove', { label: row.key || t('entry') })} onClick={(event) => {
              focusInPlace(event);
              remove(row.id);
            }}
          />
        </div>
      ))}
      <Button size="sm" icon={Plus} className="self-start" disabled={isReadOnly} onClick={() => add(initialValue(item))}>
        {t('Add an entry')}
      </Button>
    </div>
  );
}

const GROUPS = new Set(['object', 'map', 'list', 'union', 'json', 'code']);

/** An input without a label to see: its name is told to screen readers. */
function Bare({ field, value, path, onChange }: InputProps) {
  const { isReadOnly, isLiteral, problems } = useContext(FormContext);
  const isText = field.widget === 'text' || field.widget === 'multiline';
  if (GROUPS.has(field.widget)) {
    return (
      <div role="group" aria-label={field.label}>
        <Input field={field} value={value} path={path} onChange={onChange} />
        {problems[path] && <p className="mt-0.5 text-sm text-bad">{problems[path]}</p>}
      </div>
    );
  }
  return (
    <UiField label={<span className="sr-only">{field.label}</span>} error={problems[path]} className="gap-0!">
      {isText && !field.literal && !isLiteral ? (
        <ExpressionInput value={textOf(value)} disabled={isReadOnly} onChange={onChange} />
      ) : (
        <Input field={field} value={value} path={path} onChange={onChange} />
      )}
    </UiField>
  );
}

function ListInput({ field, value, path, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  const given = value ?? field.default;
  const values = Array.isArray(given) ? (given as unknown[]) : given === undefined || given === null ? [] : [given];
  const item = field.item;
  if (!item) return null;
  const change = (next: unknown[]) => onChange(next.length === 0 && !field.required ? undefined : next);
  return (
    <div className="flex flex-col gap-2">
      {values.map((one, index) => {
        const name = t('{label}, entry {n}', { label: field.label, n: index + 1 });
        return (
          <div key={index} className="flex items-start gap-1.5">
            <div className="min-w-0 flex-1">
              <Bare field={{ ...item, label: name }} value={one} path={`${path}[${index}]`} onChange={(next) => change(values.map((old, at) => (at === index ? (next ?? '') : old)))} />
            </div>
            <IconButton icon={Trash2} size="sm" disabled={isReadOnly} label={t('{label}: remove', { label: name })} onClick={(event) => {
                focusInPlace(event);
                change(values.filter((_, at) => at !== index));
              }}
            />
          </div>
        );
      })}
      <Button size="sm" icon={Plus} className="self-start" disabled={isReadOnly} onClick={() => change([...values, initialValue(item)])}>
        {t('Add an entry')}
      </Button>
    </div>
  );
}

/** Which of a union's variants a value is. */
function variantOf(field: Field, value: unknown): number {
  const kind = Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;
  const fits = (one: Field): boolean => {
    const words: Record<string, string[]> = {
      string: ['text', 'multiline', 'choice', 'code', 'password'],
      number: ['number'],
      boolean: ['switch'],
      list: ['list'],
      object: ['object', 'map'],
    };
    return words[kind]?.includes(one.widget) ?? false;
  };
  return Math.max(0, (field.variants ?? []).findIndex((one) => fits(one) && hasFixed(one, value)));
}

function hasFixed({ fields = [] }: Field, value: unknown): boolean {
  if (!isPlain(value)) return true;
  return fields.filter(isFixed).every((one) => value[one.key] === one.options[0]?.value);
}

function UnionInput({ field, value, path, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  const variants = field.variants ?? [];
  const shown = value ?? field.default;
  const at = variantOf(field, shown);
  const variant = variants[at];
  if (!variant) return null;
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <Select
        aria-label={t('{label}: kind', { label: field.label })}
        className="h-7 w-auto! self-start text-sm"
        value={String(at)}
        disabled={isReadOnly}
        options={variants.map((one, index) => ({ value: String(index), label: one.label }))}
        onChange={(next) => {
          const chosen = variants[Number(next)];
          if (chosen) onChange(initialValue(chosen));
        }}
      />
      <OfVariant field={field} variant={variant} value={shown} path={path} onChange={onChange} />
    </div>
  );
}

/** What is to be entered of a variant: not what tells it from the others, that is chosen already. */
function OfVariant({ field, variant, value, path, onChange }: InputProps & { variant: Field }) {
  const fields = variant.fields?.filter((one) => !isFixed(one));
  if (variant.widget === 'object' && fields && fields.length < (variant.fields?.length ?? 0)) {
    if (fields.length === 0) return variant.description ? <p className="text-sm text-muted"><Described text={variant.description} /></p> : null;
    return (
      <div className={INSIDE}>
        <SchemaForm fields={fields} values={isPlain(value) ? value : {}} onChange={onChange} path={path} />
      </div>
    );
  }
  return <Bare field={{ ...variant, label: field.label, required: field.required, nullable: field.nullable }} value={value} path={path} onChange={onChange} />;
}
