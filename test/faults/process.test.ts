import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openCompany } from "../scenarios/company.ts";
import { countWrong } from "../scenarios/count.ts";
import { hangUpAll, liveThrough } from "../scenarios/day.ts";
import { wrongAfter } from "../scenarios/verdict.ts";
import { sceneIn, sceneOf } from "../scenarios/scene.ts";
import { unexplainedWrites } from "../service/evidence.ts";
import { eventually } from "../service/launch.ts";
import { sendPatiently } from "../service/partner.ts";
import { openCabledCompany, order, repOf, SABOTEUR } from "./cabled-company.ts";
import { tellStory } from "./story.ts";

describe("the process has a hard time:", () => {
  test("[P5] [P12] F23 its event loop stands still for two seconds, again and again: webhooks are answered, and nothing is written twice", async () => {
    await using company = await openCompany({ reps: 2, webhook: "sync", nodeArguments: SABOTEUR });
    const [{ service }, rep] = [company, sceneIn(company)];
    const stalled: Promise<void>[] = [];
    await tellStory(company, (chapter) => {
      if (chapter % 2 === 0) stalled.push(order(company, "stall 2000"));
    });
    await Promise.all(stalled);
    await company.quiet();
    expect(rep.sight()).toMatchObject({ teams: "Busy", dynamics: "Busy" });
    const { dataverse } = company.tenant;
    const statuses = dataverse.control.webhooks().map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(dataverse.control.rollbacks()).toEqual([]);
    expect(unexplainedWrites(company.tenant, await service.history())).toEqual([]);
  });

  test("[P1] [P10] F24 it has 96 MB for 1 200 reps, of whom 200 change within seconds: everybody ends as she wanted", async () => {
    await using company = await openCompany({
      reps: 1_200,
      nodeArguments: ["--max-old-space-size=96"],
    });
    const doings = ["dynamics choices", "calls"] as const;
    const plan = { doings, actsPerRep: 1, meanGapMs: 5_000, leastGapMs: 0, seed: 24 };
    const acts = await liveThrough({ ...company, people: company.people.slice(0, 200) }, plan);
    const all = [...acts, ...hangUpAll(company)];
    const { service, tenant } = company;
    await eventually(
      "everybody is as she wanted",
      () => countWrong(company, all).wrong.length === 0,
      {
        deadlineMs: 150_000,
        everyMs: 500,
      },
    );
    expect(acts).toHaveLength(200);
    expect(service.errors).toBe("");
    expect(unexplainedWrites(tenant, await service.history())).toEqual([]);
    await service.stop();
  });
});

describe("[R44] F38 SIGTERM:", () => {
  test("in the middle of a rush it finishes what it has begun, and the next one goes on with the rest", async () => {
    await using company = await openCompany({ reps: 60 });
    const { service, tenant } = company;
    const plan = {
      doings: ["dynamics choices"],
      actsPerRep: 2,
      meanGapMs: 2_000,
      leastGapMs: 1_000,
    } as const;
    const acts = liveThrough(company, { ...plan, seed: 38 });
    for (let round = 0; round < 4; round += 1) {
      await eventually("it writes", () => company.writes() > 10 * round);
      await service.stop();
      expect(unexplainedWrites(tenant, await service.history())).toEqual([]);
      await service.restart();
    }
    const all = await acts;
    await company.quiet(() => countWrong(company, all).wrong.length === 0);
    expect(await wrongAfter(company, all)).toEqual([]);
    await service.stop();
    expect(service.errors).toBe("");
  });

  test("with both systems black holes, slow callers hanging on and an event just taken, it exits with 0 while they still are", async () => {
    await using company = await openCabledCompany({ reps: 4 });
    const { service, cables, people } = company;
    const rep = sceneOf(company, repOf(company, 0));
    for (const cable of [cables.graph, cables.dataverse]) {
      await cable.poison([{ type: "timeout", timeoutMs: 0 }]);
    }
    const { port } = new URL(service.url);
    const slow = Array.from({ length: 50 }, () => connect(Number(port), "127.0.0.1"));
    for (const socket of slow) {
      socket.on("error", () => undefined);
      socket.write(
        "POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 999\r\n\r\n{",
      );
    }
    for (const { dynamics } of people) {
      const event = {
        type: "hold.started",
        rep: dynamics,
        hold: "call",
        status: "InACall",
      } as const;
      expect((await sendPatiently(service, event)).status).toBe(202);
    }
    await eventually("both have swallowed something", () =>
      [cables.graph, cables.dataverse].every(({ swallowed }) => swallowed > 0),
    );
    service.signal("SIGTERM");
    // A second one changes nothing.
    await sleep(100);
    service.signal("SIGTERM");
    expect(await Promise.race([service.ended(), sleep(45_000, "it hangs", { ref: false })])).toBe(
      0,
    );
    expect(service.lines.at(-1)).toMatchObject({ msg: "stopped" });
    expect(service.errors).toBe("");

    for (const cable of [cables.graph, cables.dataverse]) await cable.heal();
    await service.restart();
    await rep.shows("InACall", "Busy");
    for (const socket of slow) socket.destroy();
  });
});
