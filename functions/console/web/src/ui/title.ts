import { useEffect } from 'react';

/** Name the tab of the browser. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Mainspring` : 'Mainspring';
  }, [title]);
}
