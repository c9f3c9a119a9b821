/** At which field of a form a problem is shown that somebody else has found. */

import type { Field } from './describe';

/** `headers.Accept[0]` as `headers`, `.Accept`, `[0]`. */
function stepsOf(path: string): string[] {
  return path.match(/(^[^.[]+)|(\.[^.[]+)|(\[\d+\])/g) ?? [];
}

function inside(field: Field, step: string): Field | undefined {
  const name = step.replace(/^\./, '');
  switch (field.widget) {
    case 'object':
      return field.fields?.find((one) => one.key === name);
    case 'union':
      return field.variants?.flatMap((one) => one.fields ?? []).find((one) => one.key === name);
    case 'map':
      return step.startsWith('.') ? field.item : undefined;
    case 'list':
      return step.startsWith('[') ? field.item : undefined;
    default:
      return undefined;
  }
}

/** The deepest field that a path leads to: the rest of it may be in a value that has no fields of its own. */
export function placeOf(fields: readonly Field[], path: string): string {
  const [first, ...rest] = stepsOf(path);
  let field = fields.find((one) => one.key === first);
  if (!field || first === undefined) return '';
  let place = first;
  for (const step of rest) {
    const next = inside(field, step);
    if (!next) break;
    place += step;
    field = next;
  }
  return place;
}

/** Sentences by the field at which they stand; those of no field are under ''. */
export function placed(fields: readonly Field[], problems: readonly { path: string; message: string }[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { path, message } of problems) {
    const place = placeOf(fields, path);
    found[place] = found[place] === undefined ? message : `${found[place]} ${message}`;
  }
  return found;
}
