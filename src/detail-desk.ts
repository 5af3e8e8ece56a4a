import type { DetailDesk } from "./bot/port.ts";
import { SystemError } from "./connectors/connector.ts";
import type { RepDetail, RepKey } from "./connectors/dynamics/rep-detail.ts";

/** A card is refreshed while somebody looks at it, and each question costs the rep one of her own 6000 in five minutes. */
const HOLDS_MS = 30_000;
/** A card waits no longer for something that it can do without. */
const PATIENCE_MS = 1_500;
/** Where the application is not Delegate, nobody's detail is told, until somebody makes it one. */
const QUIET_MS = 10 * 60_000;
const NOT_DELEGATE = "dataverse-delegate-role-missing";

type Detail = Awaited<ReturnType<DetailDesk>>;

/**
 * What the contact centre says of one rep, as a card asks for it: at most one question in half a minute for each rep.
 * `null` where it may not be asked, does not know her (she is signed out), or takes too long. Never rejects.
 */
export function createDetailDesk(options: {
  readonly ask: (key: RepKey, signal: AbortSignal) => Promise<RepDetail>;
  readonly nowMs: () => number;
  readonly after: (delayMs: number, fire: () => void) => () => void;
  readonly signal: AbortSignal;
}): DetailDesk {
  const { ask, nowMs, after, signal } = options;
  const known = new Map<string, { readonly askedAtMs: number; readonly detail: Promise<Detail> }>();
  let quietUntilMs = 0;

  async function asked(systemUserId: string, askedAtMs: number): Promise<Detail> {
    try {
      const { presenceText, signedInAtMs, browserSessions } = await ask({ systemUserId }, signal);
      return { presence: presenceText, signedInAtMs, browserSessions, asOfMs: askedAtMs };
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.code === NOT_DELEGATE) quietUntilMs = nowMs() + QUIET_MS;
      return null;
    }
  }

  function forgetOld(): void {
    for (const [user, { askedAtMs }] of known) {
      if (nowMs() - askedAtMs >= HOLDS_MS) known.delete(user);
    }
  }

  return ({ systemUserId }) => {
    forgetOld();
    const askedAtMs = nowMs();
    if (askedAtMs < quietUntilMs) return Promise.resolve(null);
    const detail = known.get(systemUserId)?.detail ?? asked(systemUserId, askedAtMs);
    if (!known.has(systemUserId)) known.set(systemUserId, { askedAtMs, detail });
    return new Promise((resolve, reject) => {
      const cancel = after(PATIENCE_MS, () => resolve(null));
      detail.then(resolve, reject).finally(cancel);
    });
  };
}
