/** The reference, which is made from the code, with a search. */
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { SearchX } from 'lucide-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { api, unwrap } from '@/api/client';
import { t } from '@/app/i18n';
import { useOverlay } from '@/app/GlobalKeys';
import { Button, buttonClass, cx, EmptyState, ErrorState, Page, Skeleton, TextInput } from '@/ui';
import { Markdown } from '@/ui/Markdown';
import { search, type Hit, type ReferencePage } from './search';

export default function Help() {
  const { page: id } = useParams({ strict: false }) as unknown as { page?: string };
  const reference = useQuery({
    queryKey: ['reference'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/reference', { signal })),
    staleTime: Infinity,
  });
  const show = useOverlay((state) => state.show);
  const pages = reference.data?.pages;
  const chosen = pages?.find((page) => page.id === id);
  return (
    <Page
      title={chosen?.title ?? t('Help')}
      {...(chosen ? { back: { to: '/help', label: t('All of the help') } } : {})}
      actions={
        <>
          <Button onClick={() => show('keys')}>{t('Keys')}</Button>
          <Link to="/start" className={buttonClass()}>
            {t('Getting started')}
          </Link>
        </>
      }
    >
      {reference.isPending && <Skeleton lines={8} />}
      {reference.isError && <ErrorState error={reference.error} onRetry={() => void reference.refetch()} />}
      {pages && chosen && <Markdown text={withoutTitle(chosen.markdown)} />}
      {pages && !chosen && <Contents pages={pages} />}
    </Page>
  );
}

/** A page's own heading is that of the screen. */
function withoutTitle(markdown: string): string {
  return markdown.replace(/^#+ .*\n/, '');
}

function Contents({ pages }: { pages: ReferencePage[] }) {
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text);
  const hits = useMemo(() => search(pages, wanted), [pages, wanted]);
  const groups = [...new Set(hits.map(({ page }) => page.group))];
  return (
    <>
      <TextInput
        type="search"
        aria-label={t('Search the help')}
        placeholder={t('A step, a field, an error code …')}
        className="h-10 max-w-xl text-lg"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <p role="status" className="sr-only">
        {t('{n, plural, one {# page} other {# pages}}', { n: hits.length })}
      </p>
      {!hits.length && <EmptyState icon={SearchX} title={t('Nothing found')} text={t('Try another word, or fewer.')} />}
      {groups.map((group) => (
        <section key={group} className="flex flex-col gap-2">
          <h2 className="font-semibold">{group}</h2>
          <ul className="grid gap-2 sm:grid-cols-2 lg:grid-cols-3">
            {hits
              .filter(({ page }) => page.group === group)
              .map((hit) => (
                <Entry key={hit.page.id} hit={hit} />
              ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function Entry({ hit: { page, line } }: { hit: Hit }) {
  return (
    <li>
      <Link
        to="/help/$page"
        params={{ page: page.id }}
        className={cx('flex h-full flex-col rounded-lg border border-line bg-card px-4 py-3 hover:bg-hover')}
      >
        <span className="font-medium">{page.title}</span>
        {line && <span className="line-clamp-2 text-sm text-muted">{line}</span>}
      </Link>
    </li>
  );
}
