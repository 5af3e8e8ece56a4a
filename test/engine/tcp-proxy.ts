import { once } from "node:events";
import { createServer, connect, type Server, type Socket } from "node:net";

type Pair = { readonly client: Socket; readonly server: Socket };

/** A wire between a client and a server on loopback, which a test can hold, or cut at a chosen moment. */
export class TcpProxy {
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  #onRequest: ((pair: Pair, chunk: Buffer) => boolean) | null = null;
  #onAnswer: ((pair: Pair, chunk: Buffer) => boolean) | null = null;
  readonly #held: (() => void)[] = [];

  private constructor(targetPort: number) {
    this.#listener = createServer((client) => {
      const pair = { client, server: connect(targetPort, "127.0.0.1") };
      this.#pairs.add(pair);
      const end = (): void => this.#end(pair);
      for (const socket of [pair.client, pair.server]) socket.on("error", end).on("close", end);
      pair.client.on("data", (chunk: Buffer) => {
        if (this.#onRequest?.(pair, chunk) ?? true) pair.server.write(chunk);
      });
      pair.server.on("data", (chunk: Buffer) => {
        if (this.#onAnswer?.(pair, chunk) ?? true) pair.client.write(chunk);
      });
    });
  }

  static async to(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#listener.listen(0, "127.0.0.1");
    await once(proxy.#listener, "listening");
    return proxy;
  }

  get port(): number {
    const address = this.#listener.address();
    return address === null || typeof address === "string" ? 0 : address.port;
  }

  /** Cuts the wire when the next request that holds `text` comes, before any of it goes on. */
  cutBefore(text: string): void {
    this.#onRequest = (pair, chunk) => {
      if (!chunk.includes(text)) return true;
      this.#onRequest = null;
      this.#end(pair);
      return false;
    };
  }

  /** Lets the next request that holds `text` through, and cuts the wire when its answer comes. */
  cutAfter(text: string): void {
    this.#onRequest = (asked, chunk) => {
      if (!chunk.includes(text)) return true;
      this.#onRequest = null;
      this.#onAnswer = (answered) => {
        if (answered !== asked) return true;
        this.#onAnswer = null;
        this.#end(answered);
        return false;
      };
      return true;
    };
  }

  /** From now on no answer comes through, as for a client that is stopped. Resolves when one is waiting. */
  hold(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onAnswer = (pair, chunk) => {
      this.#held.push(() => pair.client.write(chunk));
      resolve();
      return false;
    };
    return promise;
  }

  release(): void {
    this.#onAnswer = null;
    for (const deliver of this.#held.splice(0)) deliver();
  }

  /** From now on nothing comes through, in either direction, and nobody is told. */
  mute(): void {
    this.#onRequest = () => false;
    this.#onAnswer = () => false;
  }

  /** What was lost stays lost: who was connected has to connect again. */
  mend(): void {
    this.#onRequest = null;
    this.#onAnswer = null;
    for (const pair of this.#pairs) this.#end(pair);
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) this.#end(pair);
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  }
}
