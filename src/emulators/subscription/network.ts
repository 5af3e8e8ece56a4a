import { Agent, request } from "undici";

export type Answer = {
  /** 0 when nobody answered in time, or at all. */
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** Real time, rounded up: a time-out counts as its whole length. */
  readonly durationMs: number;
};

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * The way from the emulated cloud to an endpoint. It ends on this machine: a public origin is reached
 * only when an ingress for it is known, as a tunnel or a reverse proxy would be; all else is unreachable.
 */
export class Network {
  readonly #ingresses = new Map<string, string>();
  // Nobody's certificate on loopback can be checked; the real service wants a valid one.
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false } });
  readonly #closing = new AbortController();

  /** Requests to `origin` go to `to`, which may be plain HTTP on loopback. */
  route(origin: string, to: string): void {
    if (!LOOPBACK.has(new URL(to).hostname)) throw new Error("an ingress ends on loopback");
    this.#ingresses.set(new URL(origin).origin, new URL(to).origin);
  }

  async post(
    url: string,
    message: { readonly body: string; readonly contentType: string; readonly timeoutMs: number },
  ): Promise<Answer> {
    const startedAtMs = performance.now();
    const failed = () => ({
      status: 0,
      contentType: "",
      text: "",
      durationMs: Math.ceil(performance.now() - startedAtMs),
    });
    const target = this.#resolve(url);
    if (target === null) return failed();
    try {
      const { statusCode, headers, body } = await request(target, {
        method: "POST",
        dispatcher: this.#agent,
        headers: { "content-type": message.contentType },
        body: message.body,
        signal: AbortSignal.any([AbortSignal.timeout(message.timeoutMs), this.#closing.signal]),
      });
      const text = await body.text();
      const contentType = String(headers["content-type"] ?? "");
      return {
        status: statusCode,
        contentType,
        text,
        durationMs: Math.ceil(performance.now() - startedAtMs),
      };
    } catch {
      return failed();
    }
  }

  #resolve(url: string): string | null {
    const { origin, hostname, pathname, search } = new URL(url);
    const ingress = this.#ingresses.get(origin);
    if (ingress !== undefined) return `${ingress}${pathname}${search}`;
    return LOOPBACK.has(hostname) ? url : null;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#agent.destroy();
  }
}
