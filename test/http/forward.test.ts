import { connect, createServer } from "node:net";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { forwarded } from "../../src/http/forward.ts";
import type { InboundRequest, Route } from "../../src/http/route.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { eventually } from "../service/launch.ts";

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A process that serves one route, at the desk or not, and what it has answered by itself. */
class Process {
  readonly answered: InboundRequest[] = [];
  isHere = false;
  desk: () => Promise<string | null> = async () => null;
  url = "";

  async listen(): Promise<this> {
    const route: Route = {
      method: "POST",
      path: "/api/things/:id",
      maxBytes: 100,
      contentTypes: ["application/json"],
      authenticate: ({ headers }) => {
        const isKnown = headers.some(([name, value]) => name === "authorization" && value === "me");
        return isKnown ? null : { status: 401, json: { code: "unauthorized" } };
      },
      handle: async (request) => {
        this.answered.push(request);
        return { status: 201, json: request.body.toString(), headers: { location: "/there" } };
      },
    };
    const server = createHttpServer({
      log: SILENT,
      nowMs: () => 0,
      routes: [forwarded(route, { isHere: () => this.isHere, where: () => this.desk() })],
    });
    const { port } = await server.listen(0, "127.0.0.1");
    onTestFinished(() => server.close(0));
    this.url = `http://127.0.0.1:${port}`;
    return this;
  }

  ask(authorization = "me", headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/api/things/1%202?why=a+b`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization, ...headers },
      body: '{"a":"ü"}',
    });
  }
}

async function two(): Promise<[desk: Process, other: Process]> {
  const [desk, other] = [await new Process().listen(), await new Process().listen()];
  desk.isHere = true;
  other.desk = async () => desk.url;
  return [desk, other];
}

test("[R264] a request for the desk is answered there as if it had come there, whoever is asked", async () => {
  const [desk, other] = await two();
  const [direct, passed] = [await desk.ask(), await other.ask()];
  for (const answer of [direct, passed]) {
    expect([answer.status, answer.headers.get("location")]).toEqual([201, "/there"]);
    expect(await answer.json()).toBe('{"a":"ü"}');
  }
  const [first, second] = desk.answered;
  expect(second?.params).toEqual(first?.params);
  expect([second?.path, String(second?.query)]).toEqual([first?.path, String(first?.query)]);
  expect(other.answered).toEqual([]);
});

test("[R264] who asks is checked where it is answered, whichever way the request came", async () => {
  const [desk, other] = await two();
  expect([(await desk.ask("somebody")).status, (await other.ask("somebody")).status]).toEqual([
    401, 401,
  ]);
  // The desk comes here between the head and the body: nobody checked yet.
  let asked = 0;
  other.desk = async () => {
    asked += 1;
    other.isHere = true;
    return null;
  };
  expect((await other.ask("somebody")).status).toBe(401);
  expect([asked, desk.answered, other.answered]).toEqual([1, [], []]);
});

test("[R264] while nobody has the desk a request waits, also when its last address is dead", async () => {
  const [desk, other] = await two();
  const dead = createServer().listen(0, "127.0.0.1");
  await once(dead, "listening");
  const address = dead.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  dead.close();
  await once(dead, "close");
  const known = [null, `http://127.0.0.1:${port}`, new Error("away"), desk.url];
  other.desk = async () => {
    const next = known.length > 0 ? known.shift() : desk.url;
    if (next instanceof Error) throw next;
    return next ?? null;
  };
  expect((await other.ask()).status).toBe(201);
  expect([desk.answered.length, known]).toEqual([1, []]);
});

test("[R264] what reached somebody is sent no second time, and goes in no circle", async () => {
  const [desk, other] = await two();
  let connections = 0;
  const mute = createServer((socket) => {
    connections += 1;
    socket.once("data", () => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(mute, "listening");
  onTestFinished(() => void mute.close());
  const address = mute.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  other.desk = async () => `http://127.0.0.1:${port}`;
  const lost = await other.ask();
  expect([lost.status, lost.headers.get("retry-after"), connections]).toEqual([503, "2", 1]);
  desk.isHere = false;
  desk.desk = async () => other.url;
  other.desk = async () => desk.url;
  expect((await other.ask()).status).toBe(503);
});

test("[R264] [R384] a reader who left while a stream was asked for at the desk holds nothing open there", async () => {
  const streams = { asked: 0, ended: Promise.withResolvers<void>() };
  const route: Route = {
    method: "GET",
    path: "/api/stream",
    maxBytes: 0,
    contentTypes: [],
    handle: async () => ({
      status: 200,
      stream: async (sink) => {
        streams.asked += 1;
        await sink.write("retry: 2000\n\n");
        sink.signal.addEventListener("abort", () => streams.ended.resolve(), { once: true });
        await streams.ended.promise;
      },
    }),
  };
  const left = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const serve = async (isHere: boolean, where: () => Promise<string | null>): Promise<string> => {
    const routes = [forwarded(route, { isHere: () => isHere, where })];
    const limits = { maxConnections: 1 };
    const server = createHttpServer({ log: SILENT, nowMs: () => 0, routes, limits });
    const { port } = await server.listen(0, "127.0.0.1");
    onTestFinished(() => server.close(0));
    return `http://127.0.0.1:${port}`;
  };
  const desk = await serve(true, async () => null);
  const other = await serve(false, async () => {
    asked.resolve();
    await left.promise;
    return desk;
  });
  const reader = connect(Number(new URL(other).port), "127.0.0.1");
  reader.write("GET /api/stream HTTP/1.1\r\nhost: other\r\n\r\n");
  await asked.promise;
  reader.destroy();
  await once(reader, "close");
  // There is room for one connection: who is answered here comes after the first was seen to go.
  await eventually("the first has gone", () =>
    fetch(`${other}/nowhere`).then(
      () => true,
      () => false,
    ),
  );
  left.resolve();
  await streams.ended.promise;
  expect(streams.asked).toBe(1);
});
