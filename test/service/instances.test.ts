import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { SHARDS } from "../../src/fleet/shards.ts";
import { TcpProxy } from "../engine/tcp-proxy.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { type Company, openCompany } from "../scenarios/company.ts";
import { PRESENCES } from "../scenarios/meaning.ts";
import { type Scene, sceneOf } from "../scenarios/scene.ts";
import type { Person } from "../scenarios/witness.ts";
import { Balancer } from "./balancer.ts";
import { askApi } from "./api.ts";
import { eventually, launch, type Service, WEBHOOK_KEY } from "./launch.ts";
import { PARTNER_SECRET } from "./partner.ts";
import { Reporter } from "./reporter.ts";

// Rights pass on in real time, and each of these stories waits for that several times.
vi.setConfig({ testTimeout: 600_000 });

/** Enough that each of several instances has some of them. */
const METRICS_KEY = "a-key-of-no-value-4711";
const REPS = 12;

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off", "max_connections = 100"]);
});
afterAll(() => server.dispose());

/**
 * A company whose service is several instances on a database of their own, behind a balancer. An instance that ends
 * because another took over from it is started again, as whatever runs a service does.
 */
class Site implements AsyncDisposable {
  readonly #disposables: AsyncDisposable[];
  readonly company: Company;
  readonly first: Service;
  readonly balancer: Balancer;
  readonly reporter: Reporter;
  readonly url: string;
  /** Instances that were started again. */
  readonly startedAgain: Service[] = [];
  /** What each rep was set to in Dynamics, as it should be. */
  readonly #wanted: string[] = [];

  private constructor(company: Company, balancer: Balancer, url: string) {
    this.company = company;
    this.first = company.service;
    this.balancer = balancer;
    this.url = url;
    this.reporter = new Reporter(balancer, company.people[0]?.dynamics ?? "");
    this.#disposables = [company, balancer];
    void this.#watchOver(this.first);
  }

  static async open(database: string): Promise<Site> {
    await server.sql(`CREATE DATABASE ${database}`);
    const url = server.url(database);
    const company = await openCompany({
      reps: REPS,
      env: { DATABASE_URL: url, METRICS_KEY },
      webhook: "none",
    });
    const balancer = await Balancer.open();
    balancer.between(company.service);
    company.tenant.dataverse.control.registerWebhook({
      url: `${balancer.url}/webhooks/dataverse`,
      headerName: "x-lockstep-key",
      headerValue: WEBHOOK_KEY,
      mode: "async",
    });
    return new Site(company, balancer, url);
  }

  /** Another instance, once it has its part of the reps, as one of so many. */
  async join(url = this.url, instances = 2): Promise<Service> {
    const env = { DATABASE_URL: url, METRICS_KEY };
    const joined = await launch(this.company.tenant, { env, webhook: "none" });
    this.#disposables.unshift(joined);
    void this.#watchOver(joined);
    await this.shared(instances);
    return joined;
  }

