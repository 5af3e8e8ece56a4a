import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { openSubscriber } from "../api/subscriber.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { askApi } from "./api.ts";
import { eventually, type Service } from "./launch.ts";
import { PARTNER_SECRET } from "./partner.ts";
import { expectOnceEach, METRICS_KEY, REPS, Site } from "./site.ts";

// Rights pass on in real time, and each of these stories waits for that several times.
vi.setConfig({ testTimeout: 600_000 });

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off", "max_connections = 100"]);
});
afterAll(() => server.dispose());

test("[R200] [R263] [R264] [R354] whatever people and applications ask of any instance, it knows of all reps, and counts its own", async () => {
  await using site = await Site.open(server, "asked");
  const second = await site.join();
  const heard: string[] = [];
  const leaving = new AbortController();
  const open = (): Promise<Response> => openStream(second, heard.join(""), leaving.signal);
  let stream = await open();
  const listening = (async () => {
    for (;;) {
      for await (const chunk of stream.body as AsyncIterable<Uint8Array>) {
        heard.push(Buffer.from(chunk).toString());
      }
      // One that is held up for long cuts its streams; whoever reads on from where she was misses nothing.
      stream = await vi.waitUntil(() => open().catch(() => null), { timeout: 60_000 });
    }
  })().catch(() => undefined);
  await site.allCall();
  const subjects = (): Set<string | undefined> =>
    new Set([...heard.join("").matchAll(/"subject":"([^"]*)"/g)].map(([, subject]) => subject));
  await eventually("everybody's call is told", () => subjects().size === REPS);
  for (const instance of [site.first, second]) {
    for (const { dynamics } of site.company.people) {
      // For as long as it is held up, it says 503.
      const { status, json } = await vi.waitUntil(
        async () => {
          const answer = await askApi(instance, `GET /reps/${dynamics}`);
          return answer.status === 503 ? null : answer;
        },
        { timeout: 60_000, interval: 500 },
      );
      expect([status, json]).toMatchObject([200, { status: "InACall" }]);
    }
  }
  leaving.abort();
  await listening;
  // An instance that is held up loses its part for a while, and has it again.
  await eventually("each counts its own, and together they count all", async () => {
    const counted = await Promise.all([site.first, second].map(repsCounted));
    return Math.min(...counted) > 0 && counted.reduce((sum, reps) => sum + reps, 0) === REPS;
  });
  await Promise.all([site.first.stop(), second.stop()]);
});

test("[R196] [R264] a subscriber is told everything, though whoever tells it is killed, or hangs and goes on", async () => {
  await using site = await Site.open(server, "told", { SUBSCRIBER_HOSTS: "localhost" });
  const receiver = await openSubscriber();
  const second = await site.join();
  site.balancer.between(site.first, second);
  const body = { url: receiver.url, kinds: ["status"] };
  const made = await askApi(second, "POST /subscriptions", { body });
  expect(made.status).toBe(201);
  const { position } = made.json as { readonly position: number };
  // The first has the desk.
  await site.allCall(async () => {
    await site.first.kill9();
    site.balancer.between(second);
  });
  await site.allHangUp();
  site.first.begin();
  await site.shared();
  // Now the second has.
  await site.allCall(() => second.signal("SIGSTOP"));
  await site.allHangUp();
  second.signal("SIGCONT");
  await eventually("it begins anew", () => site.startedAgain.includes(second));
  await site.company.quiet();
  const engine = await openPostgresEngine({ url: site.url, readOnly: true });
  const history = await engine.history({ after: position, limit: 1_000 });
  await engine.close();
  const should = history.filter(({ kind }) => kind === "intent").map(({ position: at }) => at);
  expect(should.length).toBeGreaterThanOrEqual(4 * REPS);
  const told = (): number[] => [
    ...new Set(receiver.deliveries.map(({ event }) => event.data.position)),
  ];
  await eventually("all is told", () => told().length >= should.length);
  expect(told().toSorted((a, b) => a - b)).toEqual(should);
  // What was sent when the one who sent it ended is sent again, with its id.
  const ids = new Set(receiver.deliveries.map(({ id }) => id));
  expect(ids.size).toBe(should.length);
});

/** A stream of all that partners may know, from now on or from where `heard` ends. */
async function openStream({ url }: Service, heard: string, signal: AbortSignal): Promise<Response> {
  const [id, at] = [randomUUID(), new Date()];
  const last = [...heard.matchAll(/^id: ?(\d+)\n/gm)].at(-1)?.[1];
  const stream = await fetch(`${url}/api/v1/stream`, {
    signal,
    headers: {
      ...(last === undefined ? {} : { "last-event-id": last }),
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Webhook(PARTNER_SECRET).sign(id, at, ""),
    },
  });
  if (stream.status === 503) throw new Error("it is held up");
  expect([stream.status, stream.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  return stream;
}

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
  await using site = await Site.open(server, "rolling");
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
    await using site = await Site.open(server, `restarted_${end}`);
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
