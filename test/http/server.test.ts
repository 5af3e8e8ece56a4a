import { execFile } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import type { Answer, InboundRequest, Route } from "../../src/http/route.ts";
import { ask, echoRoute, open, parse, readAll, request, type Running, start } from "./raw-http.ts";

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
});

async function serve(...routes: readonly Partial<Route>[]): Promise<Running> {
  running = await start((handled) => routes.map((route) => echoRoute(handled, route)));
  return running;
}

test("a request reaches its handler with everything it carried", async () => {
  const { port, handled } = await serve({ path: "/reps/:rep/events" });
  const line = "POST /reps/ana%20b/events?a=1&a=2";
  const answer = await ask(port, request(line, { "X-Twice": "1\r\nx-twice: 2" }, "{}"));
  expect(answer.status).toBe(200);
  const given = handled[0] as InboundRequest;
  expect(given.params).toEqual({ rep: "ana b" });
  expect(given.query.getAll("a")).toEqual(["1", "2"]);
  expect(given.headers.filter(([name]) => name === "x-twice")).toEqual([
    ["x-twice", "1"],
    ["x-twice", "2"],
  ]);
  expect(given.body.toString()).toBe("{}");
  expect(given.receivedAtMs).toBe(1_800_000_000_000);
  expect(answer.headers.get("x-request-id")).toBe(given.requestId);
});

test("every answer forbids sniffing and says nothing of what serves it", async () => {
  const { port } = await serve({});
  const asked = [request("POST /echo", {}, "{}"), request("GET /echo"), request("GET /nowhere")];
  for (const bytes of asked) {
    const { headers } = await ask(port, bytes);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect([...headers.keys()]).not.toContain("server");
    expect([...headers.keys()]).not.toContain("x-powered-by");
  }
});

test("an unknown path is 404 and a wrong method 405, without quoting the request", async () => {
  const { port } = await serve({});
  const unknown = await ask(port, request("GET /<script>canary"));
  expect([unknown.status, unknown.body]).toEqual([404, '{"code":"not-found"}']);
  const wrong = await ask(port, request("GET /echo"));
  expect([wrong.status, wrong.body]).toEqual([405, '{"code":"method-not-allowed"}']);
  expect(wrong.headers.get("allow")).toBe("POST");
  const unusual = await ask(port, request("PROPFIND /echo"));
  expect(unusual.status).toBe(405);
});

test.each([
  ["GET /echo", { host: "[" }, 400],
  ["POST /nowhere", { host: "x/echo?" }, 400],
  ["OPTIONS *", {}, 400],
  ["GET http://[::/", {}, 400],
  ["GET //[", {}, 404],
  ["GET /%zz", {}, 404],
  ["GET /%00%ff", {}, 404],
])("%s with %j neither crashes the router nor misleads it", async (line, headers, status) => {
  const { port, logged } = await serve({});
  expect((await ask(port, request(line, headers))).status).toBe(status);
  expect((await ask(port, request("POST /echo", {}, "{}"))).status).toBe(200);
  expect(logged.filter(({ level }) => level === "error")).toEqual([]);
});

test("bytes that are not HTTP are refused and the service goes on", async () => {
  const { port } = await serve({});
  expect((await ask(port, "\x16\x03\x01\x02\x00 not http\r\n\r\n")).status).toBe(400);
  const twice = request("POST /echo", { "content-length": "2", "transfer-encoding": "chunked" });
  expect((await ask(port, twice)).status).toBe(400);
  expect((await ask(port, request("POST /echo", {}, "{}"))).status).toBe(200);
});

test("text, bytes and an empty answer are sent as they are", async () => {
  const answers: readonly Answer[] = [
    { status: 200, text: "a token", headers: { "content-type": "text/plain" } },
    { status: 200, bytes: Buffer.from([1, 2]), headers: { "content-type": "image/png" } },
    { status: 204 },
  ];
  let next = 0;
  const { port } = await serve({ handle: async () => answers[next++] ?? { status: 500 } });
  const text = await ask(port, request("POST /echo"));
  expect([text.headers.get("content-type"), text.body]).toEqual(["text/plain", "a token"]);
  const bytes = await ask(port, request("POST /echo"));
  expect([bytes.headers.get("content-type"), bytes.body]).toEqual(["image/png", "\x01\x02"]);
  const nothing = await ask(port, request("POST /echo"));
  expect([nothing.status, nothing.body]).toEqual([204, ""]);
});

