import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Connector, SystemError } from "../../src/connectors/connector.ts";
import { repId, type RepIdentity, systemUserId, teamsUserId } from "../../src/presence/identity.ts";
import type { Status } from "../../src/presence/status.ts";
import type { Write } from "../../src/reconcile/plan.ts";

/** A connector in front of an emulated system, and the levers that the contract pulls. */
export type Bench = {
  readonly connector: Connector;
  /** The same, but it gives a request up after a second. */
  readonly impatient: Connector;
  readonly reps: readonly RepIdentity[];
  /** The next request is answered with this status, and with this Retry-After if there is one. */
  fail(status: number, retryAfter?: number): void;
  /** The next write is applied, and its answer lost. */
  loseAnswer(): void;
  /** Every request takes this long; 0 ends it. */
  delay(ms: number): void;
  /** The application loses, or gets back, what entitles it to write. */
  entitle(entitled: boolean): Promise<void>;
  /** Takes the rep out of the system. */
  remove(rep: RepIdentity): void;
  /** Makes every token issued so far worthless. */
  revokeTokens(): Promise<void>;
  tokensIssued(): number;
  /** How many requests the system has seen. */
  requests(): number;
  close(): Promise<void>;
};

export function aWrite(connector: Connector, status: Status, change: Partial<Write> = {}): Write {
  return {
    system: connector.system,
    intent: 1,
    status,
    shows: status,
    native: null,
    from: "none",
    to: "preferred",
    session: false,
    lifts: false,
    renewal: false,
    protective: true,
    cause: { kind: "choice", source: "test", status, atMs: 0 },
    ...change,
  };
}

/** Awaits the refusal of something that must fail, and gives what it failed with. */
export async function failureOf(promise: Promise<unknown>): Promise<SystemError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SystemError))
    throw new Error("it should have thrown a SystemError", { cause: error });
  return error;
}

/** A safety net: nobody waits for its end. */
export const patience = (): AbortSignal => AbortSignal.timeout(60_000);

