import { createHmac, randomUUID } from "node:crypto";

/** What came of a request: `status` is 0 where nobody answered. */
type Answer = { readonly status: number; readonly json: unknown };

export type LockstepOptions = {
  /** Where the service is, such as `https://lockstep.contoso.com`. */
  readonly url: string;
  /** `whsec_…`, from `cli partners create`. */
  readonly secret: string;
};

export type Lockstep = {
  /** Sends one request, and the same one again until it is answered by something that will not change. */
  ask(method: string, path: string, body?: unknown): Promise<Answer>;
};

const TIMEOUT_MS = 10_000;
const TRIES = 5;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15 * 60_000;

/** Statuses after which the same request may be answered otherwise. */
const isPassing = (status: number): boolean => status === 0 || status === 429 || status >= 500;

/** Seconds or a date (RFC 9110), up to a quarter of an hour; what is neither asks for nothing. */
function retryAfterMs(header: string | null): number {
  const text = header?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), LONGEST_WAIT_MS);
}

/** `null` for what is no JSON: a proxy answers for itself in HTML, and its status counts all the same. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The API of Lockstep as a signing partner uses it (Standard Webhooks). Never rejects. */
export function createLockstep({ url, secret }: LockstepOptions): Lockstep {
  const root = url.trim().replace(/\/+$/, "");
  const key = Buffer.from(secret.trim().replace(/^whsec_/, ""), "base64");

  const once = async (method: string, path: string, id: string, body: string) => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`);
    try {
      const answer = await fetch(`${root}/api/v1${path}`, {
        method,
        headers: {
          ...(body === "" ? {} : { "content-type": "application/json" }),
          "webhook-id": id,
          "webhook-timestamp": timestamp,
          "webhook-signature": `v1,${signature.digest("base64")}`,
        },
        ...(body === "" ? {} : { body }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const json = parsed(await answer.text());
      const afterMs = retryAfterMs(answer.headers.get("retry-after"));
      return { status: answer.status, json, afterMs };
    } catch {
      return { status: 0, json: null, afterMs: 0 };
    }
  };

  return {
    async ask(method, path, given) {
      const body = given === undefined ? "" : JSON.stringify(given);
      const first = randomUUID();
      for (let tries = 1; ; tries += 1) {
        // A write keeps its id: if the first one arrived after all, the second does nothing. A read is asked anew.
        const id = method === "GET" ? randomUUID() : first;
        const { status, json, afterMs } = await once(method, path, id, body);
        if (!isPassing(status) || tries === TRIES) return { status, json };
        const waitMs = Math.max(afterMs, FIRST_WAIT_MS * 2 ** tries);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    },
  };
}
