import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { dice } from "../scenarios/day.ts";

/**
 * What can be wrong with a cable: the eight toxics of Toxiproxy, by its names and with its meanings
 * (https://github.com/Shopify/toxiproxy, "Toxics"). Milliseconds, bytes, bytes a second.
 *
 * - `down`: nobody is let in, and whoever was in is thrown out.
 * - `timeout`: nothing gets through; 0 never ends it (a black hole), otherwise the connection closes after that.
 * - `reset_peer`: every close is a reset; `timeoutMs` after the connection was made it comes by itself.
 * - `limit_data`: closes when so many bytes have gone through.
 */
export type Toxic =
  | { readonly type: "latency"; readonly latencyMs: number; readonly jitterMs: number }
  | { readonly type: "down" }
  | { readonly type: "bandwidth"; readonly bytesPerSecond: number }
  | { readonly type: "slow_close"; readonly delayMs: number }
  | { readonly type: "timeout"; readonly timeoutMs: number }
  | { readonly type: "reset_peer"; readonly timeoutMs: number }
  | {
      readonly type: "slicer";
      readonly averageBytes: number;
      readonly variationBytes: number;
      readonly delayMs: number;
    }
  | { readonly type: "limit_data"; readonly bytes: number };

type OfType<Type extends Toxic["type"]> = Extract<Toxic, { readonly type: Type }>;

/** Seen from the client: what it sends, and what comes back. */
const DIRECTIONS = ["upstream", "downstream"] as const;
type Direction = (typeof DIRECTIONS)[number];

type Link = { readonly client: Socket; readonly server: Socket; readonly sinceMs: number };

/**
 * One cable to one server on loopback, as bytes: TLS passes through. What is wrong with it can be changed at any
 * time and holds for connections that are already there.
 */
