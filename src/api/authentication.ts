import { createHash } from "node:crypto";
import type { EntraTokenVerifier } from "../connectors/entra-token.ts";
import { findSigner, readClaim } from "../connectors/partner/signature.ts";
import type { Answer, InboundRequest, RequestHead } from "../http/route.ts";
import { systemName } from "../presence/identity.ts";
import { type Integration, type Permission, unbound } from "./integrations/integration.ts";
import type { Registry } from "./integrations/registry.ts";
import { problem } from "./problem.ts";

/** The app roles that an administrator gives to an application in Entra, each with what it permits. */
const ROLES: Readonly<Record<string, Permission>> = {
  "Presence.Read": "read",
  "Presence.Write": "write",
};

/** A signed message may be sent again for so long: twice the window in which its time counts as now. */
const REMEMBERED_MS = 10 * 60_000;
const MAX_REMEMBERED = 200_000;
/** The beginning of the names of applications that are no registered integrations; those are shorter. */
const APPLICATION = "app-";

/** Somebody who is who they say. */
export type Caller = {
  readonly integration: Integration;
  /** The id that the message was signed with; `null` for a bearer token. */
  readonly messageId: string | null;
};
export type Admission =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly answer: Answer };

type AuthenticationOptions = {
  readonly registry: Registry;
  readonly tokens: EntraTokenVerifier;
  readonly nowMs: () => number;
};

/**
 * Says who calls: an application with a bearer token of our tenant, or an integration that signs as Standard
 * Webhooks does. An application that is not registered as an integration may do what its app roles say, and no more.
 */
export class Authentication {
  readonly #options: AuthenticationOptions;
  readonly #seen = new Map<string, { readonly print: string; readonly untilMs: number }>();

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  /** What the head alone allows to refuse, before a byte of the body is read. */
  early(head: RequestHead): Answer | null {
    if (bearerOf(head) !== null) return null;
    if (!isSigned(head)) return missing();
    const claimed = readClaim(head.headers, this.#options.nowMs());
    return claimed.ok ? null : refused(claimed.refusal);
  }

  async admit(request: InboundRequest): Promise<Admission> {
    const token = bearerOf(request);
    return token === null ? this.#signed(request) : this.#bearer(token);
  }

  /** Whether it is still let in: it may have been revoked since. An application is known to Entra alone. */
  stands({ name }: Integration): boolean {
    const known = this.#options.registry.get(name);
    return known === null ? name.startsWith(APPLICATION) : !known.revoked;
  }

  /** Whether it may still be told what it subscribed to. */
  isTold(name: string): boolean {
    const known = this.#options.registry.get(name);
    if (known === null) return name.startsWith(APPLICATION);
    return !known.revoked && known.permissions.has("read");
  }

  async #bearer(token: string): Promise<Admission> {
    const verdict = await this.#options.tokens.verify(token);
    if (!verdict.ok) return { ok: false, answer: refused(verdict.refusal) };
    const { appId, roles, scopes } = verdict.claims;
    // A person's token says what an application may do in her name; nobody acts in a person's name here.
    if (scopes.length > 0) return { ok: false, answer: refused("token-role") };
    const granted = roles.flatMap((role) => ROLES[role] ?? []);
    const known = this.#options.registry.ofApplication(appId);
    const integration = known ?? unbound(systemName(`${APPLICATION}${appId}`), []);
    const permissions = new Set(granted.filter((one) => integration.permissions.has(one)));
    return admitted({ ...integration, permissions }, null);
  }

  #signed(request: InboundRequest): Admission {
    const { registry, nowMs } = this.#options;
    const claimed = readClaim(request.headers, nowMs());
    if (!claimed.ok) return { ok: false, answer: refused(claimed.refusal) };
    const { claim } = claimed;
    const signer = findSigner(claim, request.body, registry.all());
    const integration = signer === null ? null : registry.get(signer.name);
    if (integration === null) return { ok: false, answer: refused("signature-mismatch") };
    if (!this.#isFirst(`${integration.name} ${claim.id}`, request)) {
      return { ok: false, answer: refused("api-credentials-refused") };
    }
    return admitted(integration, claim.id);
  }

  /**
   * The standard signs the id, the time and the body, but not the path. So an id belongs to the request that
   * brought it first; a write may be sent again as it was, a read asks anew.
   */
  #isFirst(key: string, { method, path, query, body }: InboundRequest): boolean {
    const nowMs = this.#options.nowMs();
    for (const [old, { untilMs }] of this.#seen) {
      if (untilMs > nowMs && this.#seen.size < MAX_REMEMBERED) break;
      this.#seen.delete(old);
    }
    const hash = createHash("sha256")
      .update(`${method} ${path}?${query.toString()}\n`)
      .update(body);
    const print = hash.digest("base64");
    const before = this.#seen.get(key);
    if (before) return before.print === print && method !== "GET";
    this.#seen.set(key, { print, untilMs: nowMs + REMEMBERED_MS });
    return true;
  }
}

const admitted = (integration: Integration, messageId: string | null): Admission => {
  if (!integration.revoked) return { ok: true, caller: { integration, messageId } };
  const detail = "This integration was revoked.";
  return { ok: false, answer: problem("api-integration-revoked", { detail }) };
};

const CHALLENGE = { "www-authenticate": "Bearer" };

function missing(): Answer {
  const detail =
    "Send a bearer token of our tenant, or sign the request as Standard Webhooks does.";
  return problem("api-credentials-missing", { detail, headers: CHALLENGE });
}

/** One answer for every way to fail, so that it helps nobody to forge. */
function refused(reason: string): Answer {
  const detail = "The token or the signature was not accepted.";
  return problem("api-credentials-refused", { detail, reason, headers: CHALLENGE });
}

function bearerOf({ headers }: RequestHead): string | null {
  const sent = headers.filter(([name]) => name === "authorization");
  const [only] = sent;
  if (!only || sent.length > 1) return null;
  return /^Bearer ([\w.~+/-]+=*)$/i.exec(only[1])?.[1] ?? null;
}

const isSigned = ({ headers }: RequestHead): boolean =>
  headers.some(([name]) => name === "webhook-signature");
