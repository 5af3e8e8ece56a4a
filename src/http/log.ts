/** The part of a pino logger that is used here. Fields hold codes and counts: no body, header, name or secret. */
export type Log = {
  info(fields: Readonly<Record<string, unknown>>, says: string): void;
  warn(fields: Readonly<Record<string, unknown>>, says: string): void;
  error(fields: Readonly<Record<string, unknown>>, says: string): void;
};

/**
 * What may be logged of something thrown: its name, its code, the place. Never the message, which may quote
 * a body or a secret; and the stack begins with the message, so that is cut off first.
 */
export function describeThrown(thrown: unknown): Readonly<Record<string, string>> {
  if (!(thrown instanceof Error)) return { error: typeof thrown };
  const { code } = thrown as { readonly code?: unknown };
  const messageAt = thrown.stack?.indexOf(thrown.message) ?? -1;
  const frames = messageAt < 0 ? "" : thrown.stack?.slice(messageAt + thrown.message.length);
  const place = /^\s*at .*?([^\s/\\(]+:\d+:\d+)\)?$/m.exec(frames ?? "")?.[1];
  return {
    error: thrown.name,
    ...(typeof code === "string" && /^[\w-]{1,64}$/.test(code) ? { code } : {}),
    ...(place === undefined ? {} : { place }),
  };
}
