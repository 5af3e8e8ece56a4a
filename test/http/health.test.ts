import { afterEach, expect, test } from "vitest";
import { healthRoutes, type Readiness } from "../../src/http/health.ts";
import { ask, request, type Running, start } from "./raw-http.ts";

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
});

test("[R85] ready means that nothing is awaited any more", async () => {
  let readiness: Readiness = { ready: false, waitingFor: ["teams", "dynamics"] };
  running = await start(() => healthRoutes(() => readiness));
  const waiting = await ask(running.port, request("GET /readyz"));
  expect(waiting.status).toBe(503);
  expect(JSON.parse(waiting.body)).toEqual({ ready: false, waitingFor: ["teams", "dynamics"] });
  expect(running.logged).toEqual([]);

  readiness = { ready: true, waitingFor: [] };
  const ready = await ask(running.port, request("GET /readyz"));
  expect([ready.status, ready.body]).toEqual([200, '{"ready":true}']);
  expect(ready.headers.get("cache-control")).toBe("no-store");
});

test("[R85] being alive needs no system, and tells nothing", async () => {
  running = await start(() => healthRoutes(() => ({ ready: false, waitingFor: ["teams"] })));
  const alive = await ask(running.port, request("GET /livez"));
  expect([alive.status, alive.body]).toEqual([200, '{"live":true}']);
  const head = await ask(running.port, request("HEAD /livez"));
  expect([head.status, head.body]).toEqual([200, ""]);
});
