/**
 * An id as PostgreSQL can hold it: its text may hold every character but U+0000. The escape keeps ids apart and
 * in order (code point by code point, as the "C" collation compares), and leaves every usual id as it is.
 */
export function toKey(id: string): string {
  return id.replaceAll("\u0001", "\u0001\u0002").replaceAll("\u0000", "\u0001\u0001");
}

export function fromKey(key: string): string {
  return key.replaceAll("\u0001\u0001", "\u0000").replaceAll("\u0001\u0002", "\u0001");
}
