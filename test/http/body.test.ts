import { once } from "node:events";
import { createGzip } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import type { Limits } from "../../src/http/limits.ts";
import type { Route } from "../../src/http/route.ts";
import { ask, echoRoute, open, readAll, request, type Running, start } from "./raw-http.ts";

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
});

async function echo(limits: Partial<Limits> = {}, change: Partial<Route> = {}): Promise<Running> {
  running = await start((handled) => [echoRoute(handled, change)], limits);
  return running;
}

const CHUNKED = { "transfer-encoding": "chunked", "content-type": "application/json" };
const chunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);

test("[R80] a body of exactly the limit is taken whole", async () => {
  const { port } = await echo();
  const answer = await ask(port, request("POST /echo", {}, "x".repeat(1000)));
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toEqual({ bytes: 1000 });
});

test("[R80] a body announced larger than the limit is refused before it is read", async () => {
  const { port, handled } = await echo();
  const answer = await ask(port, request("POST /echo", {}, "x".repeat(1001)));
  expect(answer.status).toBe(413);
  expect(JSON.parse(answer.body)).toEqual({ code: "body-too-large" });
  expect(handled).toEqual([]);
});

test("[R80] a chunked body is cut one byte over the limit", async () => {
  const { port, handled } = await echo();
  const head = request("POST /echo", CHUNKED);
  const whole = [head, chunk(Buffer.alloc(999)), chunk(Buffer.alloc(1)), Buffer.from("0\r\n\r\n")];
  expect((await ask(port, Buffer.concat(whole))).status).toBe(200);
  const over = [head, chunk(Buffer.alloc(999)), chunk(Buffer.alloc(2)), Buffer.from("0\r\n\r\n")];
  const answer = await ask(port, Buffer.concat(over));
  expect(answer.status).toBe(413);
  expect(answer.headers.get("connection")).toBe("close");
  expect(handled).toHaveLength(1);
});

test("[R80] ten megabytes are answered 413 and kept nowhere", async () => {
  const { port, handled } = await echo({ lingerMs: 60_000 });
  const tenMegabytes = Buffer.alloc(10_000_000, "x");
  expect((await ask(port, request("POST /echo", {}, tenMegabytes))).status).toBe(413);
  const chunked = Buffer.concat([
    request("POST /echo", CHUNKED),
    chunk(tenMegabytes),
    Buffer.from("0\r\n\r\n"),
  ]);
  expect((await ask(port, chunked)).status).toBe(413);
  expect(handled).toEqual([]);
});

test("[R80] a sender that is not done yet reads the refusal, and is not reset", async () => {
  const { port } = await echo({ lingerMs: 60_000 });
  const socket = open(port, request("POST /echo", { "content-length": "5000" }, "x".repeat(2000)));
  const answer = readAll(socket);
  const errors: unknown[] = [];
  socket.on("error", (error) => errors.push(error));
  await once(socket, "data");
  await ask(port, request("POST /echo", {}, "{}"));
  expect(socket.readyState).toBe("open");
  socket.write("x".repeat(3000));
  expect((await answer).status).toBe(413);
  expect(errors).toEqual([]);
});

test("[R80] a route that takes no body refuses any", async () => {
  const { port } = await echo({}, { maxBytes: 0 });
  expect((await ask(port, request("POST /echo", {}, "x"))).status).toBe(413);
  expect((await ask(port, request("POST /echo"))).status).toBe(200);
});

test("[R80] a connection that is reset in mid-body harms nobody else", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<null>();
  const authenticate: Route["authenticate"] = () => {
    begin(null);
    return null;
  };
  const { port, handled, logged } = await echo({}, { authenticate });
  const socket = open(port, request("POST /echo", { "content-length": "500" }, "half"));
  await begun;
  socket.resetAndDestroy();
  await expect.poll(() => logged.length).toBe(1);
  expect(logged[0]?.fields).toMatchObject({ code: "body-cut" });
  expect((await ask(port, request("POST /echo", {}, "{}"))).status).toBe(200);
  expect(handled).toHaveLength(1);
  expect(logged.filter(({ level }) => level === "error")).toEqual([]);
});

test("[R80] two hundred senders that never finish do not stop a good one", async () => {
  const { port } = await echo();
  const head = request("POST /echo", { "content-length": "500" }, "slow");
  const slow = Array.from({ length: 200 }, () => open(port, head));
  await Promise.all(slow.map((socket) => once(socket, "connect")));
  expect((await ask(port, request("POST /echo", {}, "{}"))).status).toBe(200);
  for (const socket of slow) socket.destroy();
});

