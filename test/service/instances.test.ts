import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { TcpProxy } from "../engine/tcp-proxy.ts";
import { eventually } from "./launch.ts";
import { expectOnceEach, Site } from "./site.ts";

// Rights pass on in real time, and each of these stories waits for that several times.
vi.setConfig({ testTimeout: 600_000 });

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off", "max_connections = 100"]);
});
afterAll(() => server.dispose());

test("[R259] [R263] [R264] an instance that is killed in the middle of everything is replaced, and nothing is lost or written twice", async () => {
  await using site = await Site.open(server, "killed");
  const second = await site.join();
  site.balancer.between(site.first, second);
  // The first has the desk as well, so that what is sent to the second meanwhile has to wait for a new one.
  await site.allCall(async () => {
    await site.first.kill9();
    site.balancer.between(second);
    await site.reporter.reports("hold.started");
  });
  // Her call ends, and the one that was reported goes on.
  const [reported, ...others] = site.scenes;
  for (const scene of site.scenes) scene.hangsUp();
  await Promise.all(others.map((scene) => scene.shows("Available", "Available")));
  await site.company.quiet();
  expect(reported?.sight()).toMatchObject({ dynamics: "Busy" });
  await site.reporter.reports("hold.ended");
  await site.allHangUp();
  await expectOnceEach(site);
  await second.stop();
  const engine = await openPostgresEngine({ url: site.url, readOnly: true });
  expect(await engine.unsettled()).toEqual([]);
  expect(await engine.leases()).toEqual([]);
  await engine.close();
});

test("[R259] an instance that hangs is replaced, and when it goes on it writes nothing of the past", async () => {
  await using site = await Site.open(server, "hung");
  const second = await site.join();
  site.balancer.between(site.first, second);
  await site.allCall(() => second.signal("SIGSTOP"));
  await site.allHangUp();
  await site.allCall();
  second.signal("SIGCONT");
  await site.shared();
  await site.allHangUp();
  await expectOnceEach(site);
  // The one that has the desk hangs: what it knew is not true any more, so it ends, and begins anew.
  await site.allCall(() => site.first.signal("SIGSTOP"));
  site.first.signal("SIGCONT");
  await eventually("it begins anew", () => site.startedAgain.includes(site.first));
  await site.shared();
  await site.allHangUp();
  await expectOnceEach(site);
  await Promise.all([site.first.stop(), second.stop()]);
});

test("[R259] [R263] three instances share the reps; two are lost at once, and the third has all until they are back", async () => {
  await using site = await Site.open(server, "three");
  const second = await site.join();
  const third = await site.join(site.url, 3);
  site.balancer.between(site.first, second, third);
  await site.allCall();
  await site.allHangUp(async () => {
    third.signal("SIGSTOP");
    await second.kill9();
    site.balancer.between(site.first);
  });
  await site.shared(1);
  await site.allCall();
  third.signal("SIGCONT");
  second.begin();
  await site.shared(3);
  site.balancer.between(site.first, second, third);
  await site.allHangUp();
  await site.allCall();
  await expectOnceEach(site);
  await Promise.all([site.first.stop(), second.stop(), third.stop()]);
});

test("[R258] [R259] an instance that is cut off from the database is replaced, and takes its part again after", async () => {
  await using site = await Site.open(server, "cut");
  const proxy = await TcpProxy.to(server.port);
  const second = await site.join(server.url("cut", proxy.port));
  site.balancer.between(site.first, second);
  await site.allCall(() => proxy.mute());
  await site.allHangUp();
  await site.allCall();
  proxy.mend();
  await site.shared();
  await site.allHangUp();
  await expectOnceEach(site);
  await second.stop();
  await proxy.close();
});
