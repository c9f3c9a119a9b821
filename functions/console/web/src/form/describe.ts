/** From the JSON Schema of a config to the fields of a form. Pure; no type is known here by its name. */

import { said } from '@/app/i18n';

import { omit } from '../editor/omit';

export interface Schema {
  [key: string]: unknown;
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  items?: Schema;
  additionalProperties?: boolean | Schema;
  patternProperties?: Record<string, Schema>;
  title?: string;
  description?: string;
  default?: unknown;
  examples?: unknown[];
}

/** How a field is entered. */
export type Widget =
  | 'text'
  | 'multiline'
  | 'password'
  | 'number'
  | 'switch'
  | 'choice'
  | 'code'
  | 'json'
  | 'integration'
  | 'workflow'
  | 'timezone'
  | 'object'
  | 'map'
  | 'list'
  | 'union';

export interface Field {
  key: string;
  label: string;
  description: string;
  widget: Widget;
  required: boolean;
  /** It may be null, which is the same as not given. */
  nullable: boolean;
  /** What holds where nothing is given. */
  default: unknown;
  examples: unknown[];
  /** Its text is taken as it is written: there are no templates in it. */
  literal: boolean;
  advanced: boolean;
  /** Shown only if these fields beside it have one of these values. */
  when: Record<string, unknown[]>;
  options: { value: unknown; label: string }[];
  /** Values that are often meant, beside any other text. */
  suggestions: string[];
  language?: string;
  integer?: boolean;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  /** Of an object. */
  fields?: Field[];
  /** Of an object: exactly one of these is given. */
  oneOf?: string[];
  /** Of a list's items, or a map's values. */
  item?: Field;
  keyPattern?: string;
  /** Of a union: one of these. */
  variants?: Field[];
  /** What its schema takes, in a word: `text`, `true or false`. Of the kinds that a template's value may have. */
  accepts: string[];
}

interface Hints {
  widget?: string;
  language?: string;
  when?: Record<string, unknown[]>;
  advanced?: boolean;
  literal?: boolean;
  label?: string;
  one_of?: string[];
  titles?: Record<string, string>;
}

const LITERAL_WIDGETS = new Set(['integration', 'code', 'secret', 'password']);
const LANGUAGES = new Set(['python', 'javascript', 'sql', 'html', 'jsonata']);
const LONG_TEXT = 1_500;
const MAX_DEPTH = 6;

/** The fields of an object's schema, in its order. */
export function describe(schema: Schema): Field[] {
  return fieldsOf(schema, schema, 0);
}

function fieldsOf(schema: Schema, root: Schema, depth: number): Field[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([key, property]) =>
    fieldOf(key, property, root, { required: required.has(key), depth }),
  );
}

/** A schema without `$ref`: what stands beside the reference counts more than what it refers to. */
export function resolve(schema: Schema, root: Schema): Schema {
  let current = schema;
  for (let step = 0; current.$ref !== undefined && step < 20; step++) {
    const { $ref, ...beside } = current;
    const name = $ref.replace('#/$defs/', '');
    current = { ...(root.$defs?.[name] ?? {}), ...beside };
  }
  const [only, ...more] = current.allOf ?? [];
  if (only && more.length === 0) {
    return { ...resolve(only, root), ...omit(current, 'allOf') };
  }
  return current;
}

function hintsOf(schema: Schema): Hints {
  const given = schema['x-mainspring'];
  if (typeof given === 'string') {
    return LANGUAGES.has(given) ? { widget: 'code', language: given } : { widget: given };
  }
  return typeof given === 'object' && given !== null ? given : {};
}

function fieldOf(key: string, raw: Schema, root: Schema, at: { required: boolean; depth: number }): Field {
  const outer = resolve(raw, root);
  const all = branchesOf(outer, root);
  const branches = all.filter((one) => one.type !== 'null');
  const [only] = branches;
  const schema: Schema = branches.length === 1 && only ? { ...only, ...omit(outer, 'anyOf', 'oneOf') } : outer;
  const hints = [...branches, outer].map(hintsOf).reduce((one, other) => ({ ...one, ...other, titles: { ...one.titles, ...other.titles } }), {});
  const field: Field = {
    key,
    label: said(hints.label ?? labelOf(key, outer.title)),
    description: said(outer.description ?? (branches.length === 1 ? (only?.description ?? '') : '')),
    widget: 'text',
    required: at.required,
    nullable: all.length > branches.length,
    default: outer.default ?? undefined,
    examples: schema.examples ?? [],
    literal: hints.literal ?? LITERAL_WIDGETS.has(hints.widget ?? ''),
    advanced: hints.advanced ?? false,
    when: hints.when ?? {},
    options: [],
    suggestions: [],
    accepts: [...new Set(branches.flatMap((one) => kindsOf(one)))],
    ...boundsOf(schema),
  };
  if (branches.length > 1) return ofBranches(field, branches, root, hints, at.depth);
  return ofOne(field, schema, root, hints, at.depth);
}

