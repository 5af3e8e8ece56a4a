import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { Directory } from "../src/directory/directory.ts";
import { createSoloSync } from "../src/sync-root.ts";
import { POLICY } from "./controller/crew.ts";
import { VirtualClock } from "./controller/clock.ts";
import { EmulatedDynamics, EmulatedTeams } from "./controller/systems.ts";
import { openForTest, temporaryDirectory } from "./engine/store.ts";

const DAY_MS = 86_400_000;
const UUID = "11111111-2222-3333-4444-555555555555";

test("[R369] what is older than 90 days is forgotten while the service runs, not only when it starts", async () => {
  const engine = await openForTest({ path: `${temporaryDirectory()}/lockstep.db` });
  const clock = new VirtualClock();
  const sync = createSoloSync({
    config: readConfig({
      TENANT_ID: UUID,
      CLIENT_ID: UUID,
      CLIENT_SECRET: "secret",
      DATAVERSE_URL: "https://contoso.crm.dynamics.com",
    }),
    engine,
    policy: POLICY,
    clock,
    log: pino({ level: "silent" }),
    teams: new EmulatedTeams(clock),
    dynamics: new EmulatedDynamics(clock),
    directory: new Directory(),
    onSystemError: () => undefined,
    faultOf: String,
  });
  await sync.start();
  onTestFinished(() => sync.stop());
  await engine.keep({ kind: "look", id: "1", body: {}, expiresAtMs: clock.nowMs() });
  await clock.advance(89 * DAY_MS);
  expect(await engine.kept("look")).toHaveLength(1);
  await clock.advance(2 * DAY_MS);
  expect(await engine.kept("look")).toEqual([]);
});
