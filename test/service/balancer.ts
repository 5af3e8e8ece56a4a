import { once } from "node:events";
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** An instance that does not begin to answer within this is taken for hung, and the next one is asked. */
const ANSWER_MS = 1_000;
/** A partner's event may wait for whoever is to answer it. */
const EVENT_MS = 30_000;

/**
 * What stands before several instances: each request goes to the next of them in turn, and if that one is not
 * there, or says nothing, to the one after it. It knows of no instance's part of the work.
 */
export class Balancer {
  readonly #listener = createServer((given, answer) => void this.#serve(given, answer));
  #targets: readonly string[] = [];
  #turn = 0;

  static async open(): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.#listener.listen(0, "127.0.0.1");
    await once(balancer.#listener, "listening");
    return balancer;
  }

  get url(): string {
    const address = this.#listener.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Between these it shares what comes from now on. */
  between(...instances: readonly { readonly url: string }[]): void {
    this.#targets = instances.map(({ url }) => url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.closeAllConnections();
    this.#listener.close();
    await once(this.#listener, "close");
  }

  async #serve(given: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(given);
    this.#turn += 1;
    const asked = new Set<string>();
    for (;;) {
      // Who stands behind it may change while one of them is asked.
      const left = this.#targets.filter((target) => !asked.has(target));
      const target = left[this.#turn % left.length];
      if (target === undefined) break;
      if (await passOn(target, given, body, answer)) return;
      asked.add(target);
    }
    answer.writeHead(502).end();
  }
}

/** False if the instance was not reached, or said nothing. */
function passOn(
  target: string,
  given: IncomingMessage,
  body: Buffer,
  answer: ServerResponse,
): Promise<boolean> {
  return new Promise((resolve) => {
    const { method, url, headers } = given;
    const asked = ask(`${target}${url ?? "/"}`, { method, headers, agent: false });
    const hung = setTimeout(() => asked.destroy(), url === "/api/v1/events" ? EVENT_MS : ANSWER_MS);
    asked.on("error", () => {
      clearTimeout(hung);
      resolve(false);
    });
    asked.on("response", (said) => {
      clearTimeout(hung);
      answer.writeHead(said.statusCode ?? 502, said.headers);
      said.pipe(answer);
      resolve(true);
    });
    asked.end(body);
  });
}
