import { afterAll, beforeAll, expect, test } from "vitest";
import { askApi, partnersWith } from "../service/api.ts";
import { SABOTEUR } from "../faults/cabled-company.ts";
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
  // A shift that is over when it is told of is refused: whoever was held up so long tells of the next one.
  await eventually("a shift that ends soon is told of", async () => {
    const nowMs = Date.now();
    const body = { fromMs: nowMs - 3_600_000, untilMs: nowMs + 2_000 };
    const told = await askApi(company.service, `PUT ${rep.path}/shifts/today`, { as: "wfm", body });
    expect([202, 400]).toContain(told.status);
    return told.status === 202;
  });
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

test("[R202, R181, P8] of two calls whose ends are lost the one with a heartbeat goes on, over a kill too, until nobody speaks for it", async () => {
  await using other = await openCompany({ reps: 2, nodeArguments: SABOTEUR });
  const [person] = other.people;
  if (!person) throw new Error("nobody works here");
  const rep = sceneOf(other, person);
  const path = `/reps/${person.dynamics}`;
  const put = async (hold: string): Promise<void> => {
    const body = { status: "InACall", ttlSeconds: 120 };
    const { status } = await askApi(other.service, `PUT ${path}/holds/${hold}`, { body });
    expect([hold, status]).toEqual([hold, 202]);
  };
  const calls = async (): Promise<readonly unknown[]> => {
    const { json } = await askApi(other.service, `GET ${path}`);
    const { holds } = json as { readonly holds: readonly { readonly id: string }[] };
    return holds.map(({ id }) => id);
  };
  const killedUntil = async (seconds: number): Promise<void> => {
    await other.service.kill9();
    await other.service.restart({ CLOCK_OFFSET_MS: String(seconds * 1_000) });
  };
  await put("silent");
  await put("beating");
  await rep.shows("InACall", "Busy");
  await killedUntil(60);
  expect(await calls()).toEqual(["silent", "beating"]);
  await put("beating");
  await killedUntil(130);
  await eventually("one is over", async () => (await calls()).length === 1);
  expect(await calls()).toEqual(["beating"]);
  expect(rep.sight()).toMatchObject({ teams: "InACall", dynamics: "Busy" });
  await killedUntil(280);
  await rep.shows("Available", "Available");
  expect(await calls()).toEqual([]);
});
