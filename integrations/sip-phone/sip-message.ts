/** A SIP message (RFC 3261 §7), as far as subscriptions need it. */
export type SipMessage = {
  /** `NOTIFY sip:…` without the version, or a status code. */
  readonly request: { readonly method: string; readonly uri: string } | null;
  readonly status: number;
  /** Lower-case long names, in order; a name may come several times. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
};

/** RFC 3261 §7.3.3 and RFC 6665: the short names that a peer may use. */
const COMPACT: Readonly<Record<string, string>> = {
  v: "via",
  f: "from",
  t: "to",
  i: "call-id",
  m: "contact",
  l: "content-length",
  c: "content-type",
  o: "event",
};

/** `null` for anything that is no SIP message. */
export function parseSip(text: string): SipMessage | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [start = "", ...lines] = text
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = lines.flatMap((line): [string, string][] => {
    const [, name = "", value = ""] = /^([\w-]+)\s*:\s*(.*)$/.exec(line) ?? [];
    const lower = name.toLowerCase();
    return name === "" ? [] : [[COMPACT[lower] ?? lower, value.trim()]];
  });
  const body = text.slice(end + 4);
  const asked = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(start);
  if (asked) {
    const [, method = "", uri = ""] = asked;
    return { request: { method, uri }, status: 0, headers, body };
  }
  const answered = /^SIP\/2\.0 (\d{3}) /.exec(`${start} `);
  return answered ? { request: null, status: Number(answered[1]), headers, body } : null;
}

export const headerOf = ({ headers }: SipMessage, name: string): string =>
  headers.find(([candidate]) => candidate === name)?.[1] ?? "";

export const allOf = ({ headers }: SipMessage, name: string): readonly string[] =>
  headers.filter(([candidate]) => candidate === name).map(([, value]) => value);

/** The tag of a From or To header; empty before the peer has given one. */
export const tagOf = (value: string): string => /;\s*tag=([^;\s>]+)/.exec(value)?.[1] ?? "";

export function formatSip(
  start: string,
  headers: readonly (readonly [name: string, value: string])[],
  body = "",
): string {
  const lines = [...headers, ["Content-Length", String(Buffer.byteLength(body))]];
  return `${start}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}
