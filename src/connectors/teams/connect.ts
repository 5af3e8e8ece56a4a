import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Answer, InboundRequest, Route } from "../../http/route.ts";
import { SystemError } from "../connector.ts";
import { type Page, renderPage } from "./connect-page.ts";
import {
  accountsPage,
  CONNECTED,
  type ConnectedAccount,
  DISCONNECTED,
  failure,
  NO_ADMINISTRATOR,
  NOT_ADMITTED,
  refusalByEntra,
  REMOVAL_STALE,
  STALE,
} from "./connect-says.ts";
import type { Sealing } from "./sealing.ts";
import type { SignedIn, Subscriber, SubscriberApp } from "./subscriber.ts";

export type ConnectOptions = {
  readonly app: Pick<SubscriberApp, "signInUrl" | "redeem">;
  readonly sealing: Sealing;
  /** Where the browser reaches us: the redirect URI registered with the app is this and `/connect/teams/callback`. */
  readonly publicUrl: string;
  /** A GUID, or a domain; every other tenant is refused. */
  readonly tenantId: string;
  /** Entra object ids, lower-case, that may be connected without the app role. */
  readonly admitted: readonly string[];
  /** `keep` stores the account. */
  readonly connect: (keep: () => Promise<Subscriber>) => Promise<void>;
  /** False if the account was not connected. */
  readonly disconnect: (id: string) => Promise<boolean>;
  readonly accounts: () => readonly ConnectedAccount[];
  readonly report: (code: string) => void;
  readonly nowMs: () => number;
};

/** Who holds it may connect accounts, her own included, and take any away. */
const ADMIN_ROLE = "Presence.Admin";
const PATH = "/connect/teams";
const CALLBACK = `${PATH}/callback`;
const ACCOUNTS = `${PATH}/accounts`;
const SIGN_IN_WITHIN_MS = 10 * 60_000;
/** Answers within ten minutes. Administrators connect a handful; more is somebody who wants our memory. */
const MAX_SPENT = 10_000;
const SEALED_AS = "connect/teams";
const REMOVAL_AS = "connect/teams removal";
/** A sealed object id and its end are far shorter. */
const MAX_FORM_BYTES = 4_096;

const attempt = z.object({
  intent: z.enum(["connect", "disconnect", "manage"]),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  untilMs: z.number(),
});
type Attempt = z.output<typeof attempt>;

/** What the button beside an account means. Only an administrator was ever given one. */
const removal = z.object({ account: z.string(), nonce: z.string(), untilMs: z.number() });

/**
 * `GET /connect/teams` and `/connect/teams/disconnect` send the browser to Entra, `…/callback` takes it back: the
 * authorisation-code flow with PKCE (RFC 7636), a state, and a nonce. What belongs to an attempt travels in a
 * sealed cookie, so that asking for the page costs us no memory; each state is good for one answer, within ten
 * minutes, in the browser that asked. An account is connected if it is of our tenant, and either holds the app
 * role or is listed. It is disconnected by signing in with it. Who holds the app role sees the others too, and takes
 * them away: at `…/accounts`, with buttons that were sealed for her, last ten minutes and count once.
 */
