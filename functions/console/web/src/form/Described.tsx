/** A description in which `…` is code, as the schemas write it. */

import { Fragment } from 'react';

export function Described({ text }: { text: string }) {
  return text.split('`').map((part, index) =>
    index % 2 === 1 ? (
      <code key={index} className="rounded bg-hover px-1 text-[0.92em] break-words">
        {part}
      </code>
    ) : (
      <Fragment key={index}>{part}</Fragment>
    ),
  );
}
