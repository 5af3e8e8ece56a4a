import { randomUUID } from "node:crypto";
import tls from "node:tls";
import { startEntra, type Entra } from "../../src/emulators/entra/entra.ts";
import { startGraph, type Graph } from "../../src/emulators/graph/graph.ts";
import { createLoopbackTls } from "../../src/emulators/tls.ts";

export const TENANT_ID = "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11";
export const WRITER = "0b1d2c3e-0000-4000-8000-000000000001";
export const OTHER_WRITER = "0b1d2c3e-0000-4000-8000-000000000002";
export const READER = "0b1d2c3e-0000-4000-8000-000000000003";
export const NOBODY = "0b1d2c3e-0000-4000-8000-000000000004";
const REDIRECT_URI = "https://lockstep.example/connect/teams";
export const SUBSCRIBER = "reader1@contoso.example";
export const OTHER_SUBSCRIBER = "reader2@contoso.example";
export const SECRET = "correct horse battery staple";

const ROLES: Readonly<Record<string, string[]>> = {
  [WRITER]: ["Presence.ReadWrite.All", "User.ReadBasic.All"],
  [OTHER_WRITER]: ["Presence.ReadWrite.All"],
  [READER]: ["Presence.Read.All"],
  [NOBODY]: [],
};

export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string };

/** An endpoint that is slow because this process was held up is neither tried again nor given up. */
export const PATIENT = { firstTimeoutMs: 60_000, slowAfterMs: 60_000, dropAfterMs: 120_000 };

/** Makes certificates of the loopback kind trusted by everything in this process. */
export async function createTrustedTls() {
  const pems = await createLoopbackTls(Date.now());
  tls.setDefaultCACertificates([...tls.getCACertificates(), pems.caPem]);
  return pems;
}

/**
 * An Entra and a Graph emulator on real sockets. Graph's clock stands still unless a test wants the real one,
 * and moves only by `advance`, so every expiry in these tests is exact.
 */
export class GraphTenant {
  readonly entra: Entra;
  readonly graph: Graph;
  readonly #tokens = new Map<string, string>();

  constructor(entra: Entra, graph: Graph) {
    this.entra = entra;
    this.graph = graph;
  }

  /** `nowMs` is Graph's clock; it stands still unless given. */
  static async start(nowMs?: () => number): Promise<GraphTenant> {
    const trusted = await createTrustedTls();
    const apps = Object.entries(ROLES).map(([clientId, roles]) => ({
      clientId,
      roles,
      secrets: [{ value: SECRET }],
      certificates: [],
      redirectUris: [REDIRECT_URI],
    }));
    const accounts = [SUBSCRIBER, OTHER_SUBSCRIBER].map((upn) => ({
      oid: randomUUID(),
      upn,
      name: "Presence reader",
    }));
    const entra = await startEntra({ tenantId: TENANT_ID, apps, accounts, tls: trusted });
    const startedAtMs = Date.now();
    const graph = await startGraph({
      tenantId: TENANT_ID,
      users: [],
      verify: entra.verify,
      mintToken: entra.mintNotificationToken,
      tls: trusted,
      nowMs: nowMs ?? (() => startedAtMs),
    });
    graph.control.setPush(PATIENT);
    return new GraphTenant(entra, graph);
  }

  async close(): Promise<void> {
    await Promise.all([this.graph.close(), this.entra.close()]);
  }

  addUser(accountEnabled = true): string {
    const id = randomUUID();
    const userPrincipalName = `${id.slice(0, 8)}@contoso.example`;
    this.graph.control.addUser({ id, userPrincipalName, displayName: "Dana Rep", accountEnabled });
    return id;
  }

  async tokenOf(clientId: string, resource = "https://graph.microsoft.com"): Promise<string> {
    const key = `${clientId} ${resource}`;
    const known = this.#tokens.get(key);
    if (known) return known;
    const answer = await fetch(`${this.entra.url}/${TENANT_ID}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: clientId,
        client_secret: SECRET,
        scope: `${resource}/.default`,
      }),
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    this.#tokens.set(key, access_token);
    return access_token;
  }

  /** Signs a person in as a browser would, and gives the token of the application that acts for her. */
  async delegatedTokenOf(
    upn = SUBSCRIBER,
    { scope = "Presence.Read.All", as = WRITER } = {},
  ): Promise<string> {
    const key = `${as} ${upn} ${scope}`;
    const known = this.#tokens.get(key);
    if (known) return known;
    const base = `${this.entra.url}/${TENANT_ID}/oauth2/v2.0`;
    const client = { client_id: as, redirect_uri: REDIRECT_URI, scope };
    const asking = { ...client, response_type: "code", login_hint: upn };
    const page = await fetch(`${base}/authorize?${new URLSearchParams(asking).toString()}`, {
      redirect: "manual",
    });
    const code = new URL(page.headers.get("location") ?? "").searchParams.get("code") ?? "";
    const answer = await fetch(`${base}/token`, {
      method: "POST",
      body: new URLSearchParams({
        ...client,
        grant_type: "authorization_code",
        code,
        client_secret: SECRET,
      }),
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    this.#tokens.set(key, access_token);
    return access_token;
  }

  /** The next request asks Entra again. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  async request(
    method: "GET" | "POST" | "PATCH" | "DELETE",
    path: string,
    options: { readonly body?: unknown; readonly as?: string; readonly token?: string } = {},
  ): Promise<Answer> {
    const { as = WRITER, token = await this.tokenOf(as), body } = options;
    const answer = await fetch(`${this.graph.url}/v1.0${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  /** Calls a presence action on a user and gives the status. */
  async act(userId: string, action: string, body: unknown = {}, as = WRITER): Promise<number> {
    return (await this.request("POST", `/users/${userId}/presence/${action}`, { body, as })).status;
  }

  /** What Graph shows of a user, as "availability/activity". */
  async shown(userId: string): Promise<string> {
    const { text } = await this.request("GET", `/users/${userId}/presence`);
    const { availability, activity } = JSON.parse(text) as Record<string, string>;
    return `${availability}/${activity}`;
  }
}
