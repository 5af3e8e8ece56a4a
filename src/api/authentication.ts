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

/** The beginning of the names of applications that are no registered integrations; those are shorter. */
const APPLICATION = "app-";

/** Somebody who is who they say. */
export type Caller = {
  readonly integration: Integration;
  /** The id that the message was signed with, which may have served another request; `null` for a bearer token. */
  readonly messageId: string | null;
  /** An application that has the role to write and that nobody has bound yet: it may read only. */
  readonly unbound: boolean;
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
 * Webhooks does. An application that is not registered as an integration may read, if its app role says so; to write it
 * must be bound (docs/decisions/0011-applications-write-when-bound.md).
 */
export class Authentication {
  readonly #options: AuthenticationOptions;

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

  /** Whether it is still let in: it may have been revoked since, and an application may have been bound. */
  stands({ name }: Integration): boolean {
    const known = this.#options.registry.get(name);
    return known === null ? this.#isApplication(name) : !known.revoked;
  }

  /** Whether it may still be told what it subscribed to. */
  isTold(name: string): boolean {
    const known = this.#options.registry.get(name);
    if (known === null) return this.#isApplication(name);
    return !known.revoked && known.permissions.has("read");
  }

  /** An application that is known to Entra alone. Once it is registered, that is who it is. */
  #isApplication(name: string): boolean {
    const { registry } = this.#options;
    if (!name.startsWith(APPLICATION)) return false;
    return registry.ofApplication(name.slice(APPLICATION.length)) === null;
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
    const allowed = known?.permissions ?? READING;
    const permissions = new Set(granted.filter((one) => allowed.has(one)));
    const isUnbound = known === null && granted.includes("write");
    return admitted({ ...integration, permissions }, null, isUnbound);
  }

  #signed(request: InboundRequest): Admission {
    const { registry, nowMs } = this.#options;
    const claimed = readClaim(request.headers, nowMs());
    if (!claimed.ok) return { ok: false, answer: refused(claimed.refusal) };
    const { claim } = claimed;
    const signer = findSigner(claim, request.body, registry.all());
    const integration = signer === null ? null : registry.get(signer.name);
    if (integration === null) return { ok: false, answer: refused("signature-mismatch") };
    return admitted(integration, claim.id, false);
  }
}

const READING: ReadonlySet<Permission> = new Set(["read"]);

const admitted = (
  integration: Integration,
  messageId: string | null,
  isUnbound: boolean,
): Admission => {
  if (!integration.revoked) {
    return { ok: true, caller: { integration, messageId, unbound: isUnbound } };
  }
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
export function refused(reason: string): Answer {
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
