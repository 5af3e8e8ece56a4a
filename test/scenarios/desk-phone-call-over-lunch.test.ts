import { expect, test } from "vitest";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { openCompany } from "./company.ts";
import { sceneIn, staysAsItIs } from "./scene.ts";

const LUNCH = derivedGuid("presence lunch");

test.concurrent("[P13] a desk phone rings into Lunch; when it is hung up, Lunch is Lunch again", async () => {
  await using company = await openCompany({ reps: 3 });
  const rep = sceneIn(company);
  rep.inDynamics(LUNCH);
  await rep.shows("Away", LUNCH);

  await rep.reported({ type: "hold.started", hold: "call-7", status: "InACall" });
  await rep.shows("InACall", "Busy");
  await rep.reported({ type: "hold.renewed", hold: "call-7", ttlSeconds: 60 });
  await staysAsItIs(company, rep);

  await rep.reported({ type: "hold.ended", hold: "call-7" });
  await rep.shows("Away", LUNCH);
  await staysAsItIs(company, rep);
  expect(rep.sight().presenceId).toBe(LUNCH);
});

test.concurrent("[P13] F34 of two calls that overlap, the last to end frees the rep", async () => {
  await using company = await openCompany({ reps: 3 });
  const rep = sceneIn(company);
  await rep.reported({ type: "hold.started", hold: "first", status: "InACall" });
  await rep.shows("InACall", "Busy");
  await rep.reported({ type: "hold.started", hold: "second", status: "InACall" });
  await rep.reported({ type: "hold.ended", hold: "first" });
  await staysAsItIs(company, rep);
  expect(rep.sight()).toMatchObject({ teams: "InACall", dynamics: "Busy" });
  await rep.reported({ type: "hold.ended", hold: "second" });
  await rep.shows("Available", "Available");
});
