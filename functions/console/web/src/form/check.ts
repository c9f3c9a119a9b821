/** What is wrong with a value as its field's schema has it, at once and without asking the server. */

import { hasTemplate } from '../expr/scanner';
import { isShown, type Field } from './describe';

export interface Finding {
  /** Below the config: `headers.Accept`, `cases[0].port`. */
  path: string;
  code: 'missing' | 'number' | 'integer' | 'minimum' | 'maximum' | 'too_short' | 'too_long' | 'pattern' | 'choice' | 'kind';
  /** What would be right: a bound, a pattern, the choices. */
  expected?: string | number;
}

/** All findings of a form, in its order. */
export function check(fields: readonly Field[], values: unknown, path = ''): Finding[] {
  const given = isPlain(values) ? values : {};
  return fields.flatMap((field) => {
    const at = path ? `${path}.${field.key}` : field.key;
    const value = given[field.key];
    if (value === undefined || value === null) {
      const isMissing = field.required && !field.nullable && isShown(field, given, fields);
      return isMissing ? [{ path: at, code: 'missing' as const }] : [];
    }
    return checkValue(field, value, at);
  });
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkValue(field: Field, value: unknown, path: string): Finding[] {
  // What a template will give is not known before it runs.
  if (!field.literal && hasTemplate(value)) return [];
  switch (field.widget) {
    case 'number':
      return checkNumber(field, value, path);
    case 'choice': {
      const allowed = field.options.map((option) => option.value);
      return allowed.includes(value) ? [] : [{ path, code: 'choice', expected: field.options.map((option) => option.label).join(', ') }];
    }
    case 'text':
    case 'multiline':
    case 'code':
    case 'password':
    case 'integration':
    case 'workflow':
    case 'timezone':
      return checkText(field, value, path);
    case 'object':
      return isPlain(value) ? check(field.fields ?? [], value, path) : [{ path, code: 'kind', expected: 'object' }];
    case 'map': {
      const item = field.item;
      if (!isPlain(value) || !item) return [{ path, code: 'kind', expected: 'object' }];
      return Object.entries(value).flatMap(([key, one]) => checkValue(item, one, `${path}.${key}`));
    }
    case 'list': {
      const item = field.item;
      // A single value stands for a list of one.
      if (!Array.isArray(value) || !item) return [];
      return value.flatMap((one: unknown, index) => checkValue(item, one, `${path}[${index}]`));
    }
    default:
      return [];
  }
}

function checkNumber(field: Field, value: unknown, path: string): Finding[] {
  const number = typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
  if (!Number.isFinite(number)) return [{ path, code: 'number' }];
  if (field.integer && !Number.isInteger(number)) return [{ path, code: 'integer' }];
  if (field.minimum !== undefined && number < field.minimum) return [{ path, code: 'minimum', expected: field.minimum }];
  if (field.exclusiveMinimum !== undefined && number <= field.exclusiveMinimum) {
    return [{ path, code: 'minimum', expected: field.exclusiveMinimum }];
  }
  if (field.maximum !== undefined && number > field.maximum) return [{ path, code: 'maximum', expected: field.maximum }];
  return [];
}

function checkText(field: Field, value: unknown, path: string): Finding[] {
  if (typeof value !== 'string') return [];
  if (value === '' && field.required && (field.minLength ?? 0) > 0) return [{ path, code: 'missing' }];
  if (field.minLength !== undefined && value.length < field.minLength) {
    return [{ path, code: 'too_short', expected: field.minLength }];
  }
  // The engine counts characters, JavaScript UTF-16 units.
  if (field.maxLength !== undefined && value.length > field.maxLength && Array.from(value).length > field.maxLength) {
    return [{ path, code: 'too_long', expected: field.maxLength }];
  }
  if (field.pattern !== undefined && !new RegExp(field.pattern, 'u').test(value)) {
    return [{ path, code: 'pattern', expected: field.pattern }];
  }
  return [];
}
