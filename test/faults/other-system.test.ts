import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Company } from "../scenarios/company.ts";
import { openCompany } from "../scenarios/company.ts";
import type { Person } from "../scenarios/witness.ts";
import { eventually } from "../service/launch.ts";
import { sendEvent } from "../service/partner.ts";

let company: Company;
let [first, second]: readonly Person[] = [];

beforeEach(async () => {
  company = await openCompany({ reps: 6 });
  [first, second] = company.people;
});
afterEach(() => company[Symbol.asyncDispose]());

const someone = (person: Person | undefined): Person => {
  if (!person) throw new Error("the company has people");
  return person;
};
const shows = (person: Person | undefined) => company.witness.look(someone(person));

async function comesToShow(
  person: Person | undefined,
  wanted: { readonly teams?: string; readonly dynamics?: string },
): Promise<void> {
  await eventually(`the rep comes to show ${JSON.stringify(wanted)}`, () => {
    const { teams, dynamics } = shows(person);
    return (wanted.teams ?? teams) === teams && (wanted.dynamics ?? dynamics) === dynamics;
  });
}

const BUSY = "efdeb843-c07a-e811-8162-000d3aa11f50";
const AWAY = "3dacae76-c07a-e811-8162-000d3aa11f50";

describe("[R46] [P10] a system that fails for a while is caught up with when it is back", () => {
  test("F9 Dataverse answers 429 with Retry-After, and is left alone for as long as it asks", async () => {
    const { graph, dataverse } = company.tenant;
    dataverse.control.failNext({ status: 429, times: 1, retryAfter: 4 });
    await eventually("the service has been throttled", () =>
      company.service.lines.some(({ code }) => String(code).startsWith("dataverse-throttled")),
    );
    const asked = (): number =>
      Object.values(dataverse.control.requests()).reduce((sum, count) => sum + count, 0);
    const before = asked();
    graph.control.startCall({ userId: someone(first).teams });
    const [{ time }] = company.service.lines.filter(({ code }) =>
      String(code).startsWith("dataverse-throttled"),
    ) as [{ time: number }];
    const countedInSilence: number[] = [];
    for (;;) {
      const count = asked();
      // What was counted before the clock was looked at was asked before that.
      if (Date.now() >= time + 3_500) break;
      countedInSilence.push(count);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // The read that was under way when the refusal came counts as well.
    expect(Math.max(before, ...countedInSilence)).toBeLessThanOrEqual(before + 1);
    await comesToShow(first, { teams: "InACall", dynamics: "Busy" });
  });

  test("F11 the signing key is rotated under way: one more token each, and nobody notices", async () => {
    const { graph, dataverse, entra } = company.tenant;
    graph.control.startCall({ userId: someone(first).teams });
    await comesToShow(first, { dynamics: "Busy" });
    await company.quiet();
    const { issued } = entra.control.tokenRequests();
    await entra.control.rotateSigningKey({ retireOld: true });
    dataverse.control.choose({ userId: someone(second).dynamics, presenceId: AWAY });
    graph.control.endCall({ userId: someone(first).teams });
    await comesToShow(second, { teams: "Away" });
    await comesToShow(first, { teams: "Available", dynamics: "Available" });
    expect(entra.control.tokenRequests().issued).toBe(issued + 2);
  });
});

describe("[P13] one system that does not answer does not keep the other from protecting a rep", () => {
  test("Graph hangs: the webhook answers, and a reported call makes Dynamics Busy", async () => {
    const { graph, dataverse } = company.tenant;
    graph.control.delay({ minMs: 600_000, maxMs: 600_000 });
    await eventually("a request hangs", async () => {
      const before = graph.control.requests().total;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return graph.control.requests().total === before;
    });
    const sent = (): number =>
      dataverse.control.webhooks().filter(({ status }) => status === 200).length;
    const before = sent();
    dataverse.control.choose({ userId: someone(second).dynamics, presenceId: BUSY });
    await eventually("the webhook was answered", () => sent() > before);
    // Whoever waits for Graph protects nobody before the request that hangs is given up.
    const givenUp = (): number =>
      company.service.lines.filter(({ code }) => String(code).startsWith("graph-")).length;
    const isInTime = async (person: Person): Promise<boolean> => {
      const before = givenUp();
      const event = { type: "hold.started", hold: "call-1", status: "InACall" } as const;
      const answer = await sendEvent(company.service, { ...event, rep: person.dynamics });
      expect(answer.status).toBe(202);
      await comesToShow(person, { dynamics: "Busy" });
      return givenUp() === before;
    };
    // One that hangs may be given up just then, or everything may be held up so long: then it is the next one's turn.
    const inTime: boolean[] = [];
    for (const person of company.people.filter((one) => one !== second)) {
      inTime.push(await isInTime(person));
      if (inTime.at(-1)) break;
    }
    expect(inTime).toContain(true);
  });

  test("Graph asks for five minutes of silence: a reported call makes Dynamics Busy meanwhile", async () => {
    const { graph } = company.tenant;
    graph.control.failNext({ status: 429, times: 1, retryAfter: 300 });
    await eventually("the service has been throttled", () =>
      company.service.lines.some(({ code }) => String(code).startsWith("graph-throttled")),
    );
    await sendEvent(company.service, {
      type: "hold.started",
      rep: someone(first).dynamics,
      hold: "call-1",
      status: "InACall",
    });
    await comesToShow(first, { dynamics: "Busy" });
    expect((await fetch(`${company.service.url}/livez`)).status).toBe(200);
    await company.service.stop();
  });
});
