import { expect, test } from "vitest";
import { EVERYBODY, PAUSE_RECORD } from "../../src/directory/pauses.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { openCompany } from "./company.ts";
import { sceneOf, staysAsItIs } from "./scene.ts";

test("[R113] [R114] [R115] somebody pauses everything beside the running service, and resumes it", async () => {
  await using company = await openCompany({ reps: 3 });
  const [ana, ben] = company.people.map((person) => sceneOf(company, person));
  if (!ana || !ben) throw new Error("nobody works here");
  ana.inDynamics("Busy");
  ben.inTeams("DoNotDisturb");
  await ana.shows("Busy", "Busy");
  await ben.shows("DoNotDisturb", "DoNotDisturb");

  const beside = await openSqliteEngine({ path: company.service.databasePath });
  const body = { by: "an administrator", sinceMs: Date.now() };
  await beside.keep({ kind: PAUSE_RECORD, id: EVERYBODY, body, expiresAtMs: null });
  await ana.shows("Available", "Busy");
  await ben.shows("DoNotDisturb", "Available");
  const writes = company.writes();
  ana.calls();
  ben.inDynamics("Away");
  await staysAsItIs(company, ana);
  expect(company.writes()).toBe(writes);

  await company.service.kill9();
  await company.service.restart();
  await staysAsItIs(company, ben);
  expect(company.writes()).toBe(writes);

  await beside.forget(PAUSE_RECORD, EVERYBODY);
  await beside.close();
  await ana.shows("InACall", "Busy");
  ana.hangsUp();
  await ana.shows("Busy", "Busy");
});
