import { describe, expect, test } from "vitest";
import { type Company, openCompany } from "../scenarios/company.ts";
import { sceneIn, sceneOf } from "../scenarios/scene.ts";
import { unexplainedWrites } from "../service/evidence.ts";
import { eventually } from "../service/launch.ts";
import { repOf } from "./cabled-company.ts";
import { CHOICES_IN_STORY, tellStory } from "./story.ts";

/** What applications were allowed to write for the first rep, in each system. */
function written(company: Company) {
  const person = repOf(company, 0);
  return {
    teams: company.witness.writesTo(person, "teams").length,
    dynamics: company.witness.writesTo(person, "dynamics").length,
  };
}

/** Every write in the two journals stands in the history, with its cause, before it was made. */
async function everyWriteIsTold({ tenant, service }: Company): Promise<void> {
  expect(unexplainedWrites(tenant, await service.history())).toEqual([]);
}

describe.concurrent("[P2] [P3] a write goes astray:", () => {
  test("F4 every read is four seconds old: no more choices are recorded than were made, and every write has its cause", async () => {
    await using company = await openCompany({
      reps: 2,
      before: ({ graph, dataverse }) => {
        graph.control.staleReads({ lagMs: 4_000 });
        dataverse.control.staleReads({ lagMs: 4_000 });
      },
    });
    await tellStory(company);
    await company.quiet();
    await everyWriteIsTold(company);
    const history = await company.service.history(repOf(company, 0).dynamics);
    const choices = history.filter(
      ({ kind, cause }) => kind === "intent" && cause?.kind === "choice",
    );
    expect(choices.length).toBe(CHOICES_IN_STORY);
    expect(sceneIn(company).sight()).toMatchObject({ teams: "Busy", dynamics: "Busy" });
  });

  test("F5 a write is lost on its way: it is made again, and arrives once", async () => {
    await using company = await openCompany({ reps: 2 });
    const rep = sceneIn(company);
    const { graph, dataverse } = company.tenant;
    dataverse.control.failNext({ operation: "CCaaS_ModifyAgentPresence", status: 503, times: 2 });
    rep.calls();
    await rep.shows("InACall", "Busy");
    graph.control.failNext({ operation: "setUserPreferredPresence", status: 503, times: 2 });
    rep.hangsUp();
    await rep.shows("Available", "Available");
    rep.inDynamics("Away");
    await rep.shows("Away", "Away");
    await company.quiet();
    expect(written(company)).toEqual({ teams: 1, dynamics: 2 });
    await everyWriteIsTold(company);
  });

  test("F6 a write arrives and its answer is lost: it is read, and not made again", async () => {
    await using company = await openCompany({ reps: 2 });
    const rep = sceneIn(company);
    const { graph, dataverse } = company.tenant;
    dataverse.control.dropAckNext({ operation: "CCaaS_ModifyAgentPresence", times: 1 });
    rep.calls();
    await rep.shows("InACall", "Busy");
    await company.quiet();
    expect(written(company)).toEqual({ teams: 0, dynamics: 1 });
    rep.hangsUp();
    await rep.shows("Available", "Available");
    graph.control.dropAckNext({ operation: "setUserPreferredPresence", times: 1 });
    rep.inDynamics("Away");
    await rep.shows("Away", "Away");
    await company.quiet();
    expect(written(company)).toEqual({ teams: 1, dynamics: 2 });
    await everyWriteIsTold(company);
  });

  test("F7 a write comes true a minute after it failed, when she wants something else: her wish is put back, once", async () => {
    await using company = await openCompany({ reps: 2 });
    const rep = sceneIn(company);
    const { graph } = company.tenant;
    graph.control.applyLate({ operation: "setUserPreferredPresence", times: 1, delayMs: 60_000 });
    rep.inDynamics("Away");
    await rep.shows("Away", "Away");
    rep.inDynamics("DoNotDisturb");
    await rep.shows("DoNotDisturb", "DoNotDisturb");
    await company.quiet();
    const before = written(company);
    graph.control.advance({ ms: 60_000 });
    await eventually("the zombie shows", () => rep.sight().teams === "Away", { everyMs: 1 });
    await rep.shows("DoNotDisturb", "DoNotDisturb");
    await company.quiet();
    expect(written(company)).toEqual({ teams: before.teams + 1, dynamics: before.dynamics });
    expect(rep.sight()).toMatchObject({ teams: "DoNotDisturb", dynamics: "DoNotDisturb" });
    await everyWriteIsTold(company);
  });

  test("F8 a write is taken and never shows: it was one write, and nothing is fought about", async () => {
    await using company = await openCompany({ reps: 2 });
    const [rep, other] = [sceneIn(company), sceneOf(company, repOf(company, 1))];
    const { graph } = company.tenant;
    graph.control.absorbNext({ times: 1_000 });
    rep.inDynamics("Away");
    await eventually("it is written", () => written(company).teams === 1);
    await company.quiet();
    expect(rep.sight()).toMatchObject({ teams: "Available", dynamics: "Away" });
    expect(written(company)).toEqual({ teams: 1, dynamics: 0 });
    graph.control.clearFaults();
    // It heals with her next change, and meanwhile concerned nobody else.
    other.inDynamics("Busy");
    await other.shows("Busy", "Busy");
    rep.inDynamics("Busy");
    await rep.shows("Busy", "Busy");
    await everyWriteIsTold(company);
  });
});
