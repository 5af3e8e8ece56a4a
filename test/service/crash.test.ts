import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Company, openCompany } from "../scenarios/company.ts";
import { countWrong } from "../scenarios/count.ts";
import { type Act, dice, hangUpAll, liveThrough } from "../scenarios/day.ts";
import type { Person } from "../scenarios/witness.ts";
import { unexplainedWrites } from "./evidence.ts";
import { eventually } from "./launch.ts";
import { type PartnerEvent, sendEvent } from "./partner.ts";

const SEED = 20;
const KILLS = 16;
const REPS = 40;
/** Of these, so many have a desk phone; the others choose, half of them in Dynamics and half in Teams. */
const PHONES = 24;

/** Sends the same event under the same id until it is acknowledged, as a partner must. Resolves to the id. */
async function acknowledged(company: Company, event: PartnerEvent): Promise<string> {
  const id = randomUUID();
  await eventually("the event is acknowledged", () =>
    sendEvent(company.service, event, { id }).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return id;
}

/** One call at some time of the day, confirmed now and then while it lasts. Resolves to the ids of its events. */
async function phone(
  company: Company,
  { dynamics: rep }: Person,
  random: () => number,
): Promise<readonly string[]> {
  const hold = { rep, hold: "call" };
  await sleep(random() * 20_000);
  const ids = [await acknowledged(company, { ...hold, type: "hold.started", status: "InACall" })];
  for (let renewal = 0; renewal < 4; renewal += 1) {
    await sleep(random() * 3_000);
    ids.push(await acknowledged(company, { ...hold, type: "hold.renewed" }));
  }
  await sleep(random() * 3_000);
  ids.push(await acknowledged(company, { ...hold, type: "hold.ended" }));
  return ids;
}

test("[P3] [P5] [P8] [P9] killed again and again in the middle of a busy day, it forgets nothing and makes nothing up", async ({
  annotate,
}) => {
  await using company = await openCompany({ reps: REPS });
  const { people, service, tenant } = company;
  const random = dice(SEED);
  const [onPhone, choosing] = [people.slice(0, PHONES), people.slice(PHONES)];
  const phones = onPhone.map((person, index) => phone(company, person, dice(SEED * 1_000 + index)));
  const humans = liveTwoDays(company, choosing);

  for (let kill = 0; kill < KILLS; kill += 1) {
    await sleep(random() * 1_500);
    await service.kill9();
    await service.restart();
  }
  const ids = (await Promise.all(phones)).flat();
  const acts = await humans;

  // Acknowledged, and killed before anything can have come of it: after the restart everybody on the phone is in that call.
  const last = onPhone.map(({ dynamics: rep }) => ({ rep, hold: "last" }));
  const started = last.map((hold) =>
    acknowledged(company, { ...hold, type: "hold.started", status: "InACall" }),
  );
  ids.push(...(await Promise.all(started)));
  await service.kill9();
  await service.restart();
  await eventually("none of them would be sent work", () =>
    onPhone.every((person) => company.witness.look(person).dynamics !== "Available"),
  );
  const ended = last.map((hold) => acknowledged(company, { ...hold, type: "hold.ended" }));
  ids.push(...(await Promise.all(ended)));
  await service.kill9();
  await service.restart();

  const all = [...acts, ...hangUpAll(company)];
  await company.quiet(() => countWrong(company, all).wrong.length === 0);
  const counted = countWrong(company, all);
  const history = await service.history();
  const taken = history.filter(({ kind }) => kind === "event").map(({ detail }) => detail["event"]);
  const writes = [...tenant.graph.control.writes(), ...tenant.dataverse.control.writes()].length;
  await annotate(
    JSON.stringify({ ...counted, wrong: [], events: ids.length, acts: all.length, writes }),
  );

  expect(counted.wrong).toEqual([]);
  expect(taken).toHaveLength(ids.length);
  expect(new Set(taken)).toEqual(new Set(ids));
  expect(unexplainedWrites(tenant, history)).toEqual([]);
  expect(ids).toHaveLength(PHONES * 8);
  expect(writes).toBeGreaterThan(200);
  expect(service.errors).toBe("");
  await service.stop();
});

/** Each chooses in one place only, so that what stands last is beyond doubt. */
async function liveTwoDays(company: Company, people: readonly Person[]): Promise<readonly Act[]> {
  const half = (which: number) => people.filter((_, index) => index % 2 === which);
  const plan = { actsPerRep: 7, meanGapMs: 4_000, leastGapMs: 2_000 };
  const days = await Promise.all([
    liveThrough(
      { ...company, people: half(0) },
      { ...plan, seed: SEED, doings: ["dynamics choices"] },
    ),
    liveThrough(
      { ...company, people: half(1) },
      { ...plan, seed: SEED + 1, doings: ["calls", "teams choices"] },
    ),
  ]);
  return days.flat();
}
