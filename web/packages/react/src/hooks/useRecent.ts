import { useEffect, useState } from 'react';

/** A piece of news for as long as it is news: `value` until `forMs` after it changed, then undefined. */
export function useRecent<T>(value: T | undefined, forMs = 20_000): T | undefined {
  const [old, setOld] = useState<T>();
  useEffect(() => {
    if (value === undefined) return;
    const timeout = setTimeout(() => {
      setOld(value);
    }, forMs);
    return () => {
      clearTimeout(timeout);
    };
  }, [value, forMs]);
  return value === old ? undefined : value;
}
