/** What the link says that opened this page: undefined until it is known, null where it is good for nothing. */
import { useCallback, useEffect, useState } from 'react';
import { tokenIn } from './mailedLink';

export function useMailedLink<T extends object>(read: (token: string) => Promise<T | null>) {
  const [token] = useState(() => tokenIn(location.hash));
  const [found, setFound] = useState<T | null>();
  const [error, setError] = useState<unknown>(null);
  const look = useCallback(() => read(token).then(setFound, setError), [read, token]);
  useEffect(() => void look(), [look]);
  const again = () => {
    setError(null);
    void look();
  };
  return { token, found, error, again };
}
