/** Where the `{{ … }}` of a text are, and the pieces of the JSONata in them. As the engine scans them. */

export interface Template {
  /** Of the `{{` in the text. */
  start: number;
  /** Behind the `}}`, or the end of the text if it is not closed. */
  end: number;
  closed: boolean;
  source: string;
  /** Where `source` begins in the text. */
  offset: number;
}

export interface Piece {
  kind: 'text' | 'quoted' | 'word' | 'number' | 'regex' | 'other' | 'comment' | 'space';
  value: string;
  start: number;
  end: number;
  /** It stands where a value may stand: a `[` there begins a list, elsewhere a predicate. */
  isValue: boolean;
}

const PIECE =
  /(\s+)|(\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?)|("(?:[^"\\]|\\[\s\S])*"?|'(?:[^'\\]|\\[\s\S])*'?)|(`[^`]*`?)|(\d[\w.]*|[\w$]+)|(\*\*|\?[?:]|:=|[\s\S])/y;
const OPERATOR_WORDS = new Set(['and', 'or', 'in']);
const OPERANDS = new Set(['*', '**', '%', '?']);

function regexEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start + 1; at < text.length; at++) {
    const one = text.charAt(at);
    if (one === '\\') at++;
    else if ('([{'.includes(one)) depth++;
    else if (')]}'.includes(one)) depth--;
    else if (one === '/' && depth === 0) return at + 1;
  }
  return text.length;
}

function kindOf(match: RegExpExecArray): Piece['kind'] {
  if (match[1] !== undefined) return 'space';
  if (match[2] !== undefined) return 'comment';
  if (match[3] !== undefined) return 'text';
  if (match[4] !== undefined) return 'quoted';
  if (match[5] !== undefined) return /^\d/.test(match[5]) ? 'number' : 'word';
  return 'other';
}

/** The pieces of `text` from `start` on, until the `}}` that ends a template if `untilClose`. */
export function* pieces(text: string, start = 0, untilClose = false): Generator<Piece> {
  let braces = 0;
  let wantsValue = true;
  let position = start;
  while (position < text.length) {
    if (untilClose && braces === 0 && text.startsWith('}}', position)) return;
    PIECE.lastIndex = position;
    const match = PIECE.exec(text);
    if (!match) return;
    let kind = kindOf(match);
    let end = PIECE.lastIndex;
    const isValue: boolean = wantsValue;
    if (kind === 'other' && match[0] === '/' && isValue) {
      kind = 'regex';
      end = regexEnd(text, position);
      wantsValue = false;
    } else if (kind === 'word') wantsValue = !isValue && OPERATOR_WORDS.has(match[0]);
    else if (kind !== 'space' && kind !== 'comment') {
      wantsValue = kind === 'other' && !')]}'.includes(match[0]) && !(isValue && OPERANDS.has(match[0]));
    }
    if (match[0] === '{') braces++;
    else if (match[0] === '}' && braces > 0) braces--;
    yield { kind, value: text.slice(position, end), start: position, end, isValue };
    position = end;
  }
}

/** All templates of a text, in order. */
export function templatesIn(text: string): Template[] {
  const found: Template[] = [];
  let start = text.indexOf('{{');
  while (start >= 0) {
    let end = start + 2;
    for (const piece of pieces(text, start + 2, true)) end = piece.end;
    const closed = text.startsWith('}}', end);
    found.push({
      start,
      end: closed ? end + 2 : text.length,
      closed,
      source: text.slice(start + 2, closed ? end : text.length),
      offset: start + 2,
    });
    if (!closed) break;
    start = text.indexOf('{{', end + 2);
  }
  return found;
}

export function hasTemplate(value: unknown): boolean {
  return typeof value === 'string' && value.includes('{{');
}

/** Whether a text is one template and nothing else, so that it keeps the type of its value. */
export function isOneTemplate(text: string): boolean {
  const found = templatesIn(text.trim());
  const [only] = found;
  return found.length === 1 && only !== undefined && only.start === 0 && only.end === text.trim().length;
}
