/** What is shown in place of a screen: it loads, it failed, it is not there. */
import type { ErrorComponentProps } from '@tanstack/react-router';
import { RefreshCw } from 'lucide-react';
import { Button, EmptyState, ErrorState, Page, Skeleton } from '@/ui';
import { t } from './i18n';

export function RoutePending() {
  return (
    <Page title="">
      <Skeleton lines={6} label={t('Loading')} />
    </Page>
  );
}

export function NotFound() {
  return (
    <Page title={t('Not found')}>
      <EmptyState title={t('There is nothing at this address')} text={t('It may have been moved or deleted.')} />
    </Page>
  );
}

/** A part of the console that is not there any more was replaced by a deployment: the page has to be loaded anew. */
function isOutdated(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|module script failed/i.test(error.message);
}

export function RouteError({ error, reset }: ErrorComponentProps) {
  if (isOutdated(error))
    return (
      <Page title={t('New version')}>
        <EmptyState
          icon={RefreshCw}
          title={t('There is a new version of the console')}
          text={t('Load the page again to go on with it.')}
          action={<Button onClick={() => location.reload()}>{t('Load again')}</Button>}
        />
      </Page>
    );
  return (
    <Page title={t('Something went wrong')}>
      <ErrorState error={error} onRetry={reset} />
    </Page>
  );
}
