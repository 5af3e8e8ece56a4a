import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent, request } from "undici";
import { expect, test } from "vitest";
import { createLoopbackTls } from "../../src/emulators/tls.ts";
import { temporaryFolder } from "../service/launch.ts";
import { VirtualClock } from "../controller/clock.ts";
import { ANA } from "../controller/crew.ts";
import { EmulatedDynamics } from "../controller/systems.ts";
import { limited } from "./limited.ts";
import { Load } from "./load.ts";
import { flushMs } from "./disk.ts";
import { cpuOfFamily, firstThreadOf } from "./process-cpu.ts";
import { FastTenant } from "./tenant.ts";

/** A program that makes `writes` writes for each hint before it answers, and refuses every tenth. */
async function play(writes: number) {
  const tls = await createLoopbackTls(Date.now());
  const tenant = await FastTenant.start(5_000, tls);
  const dispatcher = new Agent({ connect: { ca: tls.caPem } });
  let hints = 0;
  const server = createServer((asked, response) => {
    const chunks: Buffer[] = [];
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("end", () => {
      hints += 1;
      const status = hints % 10 === 0 ? 500 : 200;
      const user = /"msdyn_agentid".*?"Id":"([^"]+)"/.exec(Buffer.concat(chunks).toString())?.[1];
      const url = `${tenant.url}/v1.0/users/7${user?.slice(1)}/presence/clearUserPreferredPresence`;
      const answer = async (): Promise<void> => {
        for (let count = 0; count < writes; count += 1) {
          await (await request(url, { method: "POST", dispatcher })).body.dump();
        }
        response.writeHead(status).end();
      };
      void answer();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const played = {
    name: "played",
    pid: process.pid,
    url,
    printed: () => "",
    cpuMs: () => Promise.resolve(performance.now()),
    memory: () => Promise.resolve({ heapBytes: 0, rssBytes: 0 }),
    stop: () => Promise.resolve(),
  };
  const load = new Load(tenant, [played]);
  const stop = async (): Promise<void> => {
    await load.close();
    await dispatcher.destroy();
    server.close();
    await tenant.close();
  };
  return { load, stop, tenant };
}

/** Each change written so often. A machine that has no time for it sends next to nothing: then once more. */
async function enough(writes: number, stragglersMs: number) {
  for (;;) {
    const { load, stop, tenant } = await play(writes);
    const run = await load.run(1_000, 60, stragglersMs);
    if (run.sent > 10) return { run, stop, tenant };
    await stop();
  }
}

test("[R350] each change counts once, however often it is written, and a refusal is counted", async () => {
  const { run, stop, tenant } = await enough(2, 60_000);
  expect(run.latenciesMs).toHaveLength(run.sent);
  expect(run.refused).toBe(Math.floor(run.sent / 10));
  expect(run.answersMs).toHaveLength(run.sent - run.refused);
  expect(tenant.calls.graphWrites).toBe(2 * run.sent);
  expect(run.cpuMs).toBeGreaterThan(0);
  await stop();
});

test("[R350] what was never written has no latency, and was sent all the same", async () => {
  const { run, stop } = await enough(0, 0);
  expect(run.latenciesMs).toEqual([]);
  await stop();
});

test("[R350] the storm's limits admit what a window holds and not one more, and count both", async () => {
  const clock = new VirtualClock();
  const dynamics = new EmulatedDynamics(clock);
  dynamics.join(ANA.rep);
  dynamics.latencyMs = 0;
  const { connector, traffic } = limited(dynamics, { requests: 3, windowMs: 1_000 }, clock);
  const { signal } = new AbortController();
  const ask = async (): Promise<string> => {
    const asked = connector.read([ANA], signal).then(
      () => "read",
      () => "429",
    );
    await clock.advance(10);
    return asked;
  };
  expect([await ask(), await ask(), await ask(), await ask()]).toEqual([
    "read",
    "read",
    "read",
    "429",
  ]);
  await clock.advance(1_000);
  expect(await ask()).toBe("read");
  expect(traffic).toEqual({ requests: 4, written: 0, throttled: 1 });
});

test("[R350] a server's CPU is that of its processes, those that have ended included, and unknown without any", async () => {
  const before = await cpuOfFamily(process.pid);
  const burn = "while (process.cpuUsage().user < 300_000);";
  execFileSync(process.execPath, ["-e", burn]);
  const used = (await cpuOfFamily(process.pid)) - before;
  expect(existsSync("/proc/self/stat") ? used > 250 : Number.isNaN(used)).toBe(true);
  expect(await cpuOfFamily(0x7fff_ffff)).toBeNaN();
});

test("[R350] of a thread is known how long it ran and how long it waited for a core, or that nobody says", async () => {
  const before = await firstThreadOf(process.pid);
  const untilUs = process.cpuUsage().user + 50_000;
  while (process.cpuUsage().user < untilUs);
  const after = await firstThreadOf(process.pid);
  const isTold = existsSync("/proc/self/schedstat");
  expect(isTold ? after.ranMs - before.ranMs > 25 : Number.isNaN(after.ranMs)).toBe(true);
  expect(isTold ? after.waitedMs >= before.waitedMs : Number.isNaN(after.waitedMs)).toBe(true);
  expect(await firstThreadOf(0x7fff_ffff)).toEqual({ ranMs: Number.NaN, waitedMs: Number.NaN });
});

test("[R350] a flush of the disk takes its time, and nothing of it is left behind", async () => {
  await using folder = await temporaryFolder();
  expect(await flushMs(folder.path)).toBeGreaterThan(0);
  expect(await readdir(folder.path)).toEqual([]);
});