/** What a schema may be, nested alternatives flattened. */
function branchesOf(schema: Schema, root: Schema): Schema[] {
  const listed = schema.anyOf ?? schema.oneOf;
  if (!listed) return [schema];
  return listed.flatMap((one) => branchesOf(resolve(one, root), root));
}

const NUMBER_WORDS = ['minimum', 'maximum', 'exclusiveMinimum', 'minLength', 'maxLength', 'minItems', 'maxItems'] as const;

function boundsOf(schema: Schema): Partial<Field> {
  const bounds: Partial<Field> = {};
  for (const word of NUMBER_WORDS) if (typeof schema[word] === 'number') bounds[word] = schema[word];
  if (typeof schema.pattern === 'string' && isPattern(schema.pattern)) bounds.pattern = schema.pattern;
  return bounds;
}

/** Whether JavaScript knows a pattern; one that it does not know is left to the server. */
function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}

const KINDS: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  array: 'list',
  object: 'object',
};

function kindsOf(schema: Schema): string[] {
  const type = Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type];
  return type.filter((one) => one !== 'null').map((one) => KINDS[one] ?? one);
}

const BY_HINT: Record<string, Widget> = {
  integration: 'integration',
  workflow: 'workflow',
  timezone: 'timezone',
  code: 'code',
  json: 'json',
  password: 'password',
  secret: 'password',
  multiline: 'multiline',
};

function ofOne(field: Field, schema: Schema, root: Schema, hints: Hints, depth: number): Field {
  const hinted = BY_HINT[hints.widget ?? ''];
  if (hinted) return { ...field, widget: hinted, ...(hints.language ? { language: hints.language } : {}) };
  if (schema.enum) return { ...field, widget: 'choice', options: schema.enum.map((value) => optionOf(value, hints)) };
  if (schema.const !== undefined) return { ...field, widget: 'choice', options: [optionOf(schema.const, hints)] };
  switch (schema.type) {
    case 'string': {
      const long = (field.maxLength ?? 0) >= LONG_TEXT && schema.format === undefined;
      return { ...field, widget: long ? 'multiline' : 'text' };
    }
    case 'integer':
    case 'number':
      return { ...field, widget: 'number', integer: schema.type === 'integer' };
    case 'boolean':
      return { ...field, widget: 'switch' };
    case 'array':
      return ofList(field, schema, root, depth);
    case 'object':
      return ofObject(field, schema, root, depth);
    default:
      return { ...field, widget: 'json' };
  }
}

function ofList(field: Field, schema: Schema, root: Schema, depth: number): Field {
  const items = schema.items ? resolve(schema.items, root) : {};
  if (depth >= MAX_DEPTH || isAny(items)) return { ...field, widget: 'json' };
  return { ...field, widget: 'list', item: fieldOf('', items, root, { required: true, depth: depth + 1 }) };
}

function ofObject(field: Field, schema: Schema, root: Schema, depth: number): Field {
  if (depth >= MAX_DEPTH) return { ...field, widget: 'json' };
  if (schema.properties) {
    const oneOf = oneOfIn(schema);
    const fields = fieldsOf(schema, root, depth + 1);
    return { ...field, widget: 'object', fields, ...(oneOf.length > 0 ? { oneOf } : {}) };
  }
  const [pattern] = Object.entries(schema.patternProperties ?? {});
  const values = pattern?.[1] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
  if (!values) return { ...field, widget: 'json' };
  const item = fieldOf('', values, root, { required: true, depth: depth + 1 });
  const map: Field = { ...field, widget: 'map', item };
  return pattern && isPattern(pattern[0]) ? { ...map, keyPattern: pattern[0] } : map;
}

/** The fields of which exactly one is given. */
export function oneOfIn(schema: Schema): string[] {
  return hintsOf(schema).one_of ?? [];
}

function isAny(schema: Schema): boolean {
  return schema.type === undefined && !schema.anyOf && !schema.oneOf && !schema.enum && schema.const === undefined;
}

const SCALARS = new Set(['string', 'integer', 'number', 'boolean']);

