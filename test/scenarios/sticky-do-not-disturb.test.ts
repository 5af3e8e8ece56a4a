import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../service/launch.ts";
import { openCompany } from "./company.ts";
import { sceneIn, staysAsItIs } from "./scene.ts";

const POLICY = '{"dynamics":{"writes":{"InACall":"Busy - DND"}}}';

/** Dynamics leaves a Do not disturb alone when conversations begin and end, so whoever set it must take it back. */
test.concurrent("[R13] Do not disturb that we set for a call is ours to take back; one that she chose stays hers", async () => {
  await using folder = await temporaryFolder();
  const policyFile = join(folder.path, "policy.json");
  await writeFile(policyFile, POLICY);
  await using company = await openCompany({ reps: 3, env: { POLICY_FILE: policyFile } });
  const rep = sceneIn(company);
  const { control } = company.tenant.dataverse;
  const userId = company.people[0]?.dynamics ?? "";

  rep.calls();
  await rep.shows("InACall", "DoNotDisturb");
  control.acceptConversation({ userId, units: 10 });
  control.closeConversation({ userId, units: 10 });
  await staysAsItIs(company, rep);
  rep.hangsUp();
  await rep.shows("Available", "Available");

  rep.inDynamics("DoNotDisturb");
  await rep.shows("DoNotDisturb", "DoNotDisturb");
  const written = control.writes().length;
  await rep.reported({ type: "hold.started", hold: "call-1", status: "InACall" });
  await rep.reported({ type: "hold.ended", hold: "call-1" });
  await rep.shows("DoNotDisturb", "DoNotDisturb");
  await staysAsItIs(company, rep);
  expect(control.writes().length).toBe(written);
});
