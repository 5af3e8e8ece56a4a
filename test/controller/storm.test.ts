import fc from "fast-check";
import { expect, test } from "vitest";
import { endpointOf } from "../../src/reconcile/rep.ts";
import { isSatisfied, targetOf } from "../../src/reconcile/resolve.ts";
import { ANA, BEN, Crew, end, POLICY, type Watch } from "./crew.ts";
import type { Trouble } from "./systems.ts";
import "../fuzz/same-cases.ts";

const who = fc.constantFrom(ANA, BEN);
const PRESENCES = ["Available", "Busy", "Busy - DND", "Away", "Lunch", "Offline"];
const CHOICES = [null, "Busy", "DoNotDisturb", "Away", "BeRightBack"] as const;
const CLIENTS = ["Available", "InACall", "InAMeeting", "Offline"] as const;
const PROBLEMS: readonly Trouble[] = [
  { kind: "throttled", retryAfterMs: 3_000 },
  { kind: "down" },
  { kind: "rejected" },
  { kind: "lost" },
  { kind: "late" },
  { kind: "broken" },
];

const happening = fc.oneof(
  fc.record({ kind: fc.constant("teams" as const), who, to: fc.constantFrom(...CHOICES) }),
  fc.record({ kind: fc.constant("client" as const), who, to: fc.constantFrom(...CLIENTS) }),
  fc.record({ kind: fc.constant("dynamics" as const), who, to: fc.constantFrom(...PRESENCES) }),
  fc.record({ kind: fc.constantFrom("call" as const, "hang up" as const), who }),
  fc.record({ kind: fc.constantFrom("shift.ended" as const, "shift.started" as const), who }),
  fc.record({
    kind: fc.constant("trouble" as const),
    of: fc.constantFrom(...PROBLEMS),
    at: fc.constantFrom("teams" as const, "dynamics" as const),
    reading: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("hint" as const, "restart" as const), who }),
);
const story = fc.array(fc.tuple(happening, fc.nat(9_000)), { minLength: 5, maxLength: 25 });
type Happening = (typeof happening extends fc.Arbitrary<infer One> ? One : never) & object;

async function happen(crew: Crew, watch: Watch, one: Happening): Promise<Watch> {
  switch (one.kind) {
    case "teams":
      crew.teams.choose(one.who.rep, one.to);
      break;
    case "client":
      crew.teams.client(one.who.rep, one.to);
      break;
    case "dynamics":
      crew.dynamics.choose(one.who.rep, one.to);
      break;
    case "call":
      await crew.tell(watch, crew.call(one.who.rep), one.who);
      break;
    case "hang up":
      await crew.tell(watch, crew.hangUp(one.who.rep), one.who);
      break;
    case "shift.ended":
    case "shift.started":
      await crew.tell(watch, { type: one.kind }, one.who);
      break;
    case "trouble":
      crew[one.at][one.reading ? "readTroubles" : "writeTroubles"].push(one.of);
      break;
    case "hint":
      watch.controller.hint(one.who.rep, crew.dynamics.system);
      break;
    case "restart": {
      const stopping = end(watch);
      await crew.clock.advance(15_000);
      await stopping;
      return crew.begin();
    }
    default:
      one satisfies never;
  }
  return watch;
}

/** What is known is what is shown, nothing is under way, and each system shows what it should. */
function expectAgreement(crew: Crew, watch: Watch): void {
  for (const { rep: id } of [ANA, BEN]) {
    const rep = watch.controller.document(id)?.rep;
    if (!rep) throw new Error(`${id} is lost`);
    for (const system of [crew.teams, crew.dynamics]) {
      const { system: name } = system;
      const { seen, pending: open, absent, health } = endpointOf(rep, name);
      // What became of a write to somebody who has signed out shows when she is back.
      const pending = absent && open?.unknown ? null : open;
      const { status } = system.look(id) ?? {};
      expect({ id, name, pending, shown: status }).toEqual({
        id,
        name,
        pending: null,
        shown: absent ? "Offline" : seen,
      });
      const agrees = isSatisfied(rep, name, targetOf(rep, name, POLICY), POLICY);
      expect({ id, name, fine: agrees || absent || health !== "ok" }).toEqual({
        id,
        name,
        fine: true,
      });
    }
  }
}

test("[R39] [R41] [R49] whatever happens and whatever fails: agreement, then silence, and every write is told", async () => {
  let writes = 0;
  await fc.assert(
    fc.asyncProperty(story, fc.boolean(), async (happenings, versioned) => {
      const { crew, watch: first } = await Crew.onDuty({ people: [ANA, BEN] });
      crew.teams.versioned = versioned;
      let watch = first;
      for (const [one, waitMs] of happenings) {
        watch = await happen(crew, watch, one);
        await crew.clock.advance(waitMs);
      }
      for (const system of [crew.teams, crew.dynamics]) {
        system.readTroubles.length = 0;
        system.writeTroubles.length = 0;
      }
      await crew.clock.advance(900_000);
      expectAgreement(crew, watch);
      const before = crew.writes;
      await crew.clock.advance(600_000);
      expect(crew.writes).toBe(before);
      expect(await crew.engine.unsettled()).toEqual([]);

      const entries = (await crew.history()).filter(({ kind }) => kind === "write");
      for (const { cause } of entries) expect(cause).not.toBeNull();
      for (const system of [crew.teams, crew.dynamics]) {
        const told = entries.filter(({ detail }) => detail["system"] === system.system);
        expect(told.length).toBeGreaterThanOrEqual(system.arrivals.length);
      }
      writes += before;
      for (const fault of crew.faults) expect(fault).toBeInstanceOf(TypeError);
    }),
    { numRuns: 150 },
  );
  expect(writes).toBeGreaterThan(100);
});