/** What every connector must do, whichever system it speaks to. */
export function connectorContract(name: string, open: () => Promise<Bench>): void {
  describe(`the connector contract: ${name}`, () => {
    let bench: Bench;
    const somebody = (): RepIdentity => {
      const [rep] = bench.reps;
      if (!rep) throw new Error("the bench has no reps");
      return rep;
    };
    const write = (rep = somebody()): Promise<void> =>
      bench.connector.write(rep, aWrite(bench.connector, "Away"), patience());
    const statusOf = async (rep: RepIdentity): Promise<Status | null | undefined> =>
      (await bench.connector.read([rep], patience())).get(rep.rep)?.status;

    beforeAll(async () => {
      bench = await open();
    });
    afterAll(() => bench.close());
    beforeEach(() => bench.entitle(true));

    test("reads many reps, each with a status, a native value and a version", async () => {
      const sightings = await bench.connector.read(bench.reps, patience());
      expect(sightings.size).toBe(bench.reps.length);
      for (const { rep } of bench.reps) {
        expect(sightings.get(rep)).toMatchObject({
          status: "Available",
          native: expect.stringMatching(/./),
          sequence: expect.stringMatching(/./),
        });
      }
    });

    test("[R70] a rep whom the system does not know is missing, and hides nobody", async () => {
      const id = "00000000-1111-4222-8333-444444444444";
      const nobody = {
        rep: repId(id),
        teamsUserId: teamsUserId(id),
        systemUserId: systemUserId(id),
      };
      const sightings = await bench.connector.read([nobody, somebody()], patience());
      expect(sightings.size).toBe(1);
      expect([nobody, somebody()].filter(({ rep }) => sightings.get(rep))).toEqual([somebody()]);
    });

    test("[R70] a rep whose id is not even an id is missing, and hides nobody", async () => {
      const id = "not an id";
      const nobody = {
        rep: repId(id),
        teamsUserId: teamsUserId(id),
        systemUserId: systemUserId(id),
      };
      const sightings = await bench.connector.read([nobody, ...bench.reps], patience());
      expect(sightings.size).toBe(bench.reps.length);
    });

    test("reads nobody without asking", async () => {
      const before = bench.requests();
      expect((await bench.connector.read([], patience())).size).toBe(0);
      expect(bench.requests()).toBe(before);
    });

    test("a write is accepted, and a later read shows it", async () => {
      await write();
      await expect.poll(() => statusOf(somebody())).toBe("Away");
    });

    test("[R73] a throttled request says how long to wait", async () => {
      bench.fail(429, 7);
      const error = await failureOf(write());
      expect(error).toMatchObject({
        system: bench.connector.system,
        retry: "throttled",
        retryAfterMs: 7000,
        surelyNotApplied: true,
      });
      bench.fail(429, 3);
      const read = await failureOf(bench.connector.read(bench.reps, patience()));
      expect(read).toMatchObject({ retry: "throttled", retryAfterMs: 3000 });
    });

    test("[R73] a throttled request without Retry-After waits all the same", async () => {
      bench.fail(429);
      expect((await failureOf(write())).retryAfterMs).toBeGreaterThanOrEqual(500);
    });

    test("[R74] a server error may have been applied, unless the server only asked for patience", async () => {
      bench.fail(500);
      expect(await failureOf(write())).toMatchObject({
        retry: "unavailable",
        surelyNotApplied: false,
      });
      bench.fail(503, 5);
      expect(await failureOf(write())).toMatchObject({
        retry: "unavailable",
        surelyNotApplied: true,
        retryAfterMs: 5000,
      });
    });

    test("[R74] a lost answer may have been applied", async () => {
      bench.loseAnswer();
      expect(await failureOf(write())).toMatchObject({
        retry: "unavailable",
        surelyNotApplied: false,
      });
    });

    /** Delays every request of the body, and lets those that it abandoned reach their end. */
    async function delayed(ms: number, body: () => Promise<void>): Promise<void> {
      bench.delay(ms);
      try {
        await body();
      } finally {
        bench.delay(0);
        await sleep(ms);
      }
    }

    test("[R74] a time-out may have been applied", async () => {
      const writeImpatiently = (): Promise<void> =>
        bench.impatient.write(somebody(), aWrite(bench.impatient, "Away"), patience());
      // Held up, it may give up before it has connected, when surely nothing was applied: then once more.
      while (await writeImpatiently().then(null, () => "not connected"));
      await delayed(1500, async () => {
        expect(await failureOf(writeImpatiently())).toMatchObject({
          retry: "unavailable",
          surelyNotApplied: false,
        });
      });
    });

    test("a caller who stops waiting is let go with a SystemError", () =>
      delayed(500, async () => {
        const reading = bench.connector.read(bench.reps, AbortSignal.timeout(100));
        expect(await failureOf(reading)).toMatchObject({ retry: "unavailable" });
      }));

    test("never sends a failed request a second time", async () => {
      const before = bench.requests();
      bench.fail(500);
      await failureOf(write());
      expect(bench.requests()).toBe(before + 1);
    });

    test("a missing permission is waited for, and the error names what to grant", async () => {
      await bench.entitle(false);
      const error = await failureOf(write());
      expect(error).toMatchObject({ retry: "unavailable", surelyNotApplied: true });
      expect(error.nextStep).toMatch(/Presence\.ReadWrite\.All|Omnichannel Supervisor/);
    });

    test("a refused token is replaced once, and the request sent again once", async () => {
      await bench.connector.read(bench.reps, patience());
      const issued = bench.tokensIssued();
      await bench.revokeTokens();
      expect((await bench.connector.read(bench.reps, patience())).size).toBe(bench.reps.length);
      expect(bench.tokensIssued()).toBe(issued + 1);
    });

    test("when the new token is refused too, that is the end of it", async () => {
      await bench.connector.read(bench.reps, patience());
      const before = bench.requests();
      bench.fail(401);
      bench.fail(401);
      expect(await failureOf(write())).toMatchObject({
        retry: "unavailable",
        code: expect.stringMatching(/-unauthorized$/),
        surelyNotApplied: true,
      });
      expect(bench.requests()).toBe(before + 2);
    });

    test("a rep who is gone is a rejection on writing, and missing on reading", async () => {
      const rep = bench.reps.at(-1);
      if (!rep) throw new Error("the bench has no reps");
      bench.remove(rep);
      expect(await failureOf(write(rep))).toMatchObject({
        retry: "rejected",
        surelyNotApplied: true,
      });
      expect((await bench.connector.read([rep], patience())).size).toBe(0);
    });
  });
}