export function createConnectRoutes(options: ConnectOptions): readonly Route[] {
  const { app, sealing, publicUrl, nowMs, report } = options;
  const redirectUri = `${publicUrl}${CALLBACK}`;
  const cookieName = publicUrl.startsWith("https:")
    ? "__Host-lockstep-connect"
    : "lockstep-connect";
  const cookieRules = `Path=/; HttpOnly; SameSite=Lax${publicUrl.startsWith("https:") ? "; Secure" : ""}`;
  /** States that were answered and buttons that were pressed, until they would be too old anyway. */
  const spent = new Map<string, number>();

  const begin = async (intent: Attempt["intent"]): Promise<Answer> => {
    const [state, nonce, verifier] = [random(), random(), random()];
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    try {
      const location = await app.signInUrl({ redirectUri, state, nonce, challenge });
      const untilMs = nowMs() + SIGN_IN_WITHIN_MS;
      const value = JSON.stringify({ intent, state, nonce, verifier, untilMs } satisfies Attempt);
      const cookie = `${cookieName}=${sealing.seal(value, SEALED_AS)}; ${cookieRules}; Max-Age=600`;
      return {
        status: 302,
        headers: { location, "set-cookie": cookie, "cache-control": "no-store" },
      };
    } catch (error) {
      return troubled(error);
    }
  };

  /** The attempt that this answer belongs to, once; `null` for a stranger's, a late or a repeated one. */
  const attemptOf = ({ headers, query }: InboundRequest): Attempt | null => {
    const cookies = headers
      .filter(([name]) => name === "cookie")
      .flatMap(([, value]) => value.split("; "));
    const sealed = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`));
    const plain = sealing.open(sealed?.slice(cookieName.length + 1) ?? "", SEALED_AS);
    const known = plain === null ? null : attempt.safeParse(JSON.parse(plain)).data;
    if (!known || !isSame(known.state, query.get("state") ?? "")) return null;
    return spend(known.state, known.untilMs) ? known : null;
  };

  /** Once, and in time. */
  const spend = (once: string, endMs: number): boolean => {
    const now = nowMs();
    for (const [other, untilMs] of spent) if (untilMs <= now) spent.delete(other);
    if (endMs <= now || endMs > now + SIGN_IN_WITHIN_MS) return false;
    if (spent.has(once) || spent.size >= MAX_SPENT) return false;
    spent.set(once, endMs);
    return true;
  };

  const refOf = (account: string): string => {
    const untilMs = nowMs() + SIGN_IN_WITHIN_MS;
    const value: z.output<typeof removal> = { account, nonce: random(), untilMs };
    return sealing.seal(JSON.stringify(value), REMOVAL_AS);
  };

  const remove = async ({ body }: InboundRequest): Promise<Answer> => {
    const ref = new URLSearchParams(body.toString("utf8")).get("ref") ?? "";
    const plain = sealing.open(ref, REMOVAL_AS);
    const known = plain === null ? null : removal.safeParse(JSON.parse(plain)).data;
    if (!known || !spend(known.nonce, known.untilMs)) return renderPage(REMOVAL_STALE);
    return renderPage(DISCONNECTED(await options.disconnect(known.account)));
  };

  const isOurs = ({ tenantId }: SignedIn): boolean =>
    !isGuid(options.tenantId) || tenantId === options.tenantId;
  const isAdmitted = ({ id, roles }: SignedIn): boolean =>
    roles.includes(ADMIN_ROLE) || options.admitted.includes(id);

  const finish = async (known: Attempt, query: URLSearchParams): Promise<Page> => {
    const refused = query.get("error");
    if (refused !== null) {
      report("push-sign-in-refused");
      return refusalByEntra(refused, query.get("error_description") ?? "");
    }
    const code = query.get("code") ?? "";
    const { verifier: codeVerifier, nonce, intent } = known;
    const signedIn = await app.redeem({ code, codeVerifier, nonce, redirectUri });
    if (isOurs(signedIn) && intent === "disconnect") {
      return DISCONNECTED(await options.disconnect(signedIn.id));
    }
    if (isOurs(signedIn) && intent === "manage") {
      if (signedIn.roles.includes(ADMIN_ROLE))
        return accountsPage(options.accounts(), refOf, nowMs());
      report("push-account-not-admitted");
      return NO_ADMINISTRATOR;
    }
    if (!isOurs(signedIn) || !isAdmitted(signedIn)) {
      report("push-account-not-admitted");
      return NOT_ADMITTED;
    }
    await options.connect(() => signedIn.keep());
    return CONNECTED;
  };

  const troubled = (error: unknown): Answer => {
    if (!(error instanceof SystemError)) throw error;
    report(error.code);
    return renderPage(failure(error));
  };

  const callback = async (request: InboundRequest): Promise<Answer> => {
    const known = attemptOf(request);
    if (known === null) return renderPage(STALE);
    try {
      const page = renderPage(await finish(known, request.query));
      const cleared = `${cookieName}=; ${cookieRules}; Max-Age=0`;
      return { ...page, headers: { ...page.headers, "set-cookie": cleared } };
    } catch (error) {
      return troubled(error);
    }
  };

  return [
    page(PATH, () => begin("connect")),
    page(`${PATH}/disconnect`, () => begin("disconnect")),
    page(ACCOUNTS, () => begin("manage")),
    {
      method: "POST",
      path: ACCOUNTS,
      maxBytes: MAX_FORM_BYTES,
      contentTypes: ["application/x-www-form-urlencoded"],
      handle: remove,
    },
    page(CALLBACK, callback),
  ];
}

/** The same addresses while something is missing: they say what. */
export function explainingRoutes(missing: Page): readonly Route[] {
  return [PATH, `${PATH}/disconnect`, ACCOUNTS, CALLBACK].map((path) =>
    page(path, async () => renderPage(missing)),
  );
}

const page = (path: string, get: (request: InboundRequest) => Promise<Answer>): Route => ({
  method: "GET",
  path,
  maxBytes: 0,
  contentTypes: [],
  // A link checker that asks with HEAD must neither begin nor end a sign-in.
  handle: (request) =>
    request.method === "HEAD" ? Promise.resolve({ status: 200 }) : get(request),
});

const random = (): string => randomBytes(32).toString("base64url");
const isGuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
