/** What we wait when a system asks for patience without saying how much. */
const DEFAULT_MS = 10_000;
const MIN_MS = 500;
const MAX_MS = 15 * 60_000;

/**
 * Milliseconds to wait by a Retry-After header: whole seconds, a fraction of them as Graph has published,
 * or an HTTP date. Absent or unreadable means ten seconds. Kept between half a second and a quarter of an
 * hour, so that neither a zero nor a date in another year stops us from behaving. RFC 9110, §10.2.3.
 */
export function retryAfterMs(header: string | null | undefined, nowMs: number): number {
  const text = header?.trim() ?? "";
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const asked = /^[a-z]{3}/i.test(text) ? Date.parse(text) - nowMs : seconds * 1000;
  return Number.isNaN(asked) ? DEFAULT_MS : Math.min(MAX_MS, Math.max(MIN_MS, Math.ceil(asked)));
}