test("[R81] a gzip bomb is refused without being inflated", async () => {
  const gzip = createGzip({ level: 9 });
  const parts: Buffer[] = [];
  gzip.on("data", (part: Buffer) => parts.push(part));
  const megabyte = Buffer.alloc(1_000_000);
  for (let written = 0; written < 60; written++) {
    if (!gzip.write(megabyte)) await once(gzip, "drain");
  }
  gzip.end();
  await once(gzip, "end");
  const bomb = Buffer.concat(parts);
  expect(bomb.length).toBeLessThan(70_000);

  const { port, handled } = await echo({}, { maxBytes: 100_000 });
  const peakBefore = process.resourceUsage().maxRSS;
  const answer = await ask(port, request("POST /echo", { "content-encoding": "gzip" }, bomb));
  expect(answer.status).toBe(415);
  expect(handled).toEqual([]);
  expect(process.resourceUsage().maxRSS - peakBefore).toBeLessThan(30_000);
});

test.each([
  ["content-encoding", "gzip"],
  ["content-encoding", "identity, br"],
  ["transfer-encoding", "gzip, chunked"],
])("[R81] %s: %s is answered 415", async (name, value) => {
  const { port, handled } = await echo();
  const coded = { [name]: value, "content-type": "application/json" };
  const sent =
    name === "transfer-encoding"
      ? Buffer.concat([
          request("POST /echo", coded),
          chunk(Buffer.from("{}")),
          Buffer.from("0\r\n\r\n"),
        ])
      : request("POST /echo", coded, "{}");
  const answer = await ask(port, sent);
  expect(answer.status).toBe(415);
  expect(JSON.parse(answer.body)).toEqual({ code: "body-encoded" });
  expect(handled).toEqual([]);
});

test("[R81] identity may be named", async () => {
  const { port } = await echo();
  const answer = await ask(port, request("POST /echo", { "content-encoding": "Identity" }, "{}"));
  expect(answer.status).toBe(200);
});

test.each([
  "text/plain",
  "application/json-seq",
  "",
  "multipart/form-data; boundary=application/json",
])("a body of type %j is answered 415", async (type) => {
  const { port } = await echo();
  expect((await ask(port, request("POST /echo", { "content-type": type }, "{}"))).status).toBe(415);
});

test("a media type is compared without its parameters and its case", async () => {
  const { port } = await echo();
  const headers = { "content-type": "Application/JSON; charset=utf-8" };
  expect((await ask(port, request("POST /echo", headers, "{}"))).status).toBe(200);
});

test("[R82] a body that does not arrive in time is answered 408 and cut", async () => {
  const { port, handled } = await echo({ readDeadlineMs: 50 });
  const answer = await ask(port, request("POST /echo", { "content-length": "500" }, "slow"));
  expect(answer.status).toBe(408);
  expect(answer.headers.get("connection")).toBe("close");
  expect(handled).toEqual([]);
});

test("[R82] headers that do not arrive in time cut the connection", async () => {
  const { port } = await echo({ headersTimeoutMs: 50, requestTimeoutMs: 60, checkEveryMs: 20 });
  expect((await ask(port, "POST /echo HTTP/1.1\r\nhost: local")).status).toBe(408);
});

test("more than 16 KiB of headers are refused", async () => {
  const { port } = await echo();
  const answer = await ask(port, request("POST /echo", { "x-long": "x".repeat(17 * 1024) }, "{}"));
  expect(answer.status).toBe(431);
});

test("a refusal by the head comes before a byte of the body is invited", async () => {
  const refuse: Partial<Route> = {
    authenticate: ({ headers }) =>
      headers.some(([name]) => name === "x-key") ? null : { status: 401, json: { code: "no" } },
  };
  const { port, handled } = await echo({ lingerMs: 50 }, refuse);
  const expects = {
    expect: "100-continue",
    "content-length": "2",
    "content-type": "application/json",
  };
  const refused = await ask(port, request("POST /echo", expects));
  expect(refused.text.startsWith("HTTP/1.1 401")).toBe(true);

  const socket = open(port, request("POST /echo", { ...expects, "x-key": "1" }));
  const [invited] = (await once(socket, "data")) as [Buffer];
  expect(invited.toString()).toContain("100 Continue");
  socket.write("{}");
  expect((await readAll(socket)).status).toBe(200);
  expect(handled).toHaveLength(1);
});