function ofBranches(field: Field, branches: Schema[], root: Schema, hints: Hints, depth: number): Field {
  const hinted = BY_HINT[hints.widget ?? ''];
  if (hinted) return { ...field, widget: hinted, ...(hints.language ? { language: hints.language } : {}) };
  const fixed = branches.filter((one) => one.const !== undefined || one.enum !== undefined);
  const rest = branches.filter((one) => !fixed.includes(one));
  if (rest.length === 0) {
    const values = fixed.flatMap((one) => one.enum ?? [one.const]);
    return { ...field, widget: 'choice', options: values.map((value) => optionOf(value, hints)) };
  }
  const [only] = rest;
  if (fixed.length > 0 && rest.length === 1 && only?.type === 'string') {
    const suggestions = fixed.flatMap((one) => one.enum ?? [one.const]).map(String);
    return { ...field, ...boundsOf(only), widget: 'text', suggestions };
  }
  if (branches.every((one) => one.type === 'integer' || one.type === 'number')) {
    return { ...field, widget: 'number', integer: false };
  }
  // A truth value or a text is what a template gives: it is an expression, or yes or no.
  if (branches.length === 2 && sameTypes(branches, ['boolean', 'string'])) return { ...field, widget: 'switch' };
  if (depth >= MAX_DEPTH || branches.some(isAny)) return { ...field, widget: 'json' };
  const variants = branches.map((one) => {
    const variant = fieldOf(field.key, one, root, { required: true, depth: depth + 1 });
    return { ...variant, label: variantLabel(one, variant), description: SCALARS.has(String(one.type)) ? '' : variant.description };
  });
  return { ...field, widget: 'union', variants };
}

function sameTypes(branches: Schema[], types: string[]): boolean {
  const found = branches.map((one) => one.type);
  return types.every((type) => found.includes(type));
}

function variantLabel(schema: Schema, variant: Field): string {
  const value = variant.fields?.find(isFixed)?.options[0];
  if (value && value.label !== value.value) return value.label;
  if (schema.type === 'object' && schema.title) return said(sentenceCase(schema.title));
  const [kind] = kindsOf(schema);
  return said(sentenceCase(kind ?? schema.title ?? 'value'));
}

function optionOf(value: unknown, hints: Hints): { value: unknown; label: string } {
  if (typeof value !== 'string') return { value, label: JSON.stringify(value) };
  const title = hints.titles?.[value];
  return { value, label: title === undefined ? readable(value) : said(title) };
}

/** A value that nobody has given a title; codes such as GET or utf-8 stay as they are. */
function readable(value: string): string {
  return /^[a-z]+(_[a-z]+)+$/.test(value) ? value.replaceAll('_', ' ') : value;
}

/** The fields of an object that can have one value only, such as `type`: they tell variants apart. */
export function isFixed(field: Field): boolean {
  return field.widget === 'choice' && field.required && field.options.length === 1;
}

/** A description in which the values of a choice are called as the choice calls them. */
export function withTitles({ description, options }: Field): string {
  return options.reduce((text, { value, label }) => text.replaceAll(`\`${String(value)}\``, `“${label}”`), description);
}

const WORDS: Record<string, string> = { id: 'ID', url: 'URL', json: 'JSON', html: 'HTML', csv: 'CSV', arn: 'ARN', xml: 'XML', ca: 'CA', mb: 'MB', sql: 'SQL', utf: 'UTF' };

/** `max_tokens` as people read it: "Max tokens". A title that was written for it counts more. */
export function labelOf(key: string, title?: string): string {
  const words = key.split('_').filter(Boolean);
  const made = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ');
  // One word is the name of a class; what was written for people is as they read it.
  if (title && title !== made) return title.includes(' ') ? title : sentenceCase(title);
  return sentenceCase(words.map((word) => WORDS[word.toLowerCase()] ?? word).join(' ') || title || key);
}

function sentenceCase(text: string): string {
  const spaced = text.replace(/([a-z])([A-Z])/g, '$1 $2').split(' ');
  const words = spaced.map((word, index) => {
    if (/^[A-Z0-9]+s?$/.test(word)) return word;
    return WORDS[word.toLowerCase()] ?? (index === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word.toLowerCase());
  });
  return words.join(' ');
}

/** Whether a field is shown beside these values. */
export function isShown(field: Field, values: Record<string, unknown>, fields: readonly Field[]): boolean {
  return Object.entries(field.when).every(([key, wanted]) => {
    const given = values[key] ?? fields.find((one) => one.key === key)?.default ?? null;
    // What a template decides is not known yet.
    if (typeof given === 'string' && given.includes('{{')) return true;
    return wanted.includes(given);
  });
}

/** What a new entry of a list, a map or a union begins as. */
export function initialValue(field: Field): unknown {
  if (field.default !== undefined && field.default !== null) return field.default;
  switch (field.widget) {
    case 'number':
      return field.minimum ?? 0;
    case 'switch':
      return false;
    case 'choice':
      return field.options[0]?.value ?? '';
    case 'object': {
      const required = (field.fields ?? []).filter((one) => one.required);
      return Object.fromEntries(required.map((one) => [one.key, initialValue(one)]));
    }
    case 'map':
      return {};
    case 'list':
      return [];
    case 'union':
      return field.variants?.[0] ? initialValue(field.variants[0]) : '';
    case 'json':
      return null;
    default:
      return '';
  }
}
