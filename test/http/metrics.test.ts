import { afterEach, expect, test } from "vitest";
import { metricsRoute } from "../../src/http/metrics.ts";
import { ask, request, type Running, start } from "./raw-http.ts";

const KEY = "a-key-of-no-value-4711";

let running: Running | undefined;
let asked = 0;
afterEach(async () => {
  asked = 0;
  await running?.stop();
});

const begin = async (): Promise<number> => {
  const exposition = async (): Promise<string> => `asked ${(asked += 1)}\n`;
  running = await start(() => [metricsRoute({ key: KEY, exposition })]);
  return running.port;
};

test("[R353] whoever has the key is shown the metrics, as they are now", async () => {
  const port = await begin();
  const wanted = request("GET /metrics", { authorization: `Bearer ${KEY}` });
  expect(await ask(port, wanted)).toMatchObject({ status: 200, body: "asked 1\n" });
  const again = await ask(port, wanted);
  expect(again.body).toBe("asked 2\n");
  expect(again.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(again.headers.get("cache-control")).toBe("no-store");
});

test.each([
  ["no key", {}],
  ["another key", { authorization: "Bearer a-key-of-no-value-4712" }],
  ["a part of it", { authorization: `Bearer ${KEY.slice(0, -1)}` }],
  ["the key alone", { authorization: KEY }],
  ["the key as a password", { authorization: `Basic ${KEY}` }],
  ["the key twice", { authorization: `Bearer ${KEY}`, Authorization: `Bearer ${KEY}` }],
] as const)("[R353] %s shows nothing", async (_, headers) => {
  const refused = await ask(await begin(), request("GET /metrics", headers));
  expect(refused).toMatchObject({ status: 401, body: '{"code":"unauthorized"}' });
  expect(refused.headers.get("www-authenticate")).toBe("Bearer");
  expect(asked).toBe(0);
});
