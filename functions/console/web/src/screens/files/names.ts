/** Names and sizes of files, as people read them. Pure. */

/** `reports/2026/` → the folders that lead to it, with their names. */
export function crumbsOf(prefix: string): { name: string; prefix: string }[] {
  const parts = prefix.split('/').filter(Boolean);
  return parts.map((name, index) => ({ name, prefix: `${parts.slice(0, index + 1).join('/')}/` }));
}

/** `17 bytes`, `1.2 MB`, by thousands as file managers tell it. */
export function sizeParts(bytes: number): { value: number; unit: 'byte' | 'kilobyte' | 'megabyte' | 'gigabyte' } {
  if (bytes < 1000) return { value: bytes, unit: 'byte' };
  if (bytes < 1e6) return { value: bytes / 1e3, unit: 'kilobyte' };
  if (bytes < 1e9) return { value: bytes / 1e6, unit: 'megabyte' };
  return { value: bytes / 1e9, unit: 'gigabyte' };
}
