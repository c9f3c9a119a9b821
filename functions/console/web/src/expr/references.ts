/** Which nodes an expression refers to, and the same expression with one of them renamed. */

import { pieces, templatesIn, type Piece } from './scanner';

export interface Reference {
  /** `nodes` for an output, `callbacks` for the address of a wait, `vars` for a constant. */
  root: 'nodes' | 'callbacks' | 'vars';
  id: string;
  start: number;
  end: number;
  /** The piece is written between backquotes or quotes. */
  quote: string;
  /** The name behind it, with where it is: `fetch` in `nodes.join.fetch`. */
  next?: { id: string; start: number; end: number; quote: string };
}

function nameOf(piece: Piece | undefined): { id: string; start: number; end: number; quote: string } | undefined {
  if (!piece) return undefined;
  if (piece.kind === 'word') return { id: piece.value, start: piece.start, end: piece.end, quote: '' };
  if ((piece.kind === 'quoted' || piece.kind === 'text') && piece.value.length > 1) {
    return { id: piece.value.slice(1, -1), start: piece.start, end: piece.end, quote: piece.value.charAt(0) };
  }
  return undefined;
}

/** The index behind predicates such as `[status = 200]` that begin at `at`. */
function behindPredicates(found: Piece[], at: number): number {
  let index = at;
  while (found[index]?.value === '[') {
    let depth = 0;
    do {
      const value = found[index]?.value;
      if (value === '[') depth++;
      else if (value === ']') depth--;
      index++;
    } while (depth > 0 && index < found.length);
  }
  return index;
}

/** Which pieces stand where names are those of the item at hand: in predicates, and in steps such as `.( … )`. */
function relativePieces(found: Piece[]): boolean[] {
  const open: { relative: boolean; isLambda: boolean }[] = [];
  let closedLambda = false;
  return found.map((piece, index) => {
    const around = open[open.length - 1]?.relative ?? false;
    if (piece.kind !== 'other') return around;
    if ('([{'.includes(piece.value)) {
      const previous = found[index - 1]?.value;
      const isStep = previous === '.' || (piece.value === '[' && !piece.isValue);
      const isGroup = piece.value === '{' && !piece.isValue && !closedLambda;
      open.push({ relative: around || isStep || isGroup, isLambda: previous === 'function' || previous === 'λ' });
    } else if (')]}'.includes(piece.value)) closedLambda = open.pop()?.isLambda ?? false;
    return around;
  });
}

function startsAtRoot(found: Piece[], index: number, isRelative: boolean): boolean {
  if (found[index - 1]?.value !== '.') return !isRelative;
  return found[index - 2]?.value === '$$';
}

/** What one expression, without its braces, refers to. */
export function referencesOf(source: string): Reference[] {
  const found = [...pieces(source)].filter((piece) => piece.kind !== 'space' && piece.kind !== 'comment');
  const relative = relativePieces(found);
  const references: Reference[] = [];
  found.forEach((piece, index) => {
    const first = nameOf(piece);
    if (!first || first.quote === '"' || first.quote === "'" || !startsAtRoot(found, index, relative[index] ?? false)) return;
    let root: Reference['root'] | undefined;
    let at = index + 1;
    if (first.id === 'nodes' || first.id === 'vars') root = first.id;
    else if (first.id === 'execution' && found[at]?.value === '.' && nameOf(found[at + 1])?.id === 'callbacks') {
      root = 'callbacks';
      at += 2;
    }
    if (!root || found[at]?.value !== '.') return;
    const name = nameOf(found[at + 1]);
    if (!name) return;
    const behind = behindPredicates(found, at + 2);
    const next = found[behind]?.value === '.' ? nameOf(found[behind + 1]) : undefined;
    references.push({ root, ...name, ...(next ? { next } : {}) });
  });
  return references;
}

/** All references in a text with templates, with their places in the text. */
export function referencesIn(text: string): Reference[] {
  if (!text.includes('{{')) return [];
  return templatesIn(text).flatMap(({ source, offset }) =>
    referencesOf(source).map((one) => ({
      ...one,
      start: one.start + offset,
      end: one.end + offset,
      ...(one.next ? { next: { ...one.next, start: one.next.start + offset, end: one.next.end + offset } } : {}),
    })),
  );
}

export interface Renaming {
  /** Old ids of nodes, and the new ones. */
  nodes: ReadonlyMap<string, string>;
  /** Outputs that have the ids of other nodes as keys: those of merges and of loops, by node. */
  keys?: ReadonlyMap<string, ReadonlySet<string>>;
  vars?: ReadonlyMap<string, string>;
}

/** A text whose templates name renamed nodes by their new ids. */
export function renameInText(text: string, renaming: Renaming): string {
  const edits: { start: number; end: number; value: string }[] = [];
  const edit = (at: { start: number; end: number; quote: string }, id: string) =>
    edits.push({ start: at.start, end: at.end, value: `${at.quote}${id}${at.quote}` });
  for (const reference of referencesIn(text)) {
    const renamed = (reference.root === 'vars' ? renaming.vars : renaming.nodes)?.get(reference.id);
    if (renamed !== undefined) edit(reference, renamed);
    if (reference.root !== 'nodes' || !reference.next) continue;
    const key = reference.next;
    const renamedKey = renaming.keys?.get(reference.id)?.has(key.id) ? renaming.nodes.get(key.id) : undefined;
    if (renamedKey !== undefined) edit(key, renamedKey);
  }
  return edits
    .sort((one, other) => other.start - one.start)
    .reduce((result, { start, end, value }) => result.slice(0, start) + value + result.slice(end), text);
}

/** Any JSON value whose texts are renamed; the same object where nothing is. */
export function renameInValue<T>(value: T, renaming: Renaming): T {
  if (typeof value === 'string') return renameInText(value, renaming) as T;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => renameInValue(item, renaming));
    return items.some((item, index) => item !== value[index]) ? (items as T) : value;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([key, item]) => [key, renameInValue(item as unknown, renaming)] as const);
    const changed = entries.some(([key, item]) => item !== (value as Record<string, unknown>)[key]);
    return changed ? (Object.fromEntries(entries) as T) : value;
  }
  return value;
}
