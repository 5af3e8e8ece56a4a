import { createPolicy } from "../../src/policy.ts";
import {
  DEFAULT_MAPPINGS,
  DYNAMICS_STATES,
  type Mappings,
  TEAMS_STATES,
} from "../../src/presence/mapping.ts";
import type { Vocabulary } from "../../src/replay/meaning.ts";
import { type Entry, recordedOf } from "../../src/replay/record.ts";
import { live, type Ruled, type Run } from "../../src/replay/run.ts";
import { ANA, Crew, end } from "../controller/crew.ts";
import { Chance } from "../sim/chance.ts";

/** The emulated systems of a crew name things by their states. */
export const VOCABULARY: Vocabulary = {
  teamsState: (native) => TEAMS_STATES.find((state) => state === native) ?? null,
  dynamicsState: (native) => DYNAMICS_STATES.find((state) => state === native) ?? null,
};

export const ruledBy = (mappings: Mappings): Ruled => ({
  mappings,
  policy: createPolicy(mappings),
});

export type RecordedDay = {
  readonly entries: readonly Entry[];
  readonly fromMs: number;
  readonly untilMs: number;
};

const DEEDS = 40;

/** A rep's day as the service records it: calls, meetings, choices in both systems, shifts, and now and then two at once. */
export async function recordDay(seed: number): Promise<RecordedDay> {
  const chance = new Chance(seed);
  const { crew, watch } = await Crew.onDuty();
  const fromMs = crew.clock.nowMs();
  const { rep } = ANA;
  const calls: string[] = [];
  const deeds: readonly (() => Promise<unknown> | void)[] = [
    () => crew.teams.choose(rep, chance.pick(["Busy", "DoNotDisturb", "Away", null])),
    () => crew.teams.choose(rep, null),
    () => crew.dynamics.choose(rep, chance.pick(["Available", "Busy", "Lunch", "Away"])),
    () => crew.dynamics.choose(rep, chance.pick(["Available", "Offline"])),
    () => crew.teams.client(rep, chance.pick(["InACall", "InAMeeting", "Offline"])),
    () => crew.teams.client(rep, "Available"),
    async () => {
      calls.push(`call-${calls.length}`);
      await crew.tell(watch, crew.call(calls.at(-1), chance.between(2, 90)));
    },
    async () => {
      const call = calls.length > 0 ? chance.pick(calls) : "none";
      await crew.tell(watch, crew.hangUp(call));
    },
    async () => {
      await crew.tell(watch, { type: chance.pick(["shift.ended", "shift.started"] as const) });
    },
    async () => {
      const untilMs = crew.clock.nowMs() + chance.between(1, 60) * 60_000;
      const status = chance.pick(["Busy", "Away"] as const);
      await crew.tell(watch, {
        type: "status.set",
        status,
        untilMs,
        endsHolds: chance.happens(0.5),
      });
    },
    async () => {
      await crew.tell(watch, { type: "status.released" });
    },
  ];
  for (let at = 0; at < DEEDS; at += 1) {
    await chance.pick(deeds)();
    await crew.clock.advance(chance.happens(0.15) ? 1_000 : chance.between(20_000, 600_000));
  }
  await crew.clock.advance(60_000);
  const entries = await crew.history(rep);
  const untilMs = crew.clock.nowMs();
  // What is on its way arrives only while time passes.
  await Promise.all([end(watch), crew.clock.advance(60_000)]);
  await crew.engine.close();
  return { entries, fromMs, untilMs };
}

export const lifeUnder = ({ entries, untilMs }: RecordedDay, under: Mappings): Run =>
  live(recordedOf(entries).facts, ruledBy(under), DEFAULT_MAPPINGS, VOCABULARY, untilMs);
