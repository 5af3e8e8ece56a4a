import fc from "fast-check";
import { expect, test } from "vitest";
import { type Engine, engineWith } from "../../src/engine/engine.ts";
import type { Tenure } from "../../src/fleet/shard.ts";
import { SHARDS, Shards, TTL_MS } from "../../src/fleet/shards.ts";
import { VirtualClock } from "../controller/clock.ts";
import { Platter, VolatileEngine } from "../sim/disk.ts";
import "../fuzz/same-cases.ts";

const REPLACED_WITHIN_MS = 10_000;
const STEP_MS = 250;

/** Instances on one store, whose clock moves with theirs. */
class Group {
  readonly clock = new VirtualClock();
  readonly #platter = new Platter();
  readonly #members: Member[] = [];

  join(name: string): Member {
    const member = new Member(this.#engine(), this.clock, name);
    this.#members.push(member);
    return member;
  }

  /** For each shard, those who believe that it is theirs, and may send. */
  believers(): number[] {
    return Array.from(
      { length: SHARDS },
      (_, shard) => this.#members.filter(({ tenures }) => tenures.get(shard)?.isValid()).length,
    );
  }

  #engine(): Engine {
    return new VolatileEngine(this.#platter, {
      flushMs: () => 5,
      readMs: () => 5,
      flush: () => "well",
      after: (delayMs, fire) => void this.clock.after(delayMs, fire),
      nowMs: () => this.clock.nowMs(),
      written: () => undefined,
      isAlive: () => true,
    });
  }
}

class Member {
  readonly tenures = new Map<number, Tenure>();
  readonly shards: Shards;
  isGone = false;

  constructor(store: Engine, clock: VirtualClock, instance: string) {
    const engine = engineWith(store, {
      lease: (name, holder, ttlMs) =>
        this.isGone ? Promise.reject(new Error("gone")) : store.lease(name, holder, ttlMs),
    });
    this.shards = new Shards({
      engine,
      clock,
      elapsedMs: () => clock.nowMs(),
      instance,
      count: SHARDS,
      ttlMs: TTL_MS,
      onGained: async (tenure) => void this.tenures.set(tenure.shard, tenure),
      onLost: async (shard) => void this.tenures.delete(shard),
      onFault: () => undefined,
    });
  }
}

test("[R259] whenever some of several instances are gone, the others have all of their reps within ten seconds, and nobody shares one", async () => {
  const schedule = fc.record({
    apartMs: fc.array(fc.integer({ min: 0, max: TTL_MS }), { minLength: 2, maxLength: 5 }),
    goneAfterMs: fc.integer({ min: 0, max: 2 * TTL_MS }),
    gone: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(schedule, async ({ apartMs, goneAfterMs, gone }) => {
      const group = new Group();
      const pass = async (ms: number): Promise<void> => {
        for (let passed = 0; passed < ms; passed += STEP_MS) {
          await group.clock.advance(Math.min(STEP_MS, ms - passed));
          expect(Math.max(...group.believers())).toBeLessThanOrEqual(1);
        }
      };
      const members: Member[] = [];
      for (const [index, ms] of apartMs.entries()) {
        await pass(ms);
        const member = group.join(`instance ${index}`);
        members.push(member);
        void member.shards.start();
      }
      await pass(20_000 + goneAfterMs);
      expect(group.believers()).toEqual(Array.from({ length: SHARDS }, () => 1));
      for (const member of members.slice(0, Math.min(gone, members.length - 1))) {
        member.isGone = true;
      }
      await pass(REPLACED_WITHIN_MS);
      expect(group.believers()).toEqual(Array.from({ length: SHARDS }, () => 1));
    }),
    { numRuns: 100 },
  );
});
