import type { KeptRecord } from "../../engine/engine.ts";
import type { SystemName } from "../../presence/identity.ts";
import { type Integration, integrationOf, unbound } from "./integration.ts";

/** Who may use the API now. */
export class Registry {
  readonly #configured: readonly Integration[];
  #all: readonly Integration[];
  #unreadable = 0;

  /** `configured` are those of the environment; a kept integration of the same name takes the place of one. */
  constructor(
    configured: readonly { readonly name: SystemName; readonly keys: readonly Uint8Array[] }[],
  ) {
    this.#configured = configured.map(({ name, keys }) => unbound(name, keys));
    this.#all = this.#configured;
  }

  /** Takes over what is kept. A secret whose end has come since is not among the keys any more. */
  replace(records: readonly KeptRecord[], nowMs: number): void {
    const read = records.map(({ id, body }) => integrationOf(id, body, nowMs));
    const kept = read.filter((integration) => integration !== null);
    const names = new Set<string>(records.map(({ id }) => id));
    this.#unreadable = read.length - kept.length;
    this.#all = [...kept, ...this.#configured.filter(({ name }) => !names.has(name))];
  }

  get unreadable(): number {
    return this.#unreadable;
  }

  all(): readonly Integration[] {
    return this.#all;
  }

  get(name: string): Integration | null {
    return this.#all.find((integration) => integration.name === name) ?? null;
  }

  /** Of several the one that was not revoked. */
  ofApplication(appId: string): Integration | null {
    const found = this.#all.filter((integration) => integration.appId === appId);
    return found.find(({ revoked }) => !revoked) ?? found[0] ?? null;
  }
}
