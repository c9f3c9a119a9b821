/** What may be written where the cursor is: names from the samples of real runs, and JSONata's functions. */

import { pieces, templatesIn } from './scanner';

/** What an expression sees, as far as samples tell. */
export interface ExampleScope {
  trigger?: unknown;
  nodes: Record<string, unknown>;
  vars?: unknown;
  execution?: unknown;
  item?: unknown;
  index?: unknown;
}

export interface Suggestion {
  label: string;
  kind: 'root' | 'node' | 'field' | 'function';
  /** A short example of its value. */
  detail?: string;
  /** What replaces the text from `from` to the cursor. */
  insert: string;
}

export interface Completion {
  /** Where in the text the replaced part begins. */
  from: number;
  suggestions: Suggestion[];
}

export const FUNCTIONS: readonly [name: string, help: string][] = [
  ['$string', 'as text'],
  ['$number', 'as a number'],
  ['$boolean', 'as true or false'],
  ['$exists', 'whether it is there'],
  ['$not', 'the opposite'],
  ['$count', 'how many'],
  ['$sum', 'the sum of numbers'],
  ['$average', 'the mean of numbers'],
  ['$min', 'the smallest'],
  ['$max', 'the largest'],
  ['$round', 'rounded'],
  ['$floor', 'rounded down'],
  ['$ceil', 'rounded up'],
  ['$abs', 'without its sign'],
  ['$formatNumber', 'a number as text'],
  ['$join', 'texts put together'],
  ['$split', 'a text cut into a list'],
  ['$trim', 'without white space around'],
  ['$lowercase', 'in small letters'],
  ['$uppercase', 'in capital letters'],
  ['$length', 'how many characters'],
  ['$substring', 'a part of a text'],
  ['$substringBefore', 'what stands before'],
  ['$substringAfter', 'what stands behind'],
  ['$contains', 'whether a text is in it'],
  ['$replace', 'with parts replaced'],
  ['$match', 'where a pattern fits'],
  ['$map', 'each item changed'],
  ['$filter', 'the items that fit'],
  ['$reduce', 'all items made one'],
  ['$sort', 'sorted'],
  ['$reverse', 'the other way round'],
  ['$distinct', 'without repetition'],
  ['$append', 'two lists put together'],
  ['$zip', 'lists paired'],
  ['$keys', 'the names in an object'],
  ['$lookup', 'the value of a name'],
  ['$merge', 'objects put together'],
  ['$each', 'a list from an object'],
  ['$now', 'the time now'],
  ['$millis', 'the time now, in milliseconds'],
  ['$toMillis', 'a time in milliseconds'],
  ['$fromMillis', 'milliseconds as a time'],
  ['$random', 'a random number'],
  ['$base64encode', 'as base64'],
  ['$base64decode', 'from base64'],
  ['$encodeUrlComponent', 'fit for a URL'],
  ['$type', 'what kind of value'],
];

const MAX_SUGGESTIONS = 60;

/** A value in a few characters. */
export function preview(value: unknown, length = 40): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) as string | undefined) ?? '';
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** A name as a step of a path: between backquotes where it is no word. */
export function asStep(name: string): string {
  const isWord = /^[A-Za-z_]\w*$/.test(name) && !['and', 'or', 'in', 'true', 'false', 'null'].includes(name);
  return isWord ? name : `\`${name}\``;
}

/** The path that ends at the cursor, as `['nodes', 'fetch']`, and the beginning of the name that is being written. */
function pathAt(source: string): { steps: (string | number)[]; partial: string; from: number } | undefined {
  const found = [...pieces(source)].filter((piece) => piece.kind !== 'comment');
  let index = found.length - 1;
  let partial = '';
  let from = source.length;
  const last = found[index];
  if (last?.kind === 'text' || last?.kind === 'regex') return undefined;
  if (last && (last.kind === 'word' || (last.kind === 'quoted' && !last.value.endsWith('`')))) {
    partial = last.value.replace(/^`/, '');
    from = last.start;
    index--;
  }
  const steps: (string | number)[] = [];
  while (found[index]?.value === '.') {
    index--;
    while (found[index]?.value === ']') {
      const number = Number(found[index - 1]?.value);
      let depth = 0;
      do {
        if (found[index]?.value === ']') depth++;
        if (found[index]?.value === '[') depth--;
        index--;
      } while (depth > 0 && index >= 0);
      steps.unshift(Number.isInteger(number) ? number : 0);
    }
    const name = found[index];
    if (!name || (name.kind !== 'word' && name.kind !== 'quoted')) return { steps: ['?'], partial, from };
    steps.unshift(name.kind === 'quoted' ? name.value.slice(1, -1) : name.value);
    index--;
  }
  if (steps[0] === '$$') steps.shift();
  return { steps, partial, from };
}

function valueAt(scope: ExampleScope, steps: readonly (string | number)[]): unknown {
  let value: unknown = scope;
  for (const step of steps) {
    if (Array.isArray(value) && typeof step === 'string') value = value[0] as unknown;
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return Array.isArray(value) ? (value[0] as unknown) : value;
}

function matches(label: string, partial: string): boolean {
  return label.toLowerCase().includes(partial.toLowerCase());
}

/** Names that begin so come first, then those that hold it. */
function ranked(all: Suggestion[], partial: string): Suggestion[] {
  const fits = all.filter((one) => matches(one.label, partial));
  const begins = (one: Suggestion) => (one.label.toLowerCase().startsWith(partial.toLowerCase()) ? 0 : 1);
  return fits.sort((one, other) => begins(one) - begins(other)).slice(0, MAX_SUGGESTIONS);
}

/** Completions of an expression without braces, for what stands before the cursor. */
export function completeExpression(before: string, scope: ExampleScope): Completion | undefined {
  const path = pathAt(before);
  if (!path) return undefined;
  if (path.steps.length === 0) {
    const roots = Object.entries(scope).filter(([, value]) => value !== undefined);
    const names: Suggestion[] = roots.map(([label, value]) => ({
      label,
      kind: 'root',
      detail: label === 'nodes' ? '' : preview(value),
      insert: label,
    }));
    const nodes: Suggestion[] = Object.entries(scope.nodes).map(([id, value]) => ({
      label: `nodes.${id}`,
      kind: 'node',
      detail: preview(value),
      insert: `nodes.${asStep(id)}`,
    }));
    const functions: Suggestion[] = FUNCTIONS.map(([label, detail]) => ({ label, kind: 'function', detail, insert: `${label}(` }));
    const all = path.partial.startsWith('$') ? functions : [...nodes, ...names, ...functions];
    return { from: path.from, suggestions: ranked(all, path.partial) };
  }
  const value = valueAt(scope, path.steps);
  if (typeof value !== 'object' || value === null) return { from: path.from, suggestions: [] };
  const fields = Object.entries(value).map(
    ([label, item]): Suggestion => ({
      label,
      kind: path.steps.length === 1 && path.steps[0] === 'nodes' ? 'node' : 'field',
      detail: preview(item),
      insert: asStep(label),
    }),
  );
  return { from: path.from, suggestions: ranked(fields, path.partial) };
}

/** Completions in a text with templates; undefined where the cursor is outside of `{{ … }}`. */
export function completeText(text: string, cursor: number, scope: ExampleScope): Completion | undefined {
  const inside = templatesIn(text).find((one) => cursor >= one.offset && (cursor <= one.end - 2 || !one.closed));
  if (!inside) return undefined;
  const completion = completeExpression(text.slice(inside.offset, cursor), scope);
  return completion && { ...completion, from: completion.from + inside.offset };
}
