import { afterAll, beforeAll, expect, test } from "vitest";
import { askApi, partnersWith } from "../service/api.ts";
import { eventually } from "../service/launch.ts";
import { type Company, openCompany } from "./company.ts";
import { sceneOf, type Scene } from "./scene.ts";

const CALL = { status: "InACall", ttlSeconds: 600 };

let company: Company;
beforeAll(async () => {
  company = await openCompany({ reps: 4, env: { PARTNERS: partnersWith("crm", "wfm", "boss") } });
});
afterAll(() => company[Symbol.asyncDispose]());

type Part = Scene & {
  readonly path: string;
  says(line: string, body?: unknown, as?: string): Promise<void>;
};

/** One of the company, and what is said about her: each story has a rep of its own. */
function part(index: number): Part {
  const person = company.people[index];
  if (!person) throw new Error("nobody is left");
  const path = `/reps/${person.dynamics}`;
  return {
    ...sceneOf(company, person),
    path,
    says: async (line, body, as) => {
      const [method = "", rest = ""] = line.split(" ");
      const given = {
        ...(body === undefined ? {} : { body }),
        ...(as === undefined ? {} : { as }),
      };
      const { status } = await askApi(company.service, `${method} ${path}${rest}`, given);
      expect([line, status]).toEqual([line, 202]);
    },
  };
}

test.concurrent("[R202, P13] of calls from several applications the last to end restores what she chose", async () => {
  const rep = part(0);
  rep.inDynamics("Away");
  await rep.shows("Away", "Away");
  await rep.says("PUT /holds/a", CALL);
  await rep.shows("InACall", "Busy");
  await rep.says("PUT /holds/a", { ...CALL, status: "DoNotDisturb" }, "crm");
  await rep.says("DELETE /holds/a");
  await rep.shows("DoNotDisturb", "DoNotDisturb");
  await rep.says("DELETE /holds/a", undefined, "crm");
  await rep.shows("Away", "Away");
  expect(rep.sight()).toMatchObject({ teams: "Away", dynamics: "Away" });
});

test.concurrent("[R202, P13] a shift that ends during a call makes her Offline when the call is over", async () => {
  const rep = part(1);
  await rep.says("PUT /holds/c", CALL);
  await rep.shows("InACall", "Busy");
  const nowMs = Date.now();
  const shift = { fromMs: nowMs - 3_600_000, untilMs: nowMs + 2_000 };
  await rep.says("PUT /shifts/today", shift, "wfm");
  const ended = async (): Promise<boolean> => {
    const { json } = await askApi(company.service, `GET ${rep.path}/shifts`, { as: "wfm" });
    return (json as { readonly shifts: readonly unknown[] }).shifts.length === 0;
  };
  await eventually("the shift is over", ended);
  expect(rep.sight()).toMatchObject({ teams: "InACall", dynamics: "Busy" });
  await rep.says("DELETE /holds/c");
  await rep.shows("Offline", "Offline");
});

test.concurrent("[R202, P13] a supervisor's Available waits beneath a call, unless she ends the call with it", async () => {
  const rep = part(2);
  await rep.says("PUT /holds/c", CALL);
  await rep.shows("InACall", "Busy");
  await rep.says("PUT /status", { status: "Away" }, "boss");
  await rep.says("PUT /holds/c", { ...CALL, ttlSeconds: 601 });
  await company.quiet();
  expect(rep.sight()).toMatchObject({ teams: "InACall" });
  expect(["Busy", "Away"]).toContain(rep.sight().dynamics);
  await rep.says("DELETE /holds/c");
  await rep.shows("Away", "Away");
  await rep.says("PUT /holds/d", CALL);
  await rep.shows("InACall", "Busy");
  await rep.says("PUT /status", { status: "Available", endsHolds: true }, "boss");
  await rep.shows("Available", "Available");
});

test.concurrent("[R202, P8] a call whose end is lost is over when its time is, also when the service was killed meanwhile", async () => {
  await using other = await openCompany({ reps: 2 });
  const [person] = other.people;
  if (!person) throw new Error("nobody works here");
  const rep = sceneOf(other, person);
  const line = `PUT /reps/${person.dynamics}/holds/lost`;
  expect((await askApi(other.service, line, { body: { ...CALL, ttlSeconds: 60 } })).status).toBe(
    202,
  );
  await rep.shows("InACall", "Busy");
  await other.service.kill9();
  await other.service.restart();
  expect(rep.sight()).toMatchObject({ teams: "InACall", dynamics: "Busy" });
  const isFree = (): boolean => {
    const { teams, dynamics } = rep.sight();
    return teams === "Available" && dynamics === "Available";
  };
  await eventually("the lost call is over", isFree, { deadlineMs: 100_000, everyMs: 500 });
});
