import { Link } from '@tanstack/react-router';
import { ChevronLeft } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from './cx';
import { useTitle } from './title';

export interface PageProps {
  /** Empty while it is not known: nobody is told of a heading that says nothing. */
  title: string;
  /** Beside the title, such as a state. */
  aside?: ReactNode;
  /** Buttons at the right. */
  actions?: ReactNode;
  /** Where the arrow before the title leads. */
  back?: { to: string; label: string };
  /** It uses the whole space below its head, without margins, and scrolls by itself. */
  full?: boolean;
  children?: ReactNode;
}

/** A screen: its head, and what is below it. */
export function Page({ title, aside, actions, back, full = false, children }: PageProps) {
  useTitle(title);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex min-h-13 shrink-0 flex-wrap items-center gap-x-3 gap-y-2 border-b border-line bg-card px-4 py-2">
        {back && (
          <Link to={back.to} aria-label={back.label} className="-ml-1 rounded-md p-1 text-muted hover:bg-hover hover:text-ink">
            <ChevronLeft aria-hidden className="size-4.5" />
          </Link>
        )}
        {title && <h1 className="min-w-0 truncate text-lg font-semibold">{title}</h1>}
        {aside}
        {actions && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {full ? (
        <div className="relative min-h-0 flex-1">{children}</div>
      ) : (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys
        <div className="min-h-0 flex-1 overflow-y-auto outline-none" tabIndex={0}>
          <div className={cx('mx-auto flex w-full max-w-6xl flex-col gap-5 p-4 md:p-6')}>{children}</div>
        </div>
      )}
    </div>
  );
}

/** A part of a page with a head of its own. */
export function Card({ title, aside, children, className }: { title?: ReactNode; aside?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={cx('rounded-lg border border-line bg-card', className)}>
      {title && (
        <div className="flex items-center justify-between gap-3 border-b border-line px-4 py-2.5">
          <h2 className="font-semibold">{title}</h2>
          {aside}
        </div>
      )}
      <div className="p-4">{children}</div>
    </section>
  );
}
