/**
 * Measures how soon a delivery of change notifications is answered: `node test/measure/answered.ts [seconds]`. The
 * service's own server and routes in one thread, the senders in another: 50 deliveries a second of 20 notifications each,
 * which is a thousand changes a second, each looked at after its answer. Prints one line of JSON.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setInterval } from "node:timers/promises";
import { Worker, isMainThread, parentPort } from "node:worker_threads";
import pino from "pino";
import { Handshake } from "../../src/connectors/teams/handshake.ts";
import { createTeamsInbound } from "../../src/connectors/teams/inbound.ts";
import { createHttpServer } from "../../src/http/server.ts";

const SECONDS = Number(process.argv[2] ?? 30);
const PER_SECOND = 50;
const NOTIFICATIONS = 20;

async function serve(): Promise<void> {
  const server = createHttpServer({
    log: pino({ level: "silent" }),
    nowMs: Date.now,
    routes: createTeamsInbound({
      handshake: new Handshake(),
      secretOf: () => ({ clientState: "the secret", tenantId: TENANT }),
      privateKey: () => null,
      verifyToken: () => Promise.resolve(true),
      announced: () => undefined,
      lifecycle: () => undefined,
      count: () => undefined,
    }),
  });
  const { port } = await server.listen(0, "127.0.0.1");
  parentPort?.postMessage(port);
}

const TENANT = "0a0a0a0a-1111-4222-8333-444444444444";

function delivery(): string {
  const value = Array.from({ length: NOTIFICATIONS }, () => {
    const id = randomUUID();
    return {
      subscriptionId: randomUUID(),
      clientState: "the secret",
      changeType: "updated",
      resource: `communications/presences?$filter=id+in+(%27${id}%27)`,
      subscriptionExpirationDateTime: "2026-11-20T10:00:00.0000000Z",
      resourceData: { "@odata.type": "#Microsoft.Graph.presence", id },
      tenantId: TENANT,
    };
  });
  return JSON.stringify({ value });
}

async function measure(): Promise<void> {
  const server = new Worker(new URL(import.meta.url));
  const [port] = (await once(server, "message")) as [number];
  const url = `http://127.0.0.1:${port}/webhooks/graph`;
  const body = delivery();
  const tookMs: number[] = [];
  const send = async (): Promise<void> => {
    const startedMs = performance.now();
    const headers = { "content-type": "application/json" };
    const answer = await fetch(url, { method: "POST", headers, body });
    await answer.arrayBuffer();
    if (answer.status !== 202) throw new Error(`answered ${answer.status}`);
    tookMs.push(performance.now() - startedMs);
  };
  await send();
  tookMs.length = 0;
  const sent: Promise<void>[] = [];
  for await (const _ of setInterval(1_000 / PER_SECOND)) {
    sent.push(send());
    if (sent.length === SECONDS * PER_SECOND) break;
  }
  await Promise.all(sent);
  await server.terminate();
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.ceil(sorted.length * share) - 1] ?? 0) * 10) / 10;
  const took = { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), worstMs: at(1) };
  process.stdout.write(
    `${JSON.stringify({ deliveries: tookMs.length, perSecond: PER_SECOND, notifications: NOTIFICATIONS, ...took })}\n`,
  );
}

if (isMainThread) await measure();
else await serve();
