/** Whether there is room for a panel beside the page. */
import { useSyncExternalStore } from 'react';

const wide = window.matchMedia('(min-width: 64rem)');

function listen(changed: () => void): () => void {
  wide.addEventListener('change', changed);
  return () => wide.removeEventListener('change', changed);
}

export function useIsWide(): boolean {
  return useSyncExternalStore(listen, () => wide.matches);
}
