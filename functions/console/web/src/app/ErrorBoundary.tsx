import { Component, type ReactNode } from 'react';
import { Button } from '@/ui/Button';
import { t } from './i18n';
import { Wordmark } from './Wordmark';

/** The last line: what nothing inside has caught, such as a part of the console that cannot be loaded. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <main className="flex min-h-dvh flex-col items-center justify-center gap-3 p-4 text-center">
        <Wordmark />
        <h1 className="text-xl font-semibold">{t('Something went wrong')}</h1>
        <p className="max-w-md break-words text-muted">{error.message}</p>
        <Button variant="primary" onClick={() => location.reload()}>
          {t('Load again')}
        </Button>
      </main>
    );
  }
}
