import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { type Company, openCompany } from "../scenarios/company.ts";
import { countWrong } from "../scenarios/count.ts";
import { type Act, dice, hangUpAll, liveThrough } from "../scenarios/day.ts";
import { wrongAfter } from "../scenarios/verdict.ts";
import type { Person } from "../scenarios/witness.ts";
import { unexplainedWrites } from "../service/evidence.ts";
import { eventually, temporaryFolder } from "../service/launch.ts";
import { type PartnerEvent, sendPatiently } from "../service/partner.ts";
import { SABOTEUR } from "./cabled-company.ts";
import type { Failpoint } from "./inside/failpoints.ts";

/** So many that each has her turn to choose every ten seconds: who changes twenty times in ten minutes is a fight (R110). */
const REPS = 360;
/** Of these, so many have a desk phone; the others choose, half of them in Dynamics and half in Teams. */
const PHONES = 12;
const KILLS_EACH = 23;
const DEADLINE_MS = 1_800_000;

/** Every failpoint that a day passes by itself, and the n-th time of passing it that is still to kill: at random, up to this. */
const UP_TO: Readonly<Record<Exclude<Failpoint, "batch-unanswered">, number>> = {
  "pending-durable": 2,
  "sent-unanswered": 2,
  "event-durable": 3,
  "answered-unrecorded": 2,
  "in-group-commit": 6,
  "committed-untold": 6,
  starting: 14,
  stopping: 2,
  "roster-changing": 3,
};
const FAILPOINTS = Object.keys(UP_TO) as (keyof typeof UP_TO)[];
/** One store for each group, killed at its failpoints in turn. */
const GROUPS = [0, 1, 2].map((group) => FAILPOINTS.filter((_, index) => index % 3 === group));

describe.concurrent("[P3] [P5] [P8] [P9] F17 killed -9 again and again in the middle of a busy day, it forgets nothing and makes nothing up:", () => {
  test.each(GROUPS.map((group) => [group.join(", "), group] as const))(
    "at %s",
    async (_names, group) => {
      await using cache = await temporaryFolder();
      // Started two hundred times, it need not be compiled each time.
      const env = { NODE_COMPILE_CACHE: cache.path };
      const reps = REPS + KILLS_EACH;
      await using everybody = await openCompany({ reps, env, nodeArguments: SABOTEUR });
      const company = { ...everybody, people: everybody.people.slice(0, REPS) };
      const { service, tenant } = company;
      await service.stop();
      const random = dice(17 + GROUPS.indexOf(group));
      const day = liveTheDay(company, dice(170 + GROUPS.indexOf(group)));

      for (let kill = 0; kill < KILLS_EACH * group.length; kill += 1) {
        const failpoint = group[kill % group.length] ?? "starting";
        if (failpoint === "roster-changing")
          await changeRoster(everybody, Math.floor(kill / group.length));
        const from = service.lines.length;
        service.begin({ FAILPOINT: `${failpoint}:${1 + Math.floor(random() * UP_TO[failpoint])}` });
        if (failpoint === "stopping") {
          const isUp = () => service.lines.slice(from).some(({ msg }) => msg === "directory");
          await eventually("it is at work", isUp);
          service.signal("SIGTERM");
        }
        const what = `it passes ${failpoint} and dies of it`;
        const ended = await Promise.race([service.ended(), sleep(90_000, what, { ref: false })]);
        const said = service.lines.slice(from).map((line) => JSON.stringify(line));
        expect(ended, `${what}; it said ${said.join("\n")}`).toBe("SIGKILL");
      }
      await service.restart({ FAILPOINT: null });
      const { acts, ids } = await day.end();

      const all = [...acts, ...hangUpAll(company)];
      await company.quiet(() => countWrong(company, all).wrong.length === 0);
      const recorded = async (): Promise<readonly unknown[]> => {
        const events = (await service.history()).filter(({ kind }) => kind === "event");
        return events.map(({ detail }) => detail["event"]);
      };
      await eventually("as many events are recorded as were taken", async () => {
        return (await recorded()).length >= ids.length;
      });
      const [taken, history] = [await recorded(), await service.history()];
      expect(await wrongAfter(company, all)).toEqual([]);
      expect(taken).toHaveLength(ids.length);
      expect(new Set(taken)).toEqual(new Set(ids));
      expect(unexplainedWrites(tenant, history)).toEqual([]);
      expect(Math.min(ids.length, acts.length, company.writes())).toBeGreaterThan(100);
      expect(service.errors).toBe("");
      await service.stop();
    },
    // Two hundred starts, on a machine that may have other things to do.
    DEADLINE_MS,
  );
});

