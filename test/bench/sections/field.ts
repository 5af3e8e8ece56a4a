import { PostgresServer } from "../../engine/postgres-server.ts";
import type { Contestant } from "../contestant.ts";
import { Load, type Way } from "../load.ts";
import type { Extras } from "../cloud.ts";
import { Stage } from "../stage.ts";
import { FastTenant } from "../tenant.ts";
import type { Scope } from "./section.ts";

/** Lockstep, the two floors, and what a user would build. */
export const LOCKSTEP = "Lockstep";
export const ON_POSTGRES = "Lockstep, PostgreSQL";
export const BARE = "bare proxy";
export const SAME_CALLS = "same calls";
export const NODE_RED = "Node-RED";

/** A contestant with a tenant of its own, so that nobody sees another's writes. */
export type Place = {
  readonly name: string;
  readonly contestant: Contestant;
  readonly tenant: FastTenant;
  readonly load: Load;
  /** Where its data is. */
  readonly folder: string;
};

/** Contestants side by side. Dispose of it, and all are gone. */
export class Field {
  readonly places: Place[] = [];
  readonly #stages: Stage[] = [];
  #server: PostgresServer | null = null;
  readonly #scope: Scope;
  readonly #reps: number;

  readonly #from: Way["from"];

  /** Where reps choose in Teams, whoever polls does so each second, and is told of nothing. */
  constructor(scope: Scope, reps: number, from: Way["from"] = "dynamics") {
    this.#scope = scope;
    this.#reps = reps;
    this.#from = from;
  }

  async lockstep(name: string = LOCKSTEP, extras: Extras = {}): Promise<Place> {
    return this.#place(name, (stage) => stage.lockstep(name, extras));
  }

  /** On a server of its own, as durable as it is by default. */
  async postgres(): Promise<void> {
    this.#server ??= await PostgresServer.start();
    const database = `bench${this.places.length}`;
    await this.#server.sql(`CREATE DATABASE ${database}`);
    await this.lockstep(ON_POSTGRES, { env: { DATABASE_URL: this.#server.url(database) } });
  }

  async floor(name: string, file: "bare" | "same-calls" | "answering"): Promise<Place> {
    return this.#place(name, (stage) => stage.floor(name, file), true);
  }

  /** Nothing, if it is not to be had. */
  async nodeRed(): Promise<void> {
    if (!this.#scope.rivals) return;
    await this.#place(NODE_RED, (stage) => stage.nodeRed(NODE_RED));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.places.map(({ load }) => load.close()));
    await Promise.all(this.#stages.map((stage) => stage[Symbol.asyncDispose]()));
    await this.#server?.dispose();
  }

  async #place(
    name: string,
    start: (stage: Stage) => Promise<Contestant>,
    isFloor = false,
  ): Promise<Place> {
    const tenant = await FastTenant.start(this.#reps, this.#scope.tls);
    const stage = await Stage.over(tenant, this.#from === "teams" ? 1 : undefined);
    this.#stages.push(stage);
    const contestant = await start(stage);
    const place = {
      name,
      contestant,
      tenant,
      load: new Load(tenant, [contestant], {
        from: this.#from,
        told: isFloor || this.#from === "dynamics",
      }),
      folder: stage.folder,
    };
    this.places.push(place);
    return place;
  }
}
