/** Any JSON value without writing JSON: text with templates, numbers, yes and no, objects and lists in one another. */

import { Plus, Trash2 } from 'lucide-react';

import { msg, t } from '@/app/i18n';
import { Button, IconButton, Select, Switch, TextInput } from '@/ui';

import { ExpressionInput } from '../expr/ExpressionInput';
import { CodeInput } from './CodeInput';
import { JsonText } from './JsonText';
import { useRows } from './rows';

type Kind = 'text' | 'number' | 'boolean' | 'object' | 'list' | 'null';

const KINDS: Record<Kind, string> = {
  text: msg('Text'),
  number: msg('Number'),
  boolean: msg('Yes or no'),
  object: msg('Object'),
  list: msg('List'),
  null: msg('Nothing'),
};

const INITIAL: Record<Kind, () => unknown> = {
  text: () => '',
  number: () => 0,
  boolean: () => true,
  object: () => ({}),
  list: () => [],
  null: () => null,
};

function kindOf(value: unknown): Kind {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'list';
  const kind = typeof value;
  if (kind === 'object' || kind === 'number' || kind === 'boolean') return kind;
  return 'text';
}

/** What stays of a value when its kind changes. */
function converted(value: unknown, kind: Kind): unknown {
  if (kind === 'text' && value !== null && value !== undefined) return typeof value === 'string' ? value : JSON.stringify(value);
  if (kind === 'list' && value !== undefined && value !== null && value !== '') return [value];
  if (kind === 'number' && !Number.isNaN(Number(value))) return Number(value);
  return INITIAL[kind]();
}

export interface ValueEditorProps {
  value: unknown;
  onChange: (value: unknown) => void;
  label: string;
  depth?: number;
  disabled?: boolean | undefined;
}

const DEEPEST = 4;

export function ValueEditor({ value, onChange, label, depth = 0, disabled }: ValueEditorProps) {
  const kind = kindOf(value);
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <Select
        aria-label={t('{label}: kind', { label })}
        value={kind}
        disabled={disabled}
        className="h-7 w-auto! self-start text-sm"
        options={Object.entries(KINDS).map(([one, word]) => ({ value: one, label: t(word) }))}
        onChange={(next) => onChange(converted(value, next as Kind))}
      />
      <OfKind kind={kind} value={value} onChange={onChange} label={label} depth={depth} disabled={disabled} />
    </div>
  );
}

function OfKind({ kind, value, onChange, label, depth = 0, disabled }: ValueEditorProps & { kind: Kind }) {
  if (kind === 'text') {
    return <ExpressionInput value={String(value)} onChange={onChange} label={label} {...(disabled ? { disabled } : {})} />;
  }
  if (kind === 'number') {
    return (
      <TextInput
        type="number"
        aria-label={label}
        value={Number(value)}
        disabled={disabled}
        onChange={(event) => onChange(event.target.valueAsNumber || 0)}
      />
    );
  }
  if (kind === 'boolean') return <Switch label={label} bare checked={value === true} onChange={onChange} disabled={disabled === true} />;
  if (kind === 'null') return null;
  if (depth >= DEEPEST) {
    return (
      <JsonText value={value} onChange={onChange}>
        {(text, setText) => <CodeInput value={text} onChange={setText} language="json" label={label} />}
      </JsonText>
    );
  }
  if (kind === 'list') return <ListOfValues value={value as unknown[]} onChange={onChange} label={label} depth={depth} disabled={disabled} />;
  return <ObjectOfValues value={value as Record<string, unknown>} onChange={onChange} label={label} depth={depth} disabled={disabled} />;
}

const INSIDE = 'flex flex-col gap-2 border-l-2 border-line pl-2.5';

function ListOfValues({ value, onChange, label, depth = 0, disabled }: ValueEditorProps & { value: unknown[] }) {
  return (
    <div className={INSIDE}>
      {value.map((item, index) => {
        const name = t('{label}, entry {n}', { label, n: index + 1 });
        return (
          <div key={index} className="flex items-start gap-1">
            <div className="min-w-0 flex-1">
              <ValueEditor
                value={item}
                label={name}
                depth={depth + 1}
                disabled={disabled}
                onChange={(next) => onChange(value.map((one, at) => (at === index ? next : one)))}
              />
            </div>
            <IconButton
              icon={Trash2}
              size="sm"
              label={t('{label}: remove', { label: name })}
              disabled={disabled}
              onClick={() => onChange(value.filter((_, at) => at !== index))}
            />
          </div>
        );
      })}
      <Button size="sm" icon={Plus} className="self-start" disabled={disabled} onClick={() => onChange([...value, ''])}>
        {t('Add an entry')}
      </Button>
    </div>
  );
}

function ObjectOfValues({ value, onChange, label, depth = 0, disabled }: ValueEditorProps & { value: Record<string, unknown> }) {
  const { rows, setKey, setValue, add, remove } = useRows(value, onChange);
  return (
    <div className={INSIDE}>
      {rows.map((row) => (
        <div key={row.id} className="flex flex-col gap-1">
          <div className="flex items-center gap-1">
            <TextInput
              aria-label={t('{label}: name', { label })}
              value={row.key}
              disabled={disabled}
              placeholder={t('name')}
              className="h-7 font-mono text-sm"
              onChange={(event) => setKey(row.id, event.target.value)}
            />
            <IconButton
              icon={Trash2}
              size="sm"
              disabled={disabled}
              label={t('{label}: remove', { label: row.key || t('entry') })}
              onClick={() => remove(row.id)}
            />
          </div>
          <ValueEditor value={row.value} label={row.key || label} depth={depth + 1} disabled={disabled} onChange={(next) => setValue(row.id, next)} />
        </div>
      ))}
      <Button size="sm" icon={Plus} className="self-start" disabled={disabled} onClick={() => add('')}>
        {t('Add a field')}
      </Button>
    </div>
  );
}
