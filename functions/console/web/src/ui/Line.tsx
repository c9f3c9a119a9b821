import type { ReactNode } from 'react';

/** A name and what is said under it, in a `<dl>` of two columns. */
export function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="contents">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  );
}