test("[R395] what an answer causes has no part in it: should it fail, the sender is answered all the same", async () => {
  const begun: string[] = [];
  const { port, logged } = await serve({
    handle: async ({ path }) => ({
      status: 200,
      afterwards: () => {
        begun.push(path);
        throw new Error("it went wrong afterwards");
      },
    }),
  });
  for (const asked of [1, 2]) {
    expect((await ask(port, request("POST /echo", {}, "{}"))).status).toBe(200);
    expect(begun).toHaveLength(asked);
  }
  expect(logged.map(({ level, fields }) => [level, fields["says"]])).toContainEqual([
    "error",
    "handler failed",
  ]);
});

const CANARY = "canary-7f3a";
const fails: readonly (readonly [string, Partial<Route>])[] = [
  ["a handler that rejects", { handle: () => Promise.reject(new TypeError(CANARY)) }],
  [
    "a handler that throws at once",
    {
      handle: () => {
        throw new Error(`${CANARY}\n    at ${CANARY} (${CANARY}:1:1)`);
      },
    },
  ],
  ["a handler that throws a string", { handle: () => Promise.reject(CANARY) }],
  ["an answer that is no JSON", { handle: async () => ({ status: 200, json: { [CANARY]: 1n } }) }],
  [
    "an answer with an impossible header",
    { handle: async () => ({ status: 200, headers: { "x-a": `\n${CANARY}` } }) },
  ],
  ["an authentication that throws", { authenticate: () => Promise.reject(new Error(CANARY)) }],
];
test.each(fails)("[R83] %s is a 500 that tells nothing", async (_what, route) => {
  const { port, logged } = await serve(route, { path: "/good" });
  const answer = await ask(port, request("POST /echo", { authorization: CANARY }, `"${CANARY}"`));
  expect(answer.status).toBe(500);
  const requestId = answer.headers.get("x-request-id");
  expect(JSON.parse(answer.body)).toEqual({ code: "internal", requestId });
  expect(answer.text).not.toContain(CANARY);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatchObject({ level: "error", fields: { route: "POST /echo", requestId } });
  expect(JSON.stringify(logged)).not.toContain(CANARY);
  expect((await ask(port, request("POST /good", {}, "{}"))).status).toBe(200);
});

test("[R83] the log says where a handler failed, though not why", async () => {
  const { port, logged } = await serve({ handle: () => Promise.reject(new TypeError(CANARY)) });
  await ask(port, request("POST /echo"));
  expect(logged[0]?.fields).toMatchObject({ error: "TypeError" });
  expect(logged[0]?.fields["place"]).toMatch(/^server\.test\.ts.*:\d+:\d+$/);
});

test("[R83] a secret that was sent is in no answer and in no log line", async () => {
  const refuse: Partial<Route> = {
    authenticate: () => ({ status: 401, json: { code: "unauthorized" }, reason: "key-mismatch" }),
  };
  const { port, logged } = await serve(refuse, { path: "/open" });
  const secret = { "x-lockstep-key": CANARY, authorization: `Bearer ${CANARY}` };
  const asked = [
    request("POST /echo", secret, CANARY),
    request(`POST /open?code=${CANARY}`, { ...secret, "content-type": CANARY }, CANARY),
    request(`GET /${CANARY}?code=${CANARY}`, secret),
    request("POST /open", { ...secret, "content-encoding": CANARY }, CANARY),
  ];
  for (const bytes of asked) expect((await ask(port, bytes)).text).not.toContain(CANARY);
  expect(JSON.stringify(logged)).not.toContain(CANARY);
});

