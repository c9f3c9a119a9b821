/** Markdown as elements, never as HTML: what is not known is shown as its text. */
import { lexer, type Token, type Tokens } from 'marked';
import { Fragment, useMemo, type ReactNode } from 'react';

export function Markdown({ text }: { text: string }) {
  const tokens = useMemo(() => lexer(text), [text]);
  return <div className="flex flex-col gap-3">{blocks(tokens)}</div>;
}

function blocks(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{block(token)}</Fragment>);
}

const HEADINGS = ['', 'text-xl', 'mt-4 text-xl', 'mt-3 text-lg', 'mt-2 text-base'];

function block(token: Token): ReactNode {
  switch (token.type) {
    case 'space':
      return null;
    case 'heading': {
      const { depth, tokens } = token as Tokens.Heading;
      const level = Math.min(depth + 1, 4);
      const Tag = `h${level}` as 'h2';
      return <Tag className={`font-semibold ${HEADINGS[level] ?? ''}`}>{inlines(tokens)}</Tag>;
    }
    case 'paragraph':
      return <p>{inlines((token as Tokens.Paragraph).tokens)}</p>;
    case 'list':
      return (
        <ul className="list-disc pl-5">
          {(token as Tokens.List).items.map((item, index) => (
            <li key={index}>{blocks(item.tokens)}</li>
          ))}
        </ul>
      );
    case 'table':
      return <TableBlock table={token as Tokens.Table} />;
    case 'code':
      return (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys
        <pre tabIndex={0} className="overflow-x-auto rounded-md border border-line bg-page p-3">
          {(token as Tokens.Code).text}
        </pre>
      );
    case 'text': {
      const { tokens, text } = token as Tokens.Text;
      return tokens ? inlines(tokens) : text;
    }
    default:
      return <p>{token.raw}</p>;
  }
}

function TableBlock({ table }: { table: Tokens.Table }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys
    <div className="overflow-x-auto rounded-md border border-line" tabIndex={0}>
      <table className="w-full text-left">
        <thead className="bg-page text-sm text-muted">
          <tr>
            {table.header.map((cell, index) => (
              <th key={index} scope="col" className="px-3 py-2 font-medium">
                {inlines(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index} className="border-t border-line align-top">
              {row.map((cell, column) => (
                <td key={column} className="px-3 py-2">
                  {inlines(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inlines(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{inline(token)}</Fragment>);
}

function inline(token: Token): ReactNode {
  switch (token.type) {
    case 'codespan':
      return <code className="rounded bg-hover px-1 py-0.5 break-words">{(token as Tokens.Codespan).text}</code>;
    case 'strong':
      return <strong>{inlines((token as Tokens.Strong).tokens)}</strong>;
    case 'em':
      return <em>{inlines((token as Tokens.Em).tokens)}</em>;
    case 'br':
      return <br />;
    case 'link': {
      const { href, tokens } = token as Tokens.Link;
      const isSafe = /^https?:\/\//.test(href);
      return isSafe ? (
        <a href={href} target="_blank" rel="noreferrer" className="text-accent underline">
          {inlines(tokens)}
        </a>
      ) : (
        inlines(tokens)
      );
    }
    case 'text': {
      const { tokens, text } = token as Tokens.Text;
      return tokens ? inlines(tokens) : text;
    }
    case 'escape':
      return (token as Tokens.Escape).text;
    default:
      return token.raw;
  }
}
