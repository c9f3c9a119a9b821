/** Every text that is written in the sources has a German one, and no German text is left over. */
import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { compileMessage } from '@lingui/message-utils/compileMessage';
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

function placeholders(text: string): string[] {
  const names: string[] = [];
  const walk = (tokens: unknown): void => {
    if (!Array.isArray(tokens)) return;
    for (const token of tokens) {
      if (!Array.isArray(token)) continue;
      const [name, , options] = token as [string, unknown, unknown];
      if (name !== '#') names.push(name);
      if (options && typeof options === 'object') Object.values(options).forEach(walk);
    }
  };
  walk(compileMessage(text));
  return [...new Set(names)].sort();
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
