import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { TcpProxy } from "../engine/tcp-proxy.ts";
import { eventually, launch } from "./launch.ts";

let tenant: Tenant;
let server: PostgresServer;
beforeAll(async () => {
  tenant = await startTenant({ people: makePeople(3), signedIn: true, tls: LOOPBACK_TLS });
  server = await PostgresServer.start(["fsync = off"]);
});
afterAll(async () => {
  await tenant.close();
  await server.dispose();
});

/** An instance that has the desk, and the cable to its database. */
async function launchThroughProxy(database: string) {
  await server.sql(`CREATE DATABASE ${database}`);
  const proxy = await TcpProxy.to(server.port);
  const env = { DATABASE_URL: server.url(database, proxy.port) };
  const service = await launch(tenant, { env, webhook: "none" });
  onTestFinished(() => service[Symbol.asyncDispose]());
  await eventually("it has the desk", () =>
    service.lines.some(({ msg }) => msg === "the desk is open"),
  );
  return { proxy, service };
}

test("[R368] an instance that cannot listen ends, and leaves the reps to the others", async () => {
  await server.sql("CREATE DATABASE taken");
  const url = server.url("taken");
  await using service = await launch(tenant, { env: { DATABASE_URL: url }, webhook: "none" });
  const { port } = new URL(service.url);
  await service.stop();
  const other = createServer().listen(Number(port), "127.0.0.1");
  await once(other, "listening");
  expect((other.address() as AddressInfo).port).toBe(Number(port));
  service.begin();
  expect(await service.ended()).toBe(1);
  expect(service.errors).toContain("EADDRINUSE");
  other.close();
  const engine = await openPostgresEngine({ url, readOnly: true });
  await eventually("its rights are over", async () => (await engine.leases()).length === 0);
  await engine.close();
});

test("[R368] an instance that is told to stop while the database is away ends in order", async () => {
  const { proxy, service } = await launchThroughProxy("away");
  await proxy.close();
  await service.stop();
  expect(service.errors).toBe("");
});

test("[R368] an instance that is told to stop while the database is mute does not wait for it for long", async () => {
  const { proxy, service } = await launchThroughProxy("mute");
  proxy.mute();
  service.signal("SIGTERM");
  expect(await service.ended()).toBe(1);
  expect(service.errors).toBe("lockstep stops without waiting any longer\n");
  await proxy.close();
});

test("[R368] an instance that is told to stop while it starts stops in order when it has", async () => {
  await server.sql("CREATE DATABASE starting");
  const env = { DATABASE_URL: server.url("starting") };
  await using service = await launch(tenant, { env, webhook: "none" });
  await service.stop();
  const before = service.lines.length;
  const said = (msg: string): boolean =>
    service.lines.slice(before).some((line) => line["msg"] === msg);
  service.begin();
  await eventually("it listens", () => said("listening"), { everyMs: 1 });
  service.signal("SIGTERM");
  expect(await service.ended()).toBe(0);
  expect(said("stopped")).toBe(true);
});