/** Everybody lives on, whatever becomes of the service. `end` lets them finish what they are doing. */
function liveTheDay(company: Company, random: () => number) {
  let over = false;
  const acts: Act[] = [];
  const ids: string[] = [];
  const [onPhone, choosing] = [company.people.slice(0, PHONES), company.people.slice(PHONES)];

  /** Each chooses in one place only, so that what stands last is beyond doubt. */
  const choose = async (): Promise<void> => {
    for (let turn = 0; !over; turn += 1) {
      const person = choosing[turn % choosing.length];
      if (!person) return;
      const doings =
        turn % 2 ? (["dynamics choices"] as const) : (["calls", "teams choices"] as const);
      const seed = Math.floor(random() * 1e9);
      const plan = { seed, doings, actsPerRep: 1, meanGapMs: 0, leastGapMs: 0 };
      acts.push(...(await liveThrough({ ...company, people: [person] }, plan)));
      await sleep(10 + random() * 40);
    }
  };
  const phone = async ({ dynamics: rep }: Person): Promise<void> => {
    const hold = { rep, hold: "call" };
    const tell = async (event: PartnerEvent): Promise<void> => {
      ids.push(await acknowledged(company, event));
      await sleep(random() * 2_000);
    };
    while (!over) {
      await tell({ ...hold, type: "hold.started", status: "InACall" });
      await tell({ ...hold, type: "hold.renewed" });
      await tell({ ...hold, type: "hold.ended" });
    }
  };
  const doing = Promise.all([choose(), ...onPhone.map(phone)]);
  // A kill that does not come fails the test before anybody asks how the day was.
  doing.catch(() => undefined);
  return {
    end: async () => {
      over = true;
      await doing;
      return { acts, ids };
    },
  };
}

/** Sends the same event under the same id until it is acknowledged, as a partner must. Resolves to the id. */
async function acknowledged(company: Company, event: PartnerEvent): Promise<string> {
  const id = randomUUID();
  const send = () =>
    sendPatiently(company.service, event, { id }).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually("the event is acknowledged", send, { deadlineMs: 90_000 });
  return id;
}

/** Somebody begins to work here, and somebody leaves who has been here from the start. */
async function changeRoster({ tenant, people }: Company, which: number): Promise<void> {
  const [somebody] = tenant.people.users;
  const leaver = people[REPS + which];
  if (!somebody || !leaver) throw new Error("the company is too small for this");
  const id = (what: string) => derivedGuid(`${what} newcomer ${which}`);
  const userPrincipalName = `newcomer${which}@northharbor.example`;
  const displayName = `Newcomer ${which}`;
  tenant.graph.control.addUser({ id: id("entra user"), userPrincipalName, displayName });
  tenant.dataverse.control.addUser({
    ...somebody,
    roles: [...somebody.roles],
    systemUserId: id("systemuser"),
    agentStatusId: id("agentstatus"),
    azureObjectId: id("entra user"),
  });
  tenant.dataverse.control.disableUser({ userId: leaver.dynamics });
  await eventually("the newcomer is in the table", () =>
    Boolean(tenant.dataverse.control.state({ userId: id("systemuser") }).row),
  );
}