export class Proxy {
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  readonly #toxics: Record<Direction, readonly Toxic[]> = { upstream: [], downstream: [] };
  readonly #random = dice(1);
  readonly #through: Record<Direction, number> = { upstream: 0, downstream: 0 };
  #changed = Promise.withResolvers<void>();
  #targetPort: number;
  #port = 0;
  #swallowed = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#listener = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
  }

  static async start(targetPort: number): Promise<Proxy> {
    const proxy = new Proxy(targetPort);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Bytes that went into a black hole. */
  get swallowed(): number {
    return this.#swallowed;
  }

  /** Bytes that came out at the other end. */
  get through(): Readonly<Record<Direction, number>> {
    return { ...this.#through };
  }

  /** Replaces what is wrong; by default on the way back, as in Toxiproxy. `down` is in no direction. */
  async poison(toxics: readonly Toxic[], direction: Direction = "downstream"): Promise<void> {
    const isBlackHole = this.#find(direction, "timeout") !== undefined;
    this.#toxics[direction] = toxics;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    // What a black hole swallowed is missing: nothing sensible can follow on the same connection.
    if (isBlackHole) this.cut();
    await this.#openOrClose();
  }

  async heal(): Promise<void> {
    for (const direction of DIRECTIONS) await this.poison([], direction);
  }

  /** Ends every connection, by a reset if the cable is such. */
  cut(): void {
    for (const link of this.#links) this.#end(link);
  }

  /** Leads somewhere else from now on; whoever is connected is cut off. */
  aim(targetPort: number): void {
    this.#targetPort = targetPort;
    this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await this.#hush();
  }

  async #openOrClose(): Promise<void> {
    const isDown = DIRECTIONS.some((direction) => this.#find(direction, "down"));
    if (isDown) {
      this.cut();
      await this.#hush();
    } else if (!this.#listener.listening) await this.#listen();
  }

  async #hush(): Promise<void> {
    if (!this.#listener.listening) return;
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#listener.once("error", reject);
      this.#listener.listen(this.#port, "127.0.0.1", () => {
        this.#port = (this.#listener.address() as AddressInfo).port;
        this.#listener.off("error", reject);
        resolve();
      });
    });
  }

  #find<Type extends Toxic["type"]>(direction: Direction, type: Type): OfType<Type> | undefined {
    return this.#toxics[direction].find((toxic): toxic is OfType<Type> => toxic.type === type);
  }

  #join(client: Socket): void {
    const options = { port: this.#targetPort, host: "127.0.0.1", allowHalfOpen: true };
    const server = connect(options);
    const link: Link = { client, server, sinceMs: Date.now() };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // Whoever is cut off hears of it on his own side.
      socket.on("error", () => undefined);
      socket.once("close", (hadError) => {
        const isOver = client.closed && server.closed;
        // A side that has said everything may go; what it said is still on its way to the other.
        if (hadError || isOver || !socket.readableEnded) this.#end(link);
      });
    }
    void this.#pump(link, "upstream");
    void this.#pump(link, "downstream");
    for (const direction of DIRECTIONS) void this.#resetInTime(link, direction);
  }

  #end(link: Link): void {
    if (!this.#links.delete(link)) return;
    const resets = DIRECTIONS.some((direction) => this.#find(direction, "reset_peer"));
    for (const socket of [link.client, link.server]) {
      if (resets && !socket.destroyed) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Waits this long, or until something else is wrong. */
  async #wait(delayMs: number): Promise<void> {
    if (delayMs <= 0) return;
    const timer = new AbortController();
    const slept = sleep(delayMs, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([slept, this.#changed.promise]);
    timer.abort();
  }

  async #resetInTime(link: Link, direction: Direction): Promise<void> {
    while (this.#links.has(link)) {
      const reset = this.#find(direction, "reset_peer");
      if (!reset || reset.timeoutMs === Number.POSITIVE_INFINITY) await this.#changed.promise;
      else {
        await this.#wait(link.sinceMs + reset.timeoutMs - Date.now());
        if (this.#find(direction, "reset_peer") === reset) this.#end(link);
      }
    }
  }

  async #pump(link: Link, direction: Direction): Promise<void> {
    const [source, target] =
      direction === "upstream" ? [link.client, link.server] : [link.server, link.client];
    const limited = { by: undefined as Toxic | undefined, bytes: 0 };
    try {
      // The other half of the connection goes on.
      const chunks = source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const chunk of chunks) {
        for (const slice of this.#sliced(chunk, direction)) {
          if (!(await this.#pass(slice, { link, direction, target, limited }))) return;
        }
      }
      await this.#wait(this.#find(direction, "slow_close")?.delayMs ?? 0);
      if (this.#find(direction, "timeout")) return;
      target.end();
    } catch {
      this.#end(link);
    }
  }

  /** False if the connection has come to its end. */
  async #pass(
    slice: Buffer,
    way: {
      readonly link: Link;
      readonly direction: Direction;
      readonly target: Socket;
      readonly limited: { by: Toxic | undefined; bytes: number };
    },
  ): Promise<boolean> {
    const { link, direction, target, limited } = way;
    const { latencyMs = 0, jitterMs = 0 } = this.#find(direction, "latency") ?? {};
    await this.#wait(latencyMs + (this.#random() * 2 - 1) * jitterMs);
    const { bytesPerSecond } = this.#find(direction, "bandwidth") ?? {};
    if (bytesPerSecond !== undefined) await this.#wait((slice.length / bytesPerSecond) * 1000);
    const hole = this.#find(direction, "timeout");
    if (hole) {
      this.#swallowed += slice.length;
      if (hole.timeoutMs === 0) return true;
      await this.#wait(hole.timeoutMs);
      this.#end(link);
      return false;
    }
    const limit = this.#find(direction, "limit_data");
    if (limited.by !== limit) Object.assign(limited, { by: limit, bytes: 0 });
    const room = limit ? limit.bytes - limited.bytes : slice.length;
    const sent = slice.subarray(0, Math.max(0, room));
    limited.bytes += sent.length;
    this.#through[direction] += sent.length;
    const isTaken = sent.length === 0 || target.write(sent);
    if (sent.length < slice.length) {
      // What was let through is to arrive; a reset would take it back.
      await sleep(5);
      this.#end(link);
      return false;
    }
    if (!isTaken) await new Promise((resolve) => target.once("drain", resolve));
    await this.#wait(this.#find(direction, "slicer")?.delayMs ?? 0);
    return true;
  }

  *#sliced(chunk: Buffer, direction: Direction): Generator<Buffer> {
    const slicer = this.#find(direction, "slicer");
    if (!slicer) {
      yield chunk;
      return;
    }
    for (let at = 0; at < chunk.length;) {
      const { averageBytes, variationBytes } = slicer;
      const bytes = Math.round(averageBytes + (this.#random() * 2 - 1) * variationBytes);
      yield chunk.subarray(at, at + Math.max(1, bytes));
      at += Math.max(1, bytes);
    }
  }
}
