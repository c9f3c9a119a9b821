/** Every text that is written in the sources has a German one, and no German text is left over. */
import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { IntlMessageFormat } from 'intl-messageformat';
import german from './de';

const SOURCES = globSync('src/**/*.{ts,tsx}', { cwd: process.cwd() }).filter((path) => !/\.test\.|\.d\.ts$|i18n.de/.test(path));

/** The string literals among the first arguments of `t()` and `msg()`, also inside of `a ? 'x' : 'y'`. */
function textsOf(path: string): string[] {
  const found: string[] = [];
  const literals = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) found.push(node.text);
    else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(literals);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && ['t', 'msg'].includes(node.expression.text))
      node.arguments.slice(0, 1).forEach(literals);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, false, ts.ScriptKind.TSX));
  return found;
}

const texts = new Set(SOURCES.flatMap(textsOf));

interface Part {
  type: number;
  value: string;
  options?: Record<string, { value: Part[] }>;
}

/** 0 is a literal, 7 is `#`; all others have the name of a value. */
const NAMELESS = [0, 7];

function names(parts: readonly Part[]): string[] {
  return parts.flatMap(({ type, value, options = {} }) => [
    ...(NAMELESS.includes(type) ? [] : [value]),
    ...Object.values(options).flatMap((option) => names(option.value)),
  ]);
}

/** None where it is no pattern, such as a text that shows what a template is: it is never filled in. */
function placeholders(text: string): string[] {
  if (text.includes('{{')) return [];
  return [...new Set(names(new IntlMessageFormat(text, 'en').getAst() as Part[]))].sort();
}

describe('texts', () => {
  test('there are some', () => expect(texts.size).toBeGreaterThan(20));

  test('each has a German one', () => {
    expect([...texts].filter((text) => !(text in german)).sort()).toEqual([]);
  });

  test('no German text is left over', () => {
    expect(Object.keys(german).filter((text) => !texts.has(text)).sort()).toEqual([]);
  });

  test('both name the same values', () => {
    const differing = Object.entries(german).filter(([en, de]) => placeholders(en).join() !== placeholders(de).join());
    expect(differing).toEqual([]);
  });
});
