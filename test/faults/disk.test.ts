import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Company, openCompany } from "../scenarios/company.ts";
import { sceneOf } from "../scenarios/scene.ts";
import { unexplainedWrites } from "../service/evidence.ts";
import { eventually, temporaryFolder } from "../service/launch.ts";
import { sendEvent } from "../service/partner.ts";
import { order, repOf, SABOTEUR } from "./cabled-company.ts";

const NOTHING = Buffer.alloc(0);
const HOLD = { type: "hold.started", hold: "call", status: "InACall" } as const;

/**
 * While nothing can be stored: Dynamics is answered, a partner is asked to come again, and nothing is sent to any
 * system. Afterwards all of it is made up for, without a restart.
 */
async function expectToSurvive(
  company: Company,
  trouble: { begin(): Promise<void>; end(): Promise<void>; readonly code: string },
): Promise<void> {
  const { service, tenant } = company;
  const [first, second, third] = [0, 1, 2].map((index) => sceneOf(company, repOf(company, index)));
  if (!first || !second || !third) throw new Error("three people work here");
  first.calls();
  await first.shows("InACall", "Busy");
  await company.quiet(() => true);
  const writes = company.writes();

  await trouble.begin();
  const report = (index: number, id: string) =>
    sendEvent(service, { ...HOLD, rep: repOf(company, index).dynamics }, { id });
  await eventually("a partner is asked to come again", async () => {
    const { status } = await report(0, randomUUID());
    expect([202, 503]).toContain(status);
    return status === 503;
  });
  const refused = await report(1, "refused");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).not.toBeNull();
  third.inDynamics("DoNotDisturb");
  first.hangsUp();
  await eventually("the service says what to do about it", () =>
    service.lines.some(({ fault }) => String(fault).includes(trouble.code)),
  );
  // The choice stands: its webhook was answered, inside the transaction that it would have undone.
  expect(third.sight().dynamics).toBe("DoNotDisturb");
  expect(tenant.dataverse.control.rollbacks()).toEqual([]);
  const statuses = tenant.dataverse.control.webhooks().map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200]));
  const sentInTrouble = unexplainedWrites(tenant, await service.history());
  expect(sentInTrouble).toEqual([]);
  expect((await fetch(`${service.url}/livez`)).status).toBe(200);

  await trouble.end();
  await third.shows("DoNotDisturb", "DoNotDisturb");
  await eventually("the partner is heard", async () => (await report(1, "refused")).ok);
  await second.shows("InACall", "Busy");
  await company.quiet(() => true);
  expect(company.writes()).toBeGreaterThan(writes);
  expect(unexplainedWrites(tenant, await service.history())).toEqual([]);
  await service.stop();
}

/** A disk of 4 MB; its path is null where nobody may mount one. */
async function smallDisk(): Promise<{ readonly path: string | null } & AsyncDisposable> {
  const folder = await temporaryFolder();
  try {
    const options = ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder.path];
    execFileSync("mount", options, { stdio: "ignore" });
  } catch {
    return { path: null, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  }
  return {
    path: folder.path,
    [Symbol.asyncDispose]: async () => {
      execFileSync("umount", [folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("[P8] [P12] the store cannot write:", () => {
  test("F19 the disk is full", async () => {
    await using mounted = await smallDisk();
    const disk = mounted.path;
    const ballast = join(disk ?? "", "ballast");
    await using company = await openCompany({
      reps: 6,
      webhook: "sync",
      nodeArguments: SABOTEUR,
      env: disk === null ? {} : { DATABASE_URL: `sqlite:${join(disk, "lockstep.db")}` },
    });
    // Where no disk can be had that is small, SQLite itself is told that its file may not grow.
    await expectToSurvive(company, {
      code: "engine-full",
      begin: async () => {
        if (disk === null) return order(company, "disk full");
        const { bavail, bsize } = await statfs(disk);
        await writeFile(ballast, Buffer.alloc(bavail * bsize));
      },
      end: async () => (disk === null ? order(company, "disk works") : rm(ballast)),
    });
  });

  test("F20 F37 no flush succeeds, while synchronous webhooks arrive", async () => {
    await using company = await openCompany({ reps: 6, webhook: "sync", nodeArguments: SABOTEUR });
    await expectToSurvive(company, {
      code: "engine-io",
      begin: () => order(company, "disk io"),
      end: async () => {
        try {
          await order(company, "disk works");
        } catch (e) {
          console.log(company.service.printed.slice(-3000));
          throw e;
        }
      },
    });
  });
});

test("[R64] F18 a store that was torn, cut or altered is loaded or refused, and never told wrong", async () => {
  await using company = await openCompany({ reps: 20, nodeArguments: SABOTEUR });
  const { service, tenant } = company;
  for (let index = 0; index < 20; index += 2) sceneOf(company, repOf(company, index)).calls();
  await sceneOf(company, repOf(company, 18)).shows("InACall", "Busy");
  await company.quiet(() => true);
  await service.kill9();
  const torn = await readFile(service.databasePath);
  const log = await readFile(`${service.databasePath}-wal`);
  await service.restart();
  await service.stop();
  const whole = await readFile(service.databasePath);
  const writes = company.writes();

  const flipped = (bytes: Buffer, at: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 0x10;
    return copy;
  };
  const damages: readonly (readonly [database: Buffer, log: Buffer])[] = [
    [torn, log.subarray(0, Math.floor(log.length * 0.7))],
    [torn, log.subarray(0, log.length - 100)],
    [torn, flipped(log, Math.floor(log.length / 2))],
    [whole.subarray(0, Math.floor(whole.length / 2)), NOTHING],
    [flipped(whole, 3), NOTHING],
    [flipped(whole, whole.indexOf("InACall") + 2), NOTHING],
    [Buffer.concat([whole.subarray(0, whole.length / 2), torn]), NOTHING],
  ];
  let [loaded, refused] = [0, 0];
  for (const [database, wal] of damages) {
    await writeFile(service.databasePath, database);
    await writeFile(`${service.databasePath}-wal`, wal);
    await rm(`${service.databasePath}-shm`, { force: true });
    const from = service.lines.length;
    service.begin();
    const ended = service.ended();
    const isUp = (): boolean => service.lines.slice(from).some(({ msg }) => msg === "directory");
    const outcome = await eventually("it loads or refuses", async () =>
      isUp() ? "loaded" : Promise.race([ended, Promise.resolve(null)]),
    );
    if (outcome === "loaded") {
      loaded += 1;
      await service.stop();
    } else {
      expect(outcome).toBe(1);
      refused += 1;
    }
  }
  expect(service.errors).toMatch(/engine-damaged/);
  expect(service.errors).not.toMatch(/^\s+at /m);
  expect(loaded).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
  // Whatever was forgotten, the systems still say it: nothing had to be written.
  expect(company.writes()).toBe(writes);
  expect(tenant.dataverse.control.rollbacks()).toEqual([]);
});
