import type { Answer, RequestHead } from "../http/route.ts";
import type { EntraTokenVerifier } from "./entra-token.ts";

/**
 * Lets a request pass whose bearer token is of our tenant, for us, and carries the app role. Whatever is wrong, the
 * sender learns only whether a token is wanted (401) or another role (403); the reason is logged.
 */
export function createBearerGate(options: {
  readonly verifier: EntraTokenVerifier;
  readonly role: string;
}): (head: RequestHead) => Promise<Answer | null> {
  const { verifier, role } = options;
  return async ({ headers }) => {
    const sent = headers.filter(([name]) => name === "authorization");
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(sent[0]?.[1] ?? "")?.[1];
    if (sent.length !== 1 || token === undefined) return unauthorized("token-malformed");
    const verdict = await verifier.verify(token, { role });
    if (verdict.ok) return null;
    return verdict.refusal === "token-role"
      ? { status: 403, json: { code: "forbidden" }, reason: verdict.refusal }
      : unauthorized(verdict.refusal);
  };
}

const unauthorized = (reason: string): Answer => ({
  status: 401,
  headers: { "www-authenticate": "Bearer" },
  json: { code: "unauthorized" },
  reason,
});