test("a flood of refusals costs one log line a second", async () => {
  const clock = { nowMs: 5_000_000 };
  const refuse: Partial<Route> = {
    authenticate: () => ({ status: 401, json: { code: "unauthorized" }, reason: "key-mismatch" }),
  };
  running = await start((handled) => [echoRoute(handled, refuse)], {}, clock);
  const { port, logged } = running;
  const one = (): Promise<unknown> => ask(port, request("POST /echo"));
  await Promise.all(Array.from({ length: 20 }, one));
  expect(logged).toHaveLength(1);
  expect(logged[0]?.fields).toMatchObject({ code: "key-mismatch", status: 401, suppressed: 0 });
  clock.nowMs += 1000;
  await one();
  expect(logged).toHaveLength(2);
  expect(logged[1]?.fields).toMatchObject({ suppressed: 19 });
});

test("close lets a request in flight finish and takes no other", async () => {
  const { promise: finished, resolve: finish } = Promise.withResolvers<Answer>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { port, server } = await serve({
    handle: () => {
      begin();
      return finished;
    },
  });
  const inFlight = ask(port, request("POST /echo", { connection: "keep-alive" }));
  await begun;
  const closed = server.close(60_000);
  expect((await ask(port, request("POST /echo"))).text).toBe("");
  finish({ status: 200, text: "done" });
  expect((await inFlight).body).toBe("done");
  await closed;
});

test("close cuts what has not finished when the grace is over", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { port, server } = await serve({
    handle: () => {
      begin();
      return new Promise<Answer>(() => {});
    },
  });
  const inFlight = readAll(open(port, request("POST /echo")));
  await begun;
  await server.close(10);
  expect((await inFlight).text).toBe("");
});

test("close does not wait for a connection on which nothing was asked", async () => {
  const { port, server } = await serve({});
  const idle = open(port, "POST /echo HT");
  await once(idle, "connect");
  const ended = once(idle, "close");
  await ask(port, request("POST /echo", {}, "{}"));
  await server.close(60_000);
  await ended;
  expect(idle.destroyed).toBe(true);
});

test("one connection carries several requests", async () => {
  const { port } = await serve({});
  const socket = open(port, request("POST /echo", { connection: "keep-alive" }, "{}"));
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(parse(first.toString()).status).toBe(200);
  socket.write(request("POST /echo", {}, "{}"));
  expect((await readAll(socket)).status).toBe(200);
});

test("a connection beyond the most that are allowed is closed unanswered", async () => {
  running = await start((handled) => [echoRoute(handled)], { maxConnections: 1 });
  const { port } = running;
  const first = open(port, request("POST /echo", { connection: "keep-alive" }, "{}"));
  await once(first, "data");
  expect((await ask(port, request("POST /echo", {}, "{}"))).text).toBe("");
  first.destroy();
});

test("a connection is not used for more requests than are allowed", async () => {
  running = await start((handled) => [echoRoute(handled)], { maxRequestsPerSocket: 1 });
  const { port, handled } = running;
  const keep = request("POST /echo", { connection: "keep-alive" }, "{}");
  const socket = open(port, Buffer.concat([keep, keep]));
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await expect.poll(() => text).toContain("HTTP/1.1 503");
  expect(parse(text).headers.get("connection")).toBe("close");
  expect(handled).toHaveLength(1);
});

test("starting and serving prints no warning", async () => {
  const script = `
    const { createHttpServer } = await import("./src/http/server.ts");
    const { healthRoutes } = await import("./src/http/health.ts");
    const log = { info() {}, warn() {}, error() {} };
    const routes = healthRoutes(() => ({ ready: true, waitingFor: [] }));
    const server = createHttpServer({ routes, log, nowMs: Date.now });
    const { port } = await server.listen(0, "127.0.0.1");
    for (const path of ["livez", "readyz", "nowhere"]) await fetch("http://127.0.0.1:" + port + "/" + path);
    await server.close(0);
    console.log("served");`;
  const flags = ["--trace-warnings", "--trace-deprecation", "--input-type=module", "-e", script];
  const env = { PATH: process.env["PATH"] ?? "" };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, flags, { env });
  expect([stdout, stderr]).toEqual(["served\n", ""]);
});
