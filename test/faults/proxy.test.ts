import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../service/launch.ts";
import { Proxy } from "./proxy.ts";

const SENT = Buffer.alloc(200_000, "presence ");

/** Says everything back, and then ends; counts who came. */
async function startEcho() {
  const sockets = new Set<Socket>();
  let heard = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.length;
    });
    socket.pipe(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

let echo: Awaited<ReturnType<typeof startEcho>>;
let proxy: Proxy;
const clients = new Set<Socket>();
beforeEach(async () => {
  echo = await startEcho();
  proxy = await Proxy.start(echo.port);
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients.clear();
  await proxy.close();
  echo.close();
});

/** A client, what it has received, and how its connection ended, if it has. */
async function open() {
  const socket = connect({ port: proxy.port, host: "127.0.0.1" });
  clients.add(socket);
  const state = { socket, received: Buffer.alloc(0), end: null as string | null };
  socket.on("data", (chunk: Buffer) => {
    state.received = Buffer.concat([state.received, chunk]);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    state.end = error.code ?? "error";
  });
  socket.on("close", () => {
    state.end ??= "closed";
  });
  await once(socket, "connect");
  return state;
}

/** Sends everything, and resolves to what came back until the other end was done. */
async function thereAndBack(): Promise<Buffer> {
  const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  clients.add(socket);
  socket.end(SENT);
  return buffer(socket);
}

describe("a cable with nothing wrong", () => {
  test("carries every byte, in order, both ways, and the end of each", async () => {
    expect((await thereAndBack()).equals(SENT)).toBe(true);
    expect(proxy.through).toEqual({ upstream: SENT.length, downstream: SENT.length });
  });

  test("can be led to somebody else; whoever was connected is cut off", async () => {
    const other = await startEcho();
    const client = await open();
    proxy.aim(other.port);
    await eventually("it is cut off", () => client.end);
    expect((await thereAndBack()).equals(SENT)).toBe(true);
    expect([echo.heard(), other.heard()]).toEqual([0, SENT.length]);
    other.close();
  });
});

describe("a toxic", () => {
  test("latency delays, and changes nothing else", async () => {
    await proxy.poison([{ type: "latency", latencyMs: 80, jitterMs: 40 }]);
    const fromMs = performance.now();
    expect((await thereAndBack()).equals(SENT)).toBe(true);
    expect(performance.now() - fromMs).toBeGreaterThan(39);
  });

  test("down refuses, throws out, and is over when it is healed", async () => {
    const inside = await open();
    await proxy.poison([{ type: "down" }]);
    await eventually("it is thrown out", () => inside.end);
    await expect(open()).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const { port } = proxy;
    await proxy.heal();
    expect(proxy.port).toBe(port);
    expect((await thereAndBack()).equals(SENT)).toBe(true);
  });

  test("bandwidth takes its time for every byte", async () => {
    await proxy.poison([{ type: "bandwidth", bytesPerSecond: SENT.length * 5 }]);
    const fromMs = performance.now();
    expect((await thereAndBack()).equals(SENT)).toBe(true);
    expect(performance.now() - fromMs).toBeGreaterThan(190);
  });

  test("slow_close brings every byte at once, and the end later", async () => {
    await proxy.poison([{ type: "slow_close", delayMs: 60_000 }]);
    const client = await open();
    client.socket.write("all");
    await eventually("it is all there", () => client.received.toString() === "all");
    client.socket.end();
    expect(client.socket.readableEnded).toBe(false);
    await proxy.heal();
    await eventually("it ends", () => client.socket.readableEnded);
  });

  test("timeout of 0 is a black hole: connected, and never answered; healed, the connection is gone", async () => {
    await proxy.poison([{ type: "timeout", timeoutMs: 0 }]);
    const client = await open();
    client.socket.write("hello?");
    await eventually("it arrives on the other side", () => echo.heard() === 6);
    const other = await open();
    other.socket.write("hello!");
    await eventually("so does the other", () => echo.heard() === 12);
    await eventually("both answers are lost", () => proxy.swallowed === 12);
    expect([client.received.length, client.end]).toEqual([0, null]);
    await proxy.heal();
    await eventually("it is cut", () => client.end);
    expect((await thereAndBack()).equals(SENT)).toBe(true);
  });

  test("timeout of some time closes after it", async () => {
    await proxy.poison([{ type: "timeout", timeoutMs: 50 }], "upstream");
    const client = await open();
    client.socket.write("hello?");
    await eventually("it is closed", () => client.end);
    expect(echo.heard()).toBe(0);
  });

  test("reset_peer ends by a reset, not by an end", async () => {
    await proxy.poison([{ type: "reset_peer", timeoutMs: 50 }]);
    const client = await open();
    expect(await eventually("it is over", () => client.end)).toBe("ECONNRESET");
  });

  test("slicer brings every byte, in small pieces", async () => {
    await proxy.poison([{ type: "slicer", averageBytes: 700, variationBytes: 500, delayMs: 0 }]);
    expect((await thereAndBack()).equals(SENT)).toBe(true);
  });

  test("limit_data lets exactly so many bytes through; with reset_peer the rest is a reset", async () => {
    await proxy.poison([{ type: "limit_data", bytes: 777 }]);
    const polite = await open();
    polite.socket.write(SENT);
    await eventually("it is over", () => polite.end);
    expect(polite.received.length).toBe(777);
    await proxy.poison([
      { type: "limit_data", bytes: 100 },
      { type: "reset_peer", timeoutMs: Number.POSITIVE_INFINITY },
    ]);
    const rude = await open();
    rude.socket.write(SENT);
    expect(await eventually("it is over", () => rude.end)).toBe("ECONNRESET");
  });
});
