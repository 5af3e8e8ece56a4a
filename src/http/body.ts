import type { IncomingMessage } from "node:http";

export const BODY_REFUSALS = {
  "body-too-large": 413,
  "body-too-slow": 408,
  "body-encoded": 415,
  "body-type": 415,
  "body-cut": 400,
} as const;
export type BodyRefusal = keyof typeof BODY_REFUSALS;

export type BodyRules = {
  readonly maxBytes: number;
  readonly contentTypes: readonly string[];
};

export type ReadBody =
  | { readonly ok: true; readonly body: Buffer }
  | { readonly ok: false; readonly refusal: BodyRefusal };

/** True when the head announces a body, even one of unknown length. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || Number(length ?? 0) > 0;
}

/**
 * What the head alone already forbids, or `null`. Only identity encoding is taken: a limit on inflated bytes
 * is a limit that is checked after the harm, and no sender of ours compresses.
 */
export function refuseByHead(request: IncomingMessage, rules: BodyRules): BodyRefusal | null {
  const { headers } = request;
  if (!hasBody(request)) return null;
  const transfer = headers["transfer-encoding"] ?? "chunked";
  const content = headers["content-encoding"] ?? "identity";
  if (transfer.trim().toLowerCase() !== "chunked") return "body-encoded";
  if (content.trim().toLowerCase() !== "identity") return "body-encoded";
  if (rules.maxBytes === 0) return "body-too-large";
  if (Number(headers["content-length"] ?? 0) > rules.maxBytes) return "body-too-large";
  const type = (headers["content-type"] ?? "").split(";", 1)[0] ?? "";
  return rules.contentTypes.includes(type.trim().toLowerCase()) ? null : "body-type";
}

/**
 * Reads a body whole. Bytes are counted as they arrive, whatever Content-Length claimed, and the whole must
 * be there within `deadlineMs`. Never rejects; after a refusal the request still flows, into nothing.
 */
export function readBody(
  request: IncomingMessage,
  limits: { readonly maxBytes: number; readonly deadlineMs: number },
): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;

    const settle = (result: ReadBody): void => {
      clearTimeout(deadline);
      request.off("data", onData).off("end", onEnd).off("close", onCut);
      request.resume();
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > limits.maxBytes) {
        chunks.length = 0;
        settle({ ok: false, refusal: "body-too-large" });
      } else chunks.push(chunk);
    };
    const onEnd = (): void => settle({ ok: true, body: Buffer.concat(chunks, bytes) });
    const onCut = (): void => settle({ ok: false, refusal: "body-cut" });
    const deadline = setTimeout(
      () => settle({ ok: false, refusal: "body-too-slow" }),
      limits.deadlineMs,
    );

    request.on("data", onData).on("end", onEnd).on("close", onCut);
  });
}
