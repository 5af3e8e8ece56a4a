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

/** The way out of an answer that goes on. Nothing is buffered here but what the socket holds. */
export type StreamSink = {
  /**
   * Resolves to true when there is room for more; to false when the reader has gone, or has read nothing for so
   * long that it was cut.
   */
  write(text: string): Promise<boolean>;
  /** Aborted when the reader has gone, or the server closes. */
  readonly signal: AbortSignal;
};

/**
 * At most one of `json`, `text` (text/plain unless `headers` says otherwise), `bytes` (its type is in `headers`)
 * and `stream`.
 */
export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  /** Goes on answering after the head was sent; text/event-stream unless `headers` says otherwise. */
  readonly stream?: (sink: StreamSink) => Promise<void>;
  /** Why it was refused, as a code of ours in kebab-case. It is logged and never sent. */
  readonly reason?: string;
  /** Work that it causes. Begun when this answer has left, and with it those to all requests that had come by then. */
  readonly afterwards?: () => void;
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
  /** Words a refusal of the server itself (a body that is too long, a failure) as the route's own refusals are. */
  readonly refuse?: (status: number, code: string) => Answer;
};
