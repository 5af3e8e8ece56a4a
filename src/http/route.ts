/** Names are lower-case; one pair per header line, so that a header sent twice is seen twice. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** A request before its body is read: everything in it is still the sender's claim. */
export type RequestHead = {
  readonly method: string;
  /** Decoded of dot segments, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: HeaderLines;
  readonly params: Readonly<Record<string, string>>;
  /** Of the socket; a forwarding header proves nothing and is not read. */
  readonly remoteAddress: string;
  readonly receivedAtMs: number;
  /** Ours, random; also sent back as `x-request-id`. */
  readonly requestId: string;
};

export type InboundRequest = RequestHead & { readonly body: Buffer };

/** At most one of `json`, `text` (text/plain unless `headers` says otherwise) and `bytes` (its type is in `headers`). */
export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  /** Why it was refused, as a code of ours in kebab-case. It is logged and never sent. */
  readonly reason?: string;
};

/** What a connector, the bot or the console gives the server to mount. */
export type Route = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Literal, or with `:name` segments. A GET route answers HEAD as well. */
  readonly path: string;
  /** 0 refuses any body. */
  readonly maxBytes: number;
  /** Media types a body may have, lower-case and without parameters. */
  readonly contentTypes: readonly string[];
  /** Runs before a byte of the body is read. `null` lets the request pass; an answer refuses it. */
  readonly authenticate?: (head: RequestHead) => Answer | null | Promise<Answer | null>;
  readonly handle: (request: InboundRequest) => Promise<Answer>;
};
