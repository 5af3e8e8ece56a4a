import type { RepDocument } from "../engine/engine.ts";
import type { RepIdentity, SystemName } from "../presence/identity.ts";
import { type Endpoint, endpointOf, type Rep } from "../reconcile/rep.ts";

/**
 * The document of somebody with whom nothing goes on, kept as the rep of whoever showed the same before, and the
 * numbers that are hers: a third of the memory.
 *
 * Invariant: what comes out is what went in. It was tried, so a rep may have more in her without anything here knowing it.
 */
export class Resting {
  readonly identity: RepIdentity;
  readonly generation: number;
  /** Of whom the same is news as of her (`isNews`), without her being put together. */
  readonly like: Rep;
  readonly #numbers: readonly number[];

  private constructor({ identity, generation, rep }: RepDocument, like: Rep) {
    this.identity = identity;
    this.generation = generation;
    this.like = like;
    this.#numbers = numbersOf(rep);
  }

  /** Like that rep; `null` if she differs by more than numbers. */
  static like(like: Rep, document: RepDocument): Resting | null {
    const resting = new Resting(document, like);
    return isSame(resting.rep, document.rep) && isAsFar(like, document.rep) ? resting : null;
  }

  get tick(): number {
    return this.#numbers[0] ?? 0;
  }

  get rep(): Rep {
    return withNumbers(this.like, this.#numbers);
  }

  get document(): RepDocument {
    const { identity, generation, rep } = this;
    return { identity, rep, generation };
  }
}

/** What `withNumbers` takes out again, in its order. */
function numbersOf({ tick, intent, intentTick, intentAtMs, cause, base, systems }: Rep): number[] {
  const numbers = [tick, intent, intentTick, intentAtMs, cause?.atMs ?? 0];
  numbers.push(base.tick, base.intent, base.atMs);
  for (const { readTick, tried, shown, sequence } of Object.values<Endpoint>(systems)) {
    numbers.push(readTick, tried, shown, Number(sequence));
  }
  // What was pushed to has room for more.
  return numbers.slice();
}

/** Each number is taken by its place, which costs half of taking them apart. */
function withNumbers(like: Rep, numbers: readonly number[]): Rep {
  let at = 0;
  const next = (): number => numbers[at++] ?? 0;
  const [tick, intent, intentTick, intentAtMs] = [next(), next(), next(), next()];
  const causeAtMs = next();
  const base = { ...like.base, tick: next(), intent: next(), atMs: next() };
  const systems: Record<SystemName, Endpoint> = { ...like.systems };
  for (const name of Object.keys(systems) as SystemName[]) {
    const endpoint = systems[name];
    if (!endpoint) continue;
    const [readTick, tried, shown, version] = [next(), next(), next(), next()];
    const sequence = endpoint.sequence && padded(version, endpoint.sequence.length);
    systems[name] = { ...endpoint, readTick, tried, shown, sequence };
  }
  const cause = like.cause && { ...like.cause, atMs: causeAtMs };
  return { ...like, tick, intent, intentTick, intentAtMs, cause, base, systems };
}

const padded = (version: number, digits: number): string => String(version).padStart(digits, "0");

/** In no system is the one shown less of what is intended than the other. */
const isAsFar = (one: Rep, other: Rep): boolean =>
  (Object.keys(one.systems) as SystemName[]).every(
    (system) => isBehind(one, system) === isBehind(other, system),
  );

const isBehind = (rep: Rep, system: SystemName): boolean =>
  endpointOf(rep, system).tried < rep.intent;

/** Of what JSON can hold. That of Node takes five times as long, and a start asks it of everybody. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  let more = Object.keys(other).length;
  for (const key in one) {
    more -= 1;
    if (!isSame(one[key as keyof typeof one], other[key as keyof typeof other])) return false;
  }
  return more === 0;
}
