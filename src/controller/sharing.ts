import type { RepDocument } from "../engine/engine.ts";
import { repIdOf, type RepIdentity, type SystemName } from "../presence/identity.ts";
import type { Base, Endpoint, Rep } from "../reconcile/rep.ts";
import { Resting } from "./resting.ts";

/** Above this a table begins anew: what it held stays with whoever has it. */
const LIMIT = 10_000;

/** So many of those who look the same at first sight are tried, the one last of use first. */
const MODELS = 4;

/** Each value once, by all that is in it. */
class Table<Value> {
  readonly #known = new Map<string, Value>();

  once<Of extends Value>(value: Of): Of {
    const key = typeof value === "string" ? value : JSON.stringify(value);
    const known = this.#known.get(key);
    // The same text of the same kind of thing.
    if (known !== undefined) return known as Of;
    if (this.#known.size >= LIMIT) this.#known.clear();
    this.#known.set(key, value);
    return value;
  }
}

/**
 * Lets reps share what is the same about them. Nothing in a rep is ever changed, only replaced, so nobody notices; but
 * of very many reps at rest most show one of a few things, and each would keep it for herself, a stored rep down to the text.
 */
export class Sharing {
  readonly #texts = new Table<string>();
  readonly #natives = new Table<Base["natives"]>();
  readonly #owns = new Table<NonNullable<Endpoint["own"]>>();
  readonly #endpoints = new Table<Endpoint>();
  readonly #models = new Map<string, Rep[]>();

  /** The same ids. A rep's own is that of her Dynamics user; out of a store they come as two texts. */
  shareIds(identity: RepIdentity): RepIdentity {
    const rep = repIdOf(identity.systemUserId);
    return rep === identity.rep ? { ...identity, rep } : identity;
  }

  /** The same document, as it is kept while nothing goes on with her. */
  keep(document: RepDocument): RepDocument | Resting {
    const models = this.#modelsOf(document.rep);
    for (const [at, model] of models.entries()) {
      const resting = Resting.like(model, document);
      if (!resting) continue;
      if (at > 0) models.unshift(...models.splice(at, 1));
      return resting;
    }
    const rep = this.share(document.rep);
    models.unshift(rep);
    models.splice(MODELS);
    return { ...document, rep };
  }

  /** Reps who may be like her. */
  #modelsOf({ base, cause, systems }: Rep): Rep[] {
    let sight = `${base.status} ${cause?.kind} ${cause?.source}`;
    for (const { native, own } of Object.values<Endpoint>(systems))
      sight += ` ${native} ${own?.native}`;
    const known = this.#models.get(sight);
    if (known) return known;
    if (this.#models.size >= LIMIT) this.#models.clear();
    const models: Rep[] = [];
    this.#models.set(sight, models);
    return models;
  }

  /** The same rep. */
  share(rep: Rep): Rep {
    const cause = rep.cause && { ...rep.cause, kind: this.#texts.once(rep.cause.kind) };
    const base = { ...rep.base, natives: this.#natives.once(rep.base.natives) };
    const systems: Record<SystemName, Endpoint> = { ...rep.systems };
    for (const name of Object.keys(systems) as SystemName[]) {
      const endpoint = systems[name];
      if (endpoint) systems[name] = this.#sharedEndpoint(endpoint);
    }
    return { ...rep, cause, base, systems };
  }

  #sharedEndpoint(endpoint: Endpoint): Endpoint {
    const { native, own, pending, sequence } = endpoint;
    // With a version or a write it is hers alone.
    if (sequence === null && pending === null) return this.#endpoints.once(endpoint);
    return {
      ...endpoint,
      native: native === null ? null : this.#texts.once(native),
      own: own === null ? null : this.#owns.once(own),
    };
  }
}