  async #watchOver(service: Service): Promise<void> {
    while ((await service.ended()) === 1) {
      this.startedAgain.push(service);
      service.begin();
    }
  }

  get scenes(): readonly Scene[] {
    return this.company.people.map((person) => sceneOf(this.company, person));
  }

  /** Everybody's call begins, or ends, and this comes to show everywhere. `meanwhile` happens right after. */
  async allCall(meanwhile?: () => unknown): Promise<void> {
    for (const scene of this.scenes) scene.calls();
    await meanwhile?.();
    await Promise.all(this.scenes.map((scene) => scene.shows("InACall", "Busy")));
    this.#wanted.push("Busy");
  }

  async allHangUp(meanwhile?: () => unknown): Promise<void> {
    for (const scene of this.scenes) scene.hangsUp();
    await meanwhile?.();
    await Promise.all(this.scenes.map((scene) => scene.shows("Available", "Available")));
    this.#wanted.push("Available");
  }

  /** Once nothing more is written: what each rep was set to in Dynamics, and what she should have been set to. */
  async written(
    people: readonly Person[],
  ): Promise<{ readonly is: string[][]; readonly should: string[][] }> {
    await this.company.quiet();
    const written = new Map(people.map(({ dynamics }) => [dynamics, [] as string[]]));
    for (const { agentId, presenceId } of this.company.tenant.dataverse.control.writes()) {
      const name = PRESENCES.find(([id]) => id === presenceId)?.[1] ?? presenceId;
      written.get(agentId)?.push(name);
    }
    const is = [...written.values()];
    return { is, should: is.map(() => this.#wanted) };
  }

  /** Who has how many shards. */
  async shares(): Promise<number[]> {
    const engine = await openPostgresEngine({ url: this.url, readOnly: true });
    const shares = new Map<string, number>();
    for (const { name, holder } of await engine.leases()) {
      if (name.startsWith("shard/")) shares.set(holder, (shares.get(holder) ?? 0) + 1);
    }
    await engine.close();
    return [...shares.values()];
  }

  /** Resolves once so many instances have a fair part of the shards each. */
  async shared(instances = 2): Promise<void> {
    await eventually(`${instances} instances share the shards`, async () => {
      const shares = await this.shares();
      const all = shares.reduce((sum, share) => sum + share, 0);
      const isFair = Math.max(...shares) === Math.ceil(SHARDS / instances);
      return shares.length === instances && all === SHARDS && isFair;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const disposable of this.#disposables) await disposable[Symbol.asyncDispose]();
  }
}

/** Nobody was set to anything twice, or to anything else. */
async function expectOnceEach(site: Site, people = site.company.people): Promise<void> {
  const { is, should } = await site.written(people);
  expect(is).toEqual(should);
}

test("[R259] [R263] [R264] an instance that is killed in the middle of everything is replaced, and nothing is lost or written twice", async () => {
  await using site = await Site.open("killed");
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
  await using site = await Site.open("hung");
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
  await using site = await Site.open("three");
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
  await using site = await Site.open("cut");
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

test("[R200] [R263] [R264] [R354] whatever people and applications ask of any instance, it knows of all reps, and counts its own", async () => {
  await using site = await Site.open("asked");
  const second = await site.join();
  const heard: string[] = [];
  const leaving = new AbortController();
  const [id, at] = [randomUUID(), new Date()];
  const stream = await fetch(`${second.url}/api/v1/stream`, {
    signal: leaving.signal,
    headers: {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Webhook(PARTNER_SECRET).sign(id, at, ""),
    },
  });
  expect([stream.status, stream.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  const listening = (async () => {
    for await (const chunk of stream.body as AsyncIterable<Uint8Array>) {
      heard.push(Buffer.from(chunk).toString());
    }
  })().catch(() => undefined);
  await site.allCall();
  const subjects = (): Set<string | undefined> =>
    new Set([...heard.join("").matchAll(/"subject":"([^"]*)"/g)].map(([, subject]) => subject));
  await eventually("everybody's call is told", () => subjects().size === REPS);
  for (const instance of [site.first, second]) {
    for (const { dynamics } of site.company.people) {
      const { status, json } = await askApi(instance, `GET /reps/${dynamics}`);
      expect([status, json]).toMatchObject([200, { status: "InACall" }]);
    }
  }
  leaving.abort();
  await listening;
  const counted = await Promise.all([site.first, second].map(repsCounted));
  expect(Math.min(...counted)).toBeGreaterThan(0);
  expect(counted.reduce((sum, reps) => sum + reps, 0)).toBe(REPS);
  await Promise.all([site.first.stop(), second.stop()]);
});

/** How many reps an instance counts among its own. */
async function repsCounted({ url }: Service): Promise<number> {
  const headers = { authorization: `Bearer ${METRICS_KEY}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  const samples = [...text.matchAll(/^lockstep_reps\{[^}]*\} (\d+)$/gm)];
  return samples.reduce((sum, [, reps]) => sum + Number(reps), 0);
}

/** Every event that was acknowledged was acted on, and none is left. */
async function expectAllTaken(site: Site): Promise<void> {
  const engine = await openPostgresEngine({ url: site.url, readOnly: true });
  const settled = (await engine.settled()).map(({ id }) => id);
  expect(settled.toSorted()).toEqual(site.reporter.acknowledged.toSorted());
  expect(await engine.unsettled()).toEqual([]);
  await engine.close();
}

test("[R258] [R264] instances are replaced one by one while everything goes on, and every event is taken", async () => {
  await using site = await Site.open("rolling");
  const second = await site.join();
  site.balancer.between(site.first, second);
  const reporting = site.reporter.goesOn();
  await site.allCall(async () => {
    site.balancer.between(second);
    await site.first.stop();
  });
  const third = await site.join();
  site.balancer.between(second, third);
  for (const scene of site.scenes) scene.hangsUp();
  site.balancer.between(third);
  await second.stop();
  await reporting.ends();
  await site.allHangUp();
  await expectOnceEach(site, site.company.people.slice(1));
  // Before each stop another instance stood ready, so nobody was turned away for want of one.
  expect(site.reporter.answers).not.toContain(502);
  await third.stop();
  await expectAllTaken(site);
});

test.each(["kill", "stop"] as const)(
  "[R258] [R259] the database dies and comes back in the middle of everything, and nothing is lost or written twice (%s)",
  async (end) => {
    await using site = await Site.open(`restarted_${end}`);
    const second = await site.join();
    site.balancer.between(site.first, second);
    const reporting = site.reporter.goesOn();
    const restart = async (): Promise<void> => {
      await server[end]();
      await server.run();
    };
    await site.allCall(restart);
    for (const scene of site.scenes) scene.hangsUp();
    await restart();
    await reporting.ends();
    await site.allHangUp();
    await expectOnceEach(site, site.company.people.slice(1));
    await expectAllTaken(site);
  },
);
