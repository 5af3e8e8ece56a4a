import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { TcpProxy } from "../engine/tcp-proxy.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { type Company, openCompany } from "../scenarios/company.ts";
import { PRESENCES } from "../scenarios/meaning.ts";
import { type Scene, sceneOf } from "../scenarios/scene.ts";
import { Balancer } from "./balancer.ts";
import { askApi } from "./api.ts";
import { eventually, launch, PARTNER_SECRET, type Service, WEBHOOK_KEY } from "./launch.ts";
import { sendEvent } from "./partner.ts";

/** Enough that each of two instances has some of them. */
const REPS = 12;

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off"]);
});
afterAll(() => server.dispose());

/** A company whose service is two instances on a database of their own, behind a balancer. */
class Site implements AsyncDisposable {
  readonly #disposables: AsyncDisposable[];
  readonly company: Company;
  readonly first: Service;
  readonly balancer: Balancer;
  readonly url: string;
  /** What each rep was set to in Dynamics, as it should be. */
  readonly #wanted: string[] = [];

  private constructor(company: Company, balancer: Balancer, url: string) {
    this.company = company;
    this.first = company.service;
    this.balancer = balancer;
    this.url = url;
    this.#disposables = [company, balancer];
  }

  static async open(database: string): Promise<Site> {
    await server.sql(`CREATE DATABASE ${database}`);
    const url = server.url(database);
    const company = await openCompany({
      reps: REPS,
      env: { DATABASE_URL: url },
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

  /** Another instance, once it has its part of the reps. */
  async join(url = this.url): Promise<Service> {
    const env = { DATABASE_URL: url };
    const joined = await launch(this.company.tenant, { env, webhook: "none" });
    this.#disposables.unshift(joined);
    await this.#shared(2);
    return joined;
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

  /** A partner reports a call of the first rep, or its end, to whichever instance. */
  async reports(type: "hold.started" | "hold.ended", id: string): Promise<number> {
    const [person] = this.company.people;
    const started = type === "hold.started" ? { status: "InACall", ttlSeconds: 600 } : {};
    const event = { type, hold: "c-1", rep: person?.dynamics ?? "", ...started };
    return (await sendEvent(this.balancer, event, { id })).status;
  }

  /** Once nothing more is written: what each rep was set to in Dynamics, and what she should have been set to. */
  async written(): Promise<{ readonly is: string[][]; readonly should: string[][] }> {
    await this.company.quiet();
    const written = new Map(this.company.people.map(({ dynamics }) => [dynamics, [] as string[]]));
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

  async #shared(instances: number): Promise<void> {
    await eventually("the shards are shared", async () => {
      const shares = await this.shares();
      return shares.length === instances && Math.max(...shares) === 32 / instances;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const disposable of this.#disposables) await disposable[Symbol.asyncDispose]();
  }
}

/** Nobody was set to anything twice, or to anything else. */
async function expectOnceEach(site: Site): Promise<void> {
  const { is, should } = await site.written();
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
    expect(await site.reports("hold.started", "e-1")).toBe(202);
  });
  // Her call ends, and the one that was reported goes on.
  const [reported, ...others] = site.scenes;
  for (const scene of site.scenes) scene.hangsUp();
  await Promise.all(others.map((scene) => scene.shows("Available", "Available")));
  await site.company.quiet();
  expect(reported?.sight()).toMatchObject({ dynamics: "Busy" });
  expect(await site.reports("hold.ended", "e-2")).toBe(202);
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
  await eventually("it has its part again", async () => (await site.shares()).length === 2);
  await site.allHangUp();
  await expectOnceEach(site);
  // The one that has the desk hangs: it is gone for good then, and started again by whoever watches over it.
  await site.allCall(() => site.first.signal("SIGSTOP"));
  site.first.signal("SIGCONT");
  expect(await site.first.ended()).toBe(1);
  await site.allHangUp();
  await expectOnceEach(site);
  await second.stop();
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
  await eventually("it has its part again", async () => (await site.shares()).length === 2);
  await site.allHangUp();
  await expectOnceEach(site);
  await second.stop();
  await proxy.close();
});

test("[R200] [R263] [R264] whatever people and applications ask of any instance, it knows of all reps", async () => {
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
  await Promise.all([site.first.stop(), second.stop()]);
});

test("[R258] [R264] instances are replaced one by one, the database restarts, and every event is taken", async () => {
  await using site = await Site.open("rolling");
  const second = await site.join();
  site.balancer.between(site.first, second);
  let [sent, isOver] = [0, false];
  const reporting = (async () => {
    while (!isOver) {
      sent += 1;
      const type = sent % 2 === 1 ? "hold.started" : "hold.ended";
      expect(await site.reports(type, `e-${sent}`)).toBe(202);
    }
  })();
  await site.allCall(async () => {
    site.balancer.between(second);
    await site.first.stop();
  });
  const third = await site.join();
  site.balancer.between(second, third);
  await site.allHangUp(async () => {
    site.balancer.between(third);
    await second.stop();
  });
  isOver = true;
  await reporting;
  if (sent % 2 === 1) expect(await site.reports("hold.ended", "last")).toBe(202);
  await server.kill();
  await server.run();
  await site.allCall();
  await site.allHangUp();
  await third.stop();
  const engine = await openPostgresEngine({ url: site.url, readOnly: true });
  expect(await engine.settled()).toHaveLength(sent + (sent % 2));
  expect(await engine.unsettled()).toEqual([]);
  await engine.close();
});
