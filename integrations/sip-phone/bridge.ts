import type { Lockstep } from "../client.ts";
import type { Change } from "./line.ts";

export type BridgeOptions = {
  readonly lockstep: Lockstep;
  /** Whose line it is: system user id or Entra object id. */
  readonly reps: ReadonlyMap<string, string>;
  readonly ttlSeconds: number;
  /** A status other than 202, and for what. Never who. */
  readonly onRefused: (what: "call" | "end", status: number) => void;
};

/**
 * Turns calls on lines into holds of the public API, and repeats each one while it lasts: should this process or the
 * PBX die, the hold ends by itself. What concerns one line is told in its order.
 */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #calls = new Map<string, NodeJS.Timeout>();
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: BridgeOptions) {
    this.#options = options;
  }

  take(line: string, { began, ended }: Change): void {
    const rep = this.#options.reps.get(line);
    if (rep === undefined) return;
    for (const id of began) this.#begin(line, rep, id);
    for (const id of ended) this.#end(line, rep, id);
  }

  /** Calls that go on are left to end by themselves, or to be found again by the next start. */
  async stop(): Promise<void> {
    for (const timer of this.#calls.values()) clearInterval(timer);
    this.#calls.clear();
    await Promise.all(this.#turns.values());
  }

  #begin(line: string, rep: string, id: string): void {
    const path = pathOf(rep, line, id);
    const { ttlSeconds } = this.#options;
    const put = (): void => {
      this.#tell(line, "call", "PUT", path, { status: "InACall", ttlSeconds });
    };
    // Three heartbeats within its time: two may be lost.
    this.#calls.set(path, setInterval(put, (ttlSeconds * 1_000) / 3));
    put();
  }

  #end(line: string, rep: string, id: string): void {
    const path = pathOf(rep, line, id);
    clearInterval(this.#calls.get(path));
    this.#calls.delete(path);
    this.#tell(line, "end", "DELETE", path);
  }

  #tell(line: string, what: "call" | "end", method: string, path: string, body?: unknown): void {
    const before = this.#turns.get(line) ?? Promise.resolve();
    const turn = before.then(async () => {
      // A heartbeat that waited until after the end would begin the call anew.
      if (what === "call" && !this.#calls.has(path)) return;
      const { status } = await this.#options.lockstep.ask(method, path, body);
      if (status !== 202) this.#options.onRefused(what, status);
    });
    this.#turns.set(line, turn);
  }
}

const pathOf = (rep: string, line: string, id: string): string =>
  `/reps/${rep}/holds/${encodeURIComponent(`${line}-${id}`.slice(0, 120))}`;
