import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../src/store.ts";
import { run } from "../cli/terminal.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { openCompany } from "../scenarios/company.ts";
import { sceneIn, staysAsItIs } from "../scenarios/scene.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off"]);
});
afterAll(() => server.dispose());

test("[P8] [R262] an installation moves from its file to PostgreSQL in the middle of a call, and back", async () => {
  await using company = await openCompany({ reps: 2 });
  const { service } = company;
  const rep = sceneIn(company);
  const file = `sqlite:${service.databasePath}`;
  rep.calls();
  await rep.shows("InACall", "Busy");
  await rep.reported({ type: "hold.started", hold: "c-1", status: "InACall", ttlSeconds: 600 });
  await service.stop();
  rep.hangsUp();
  expect(await run({}, ["migrate", file, server.url(), "--yes"])).toMatchObject({ exit: 0 });

  await service.restart({ DATABASE_URL: server.url() });
  // The reported call is still on.
  await rep.shows("InACall", "Busy");
  await staysAsItIs(company, rep);
  await rep.reported({ type: "hold.ended", hold: "c-1" });
  await rep.shows("Available", "Available");
  await service.stop();

  const back = `${file}.back`;
  expect(await run({}, ["migrate", server.url(), back, "--yes"])).toMatchObject({ exit: 0 });
  await service.restart({ DATABASE_URL: back });
  rep.calls();
  await rep.shows("InACall", "Busy");
  await service.stop();
  const engine = await openStore(
    { kind: "sqlite", path: `${service.databasePath}.back` },
    { readOnly: true },
  );
  const told = await engine.history({ limit: 1_000 });
  expect(told.filter(({ kind }) => kind === "event")).toHaveLength(2);
  const writes = told.filter(
    ({ kind, detail }) => kind === "write" && detail["system"] === "dynamics",
  );
  expect(writes.map(({ detail }) => detail["status"])).toEqual(["Busy", "Available", "Busy"]);
  await engine.close();
});
