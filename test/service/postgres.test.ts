import { afterAll, beforeAll, expect, test } from "vitest";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { openCompany } from "../scenarios/company.ts";
import { sceneIn, staysAsItIs } from "../scenarios/scene.ts";
import { eventually, launch } from "./launch.ts";
import { sendEvent } from "./partner.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.dispose());

test("[P8] [R264] on PostgreSQL a second service stands by, and goes on where a killed one was", async () => {
  const env = { DATABASE_URL: server.url() };
  await using company = await openCompany({ reps: 3, env });
  const rep = sceneIn(company);
  const starting = launch(company.tenant, { env, webhook: "none" });
  rep.calls();
  await rep.shows("InACall", "Busy");
  await rep.reported({ type: "hold.started", hold: "c-1", status: "InACall", ttlSeconds: 600 });
  rep.hangsUp();

  await company.service.kill9();
  await using second = await starting;
  expect(second.lines.map(({ msg }) => msg)).toContain("standing by: another instance works");
  // The reported call is still on: it was durable when the partner was told so.
  await staysAsItIs(company, rep);
  await rep.shows("InACall", "Busy");

  // The database restarts under it.
  await server.kill();
  await server.run();
  await eventually("the end of the call is stored", async () => {
    const event = { type: "hold.ended", hold: "c-1", rep: company.people[0]?.dynamics ?? "" };
    return (await sendEvent(second, event)).status === 202;
  });
  await rep.shows("Available", "Available");
  await second.stop();

  const engine = await openPostgresEngine({ url: server.url(), readOnly: true });
  const [person] = company.people;
  const told = await engine.history({ rep: repId(person?.dynamics ?? ""), limit: 1_000 });
  expect(told.filter(({ kind }) => kind === "event")).not.toEqual([]);
  expect(await engine.unsettled()).toEqual([]);
  expect(await engine.leases()).toEqual([]);
  await engine.close();
});
