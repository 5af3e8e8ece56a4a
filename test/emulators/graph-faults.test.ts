import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { GraphTenant, OTHER_WRITER, WRITER } from "./graph-tenant.ts";

let tenant: GraphTenant;
beforeAll(async () => {
  tenant = await GraphTenant.start();
});
afterEach(() => tenant.graph.control.clearFaults());
afterAll(() => tenant.close());

const busy = { availability: "Busy", activity: "Busy" };
const call = { sessionId: WRITER, availability: "Busy", activity: "InACall" };

/** A user whose client shows Available. */
function present(): string {
  const userId = tenant.addUser();
  tenant.graph.control.setClient({ userId, availability: "Available" });
  return userId;
}

const prefer = (userId: string) => tenant.act(userId, "setUserPreferredPresence", busy);

describe("throttling", () => {
  it("answers the documented 429 with a fractional wait, to each app for itself, until the window has passed", async () => {
    const userId = present();
    const read = (as = WRITER) => tenant.request("GET", `/users/${userId}/presence`, { as });
    tenant.graph.control.advance({ ms: 60_000 });
    tenant.graph.control.limit({ requests: 2, windowSeconds: 30 });
    expect((await read()).status).toBe(200);
    tenant.graph.control.advance({ ms: 1872 });
    expect((await read()).status).toBe(200);
    const refused = await read();
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("28.128");
    expect(JSON.parse(refused.text)).toMatchObject({
      error: {
        code: "TooManyRequests",
        message: "Please retry again later.",
        innerError: { code: "429", status: "429", message: "Please retry after" },
      },
    });
    expect((await read(OTHER_WRITER)).status).toBe(200);
    tenant.graph.control.advance({ ms: 28_127 });
    expect((await read()).status).toBe(429);
    tenant.graph.control.advance({ ms: 1 });
    expect((await read()).status).toBe(200);
    expect(tenant.graph.control.requests().throttled).toBe(2);
    tenant.graph.control.limit({ requests: 1500, windowSeconds: 30 });
  });

  it("begins after 1500 requests in 30 seconds when nothing is said", async () => {
    tenant.graph.control.advance({ ms: 60_000 });
    const userId = present();
    const item = { method: "GET", url: `/users/${userId}/presence` };
    const requests = Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, ...item }));
    const counts = { 200: 0, 429: 0 };
    for (let batch = 0; batch < 76; batch += 1) {
      const { text } = await tenant.request("POST", "/$batch", { body: { requests } });
      const { responses } = JSON.parse(text) as { responses: readonly { status: 200 | 429 }[] };
      for (const { status } of responses) counts[status] += 1;
    }
    expect(counts).toEqual({ 200: 1500, 429: 20 });
    tenant.graph.control.advance({ ms: 60_000 });
  });
});

describe("a fault", () => {
  it("fails the next requests of one operation, with the status, the wait and the body it is given", async () => {
    const userId = present();
    tenant.graph.control.failNext({
      operation: "setUserPreferredPresence",
      status: 503,
      times: 2,
      retryAfter: 7,
    });
    tenant.graph.control.failNext({ operation: "getPresence", status: 500, body: { odd: true } });
    const read = () => tenant.request("GET", `/users/${userId}/presence`);
    const write = () =>
      tenant.request("POST", `/users/${userId}/presence/setUserPreferredPresence`, { body: busy });
    const failed = await write();
    expect(failed.status).toBe(503);
    expect(failed.headers.get("retry-after")).toBe("7");
    expect(await read()).toMatchObject({ status: 500, text: '{"odd":true}' });
    expect(await tenant.shown(userId)).toBe("Available/Available");
    expect([(await write()).status, (await write()).status]).toEqual([503, 200]);
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
  });

  it("without an operation strikes whatever comes next", async () => {
    tenant.graph.control.failNext({ status: 401 });
    expect((await tenant.request("GET", "/users")).status).toBe(401);
    expect((await tenant.request("GET", "/users")).status).toBe(200);
  });

  it("can apply a write and lose the answer", async () => {
    const userId = present();
    tenant.graph.control.dropAckNext({ operation: "setUserPreferredPresence" });
    await expect(prefer(userId)).rejects.toThrow();
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
    expect(await prefer(userId)).toBe(200);
  });

  it("can apply a write late, after saying that it failed", async () => {
    const userId = present();
    tenant.graph.control.applyLate({ delayMs: 5000 });
    expect(await prefer(userId)).toBe(504);
    tenant.graph.control.advance({ ms: 4999 });
    expect(await tenant.shown(userId)).toBe("Available/Available");
    tenant.graph.control.advance({ ms: 1 });
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
  });

  it("can apply a write late over a newer one, after hanging up", async () => {
    const userId = present();
    tenant.graph.control.applyLate({
      operation: "setUserPreferredPresence",
      delayMs: 5000,
      answer: "hangUp",
    });
    await expect(prefer(userId)).rejects.toThrow();
    expect(
      await tenant.act(userId, "setUserPreferredPresence", {
        availability: "Away",
        activity: "Away",
      }),
    ).toBe(200);
    expect(await tenant.shown(userId)).toBe("Away/Away");
    tenant.graph.control.advance({ ms: 60_000 });
    tenant.graph.control.staleReads({ lagMs: 30_000 });
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
    expect(tenant.graph.control.writes().slice(-2)).toMatchObject([
      { outcome: "late" },
      { outcome: "applied" },
    ]);
  });

  it("lets the expiry of a late write begin when it comes true", async () => {
    const userId = present();
    tenant.graph.control.applyLate({ delayMs: 60_000 });
    await tenant.act(userId, "setPresence", call);
    tenant.graph.control.advance({ ms: 60_000 + 5 * 60_000 - 1 });
    expect(await tenant.shown(userId)).toBe("Busy/InACall");
    tenant.graph.control.advance({ ms: 1 });
    expect(await tenant.shown(userId)).toBe("Available/Available");
  });

  it("can answer 200 and change nothing", async () => {
    const userId = present();
    tenant.graph.control.absorbNext({ times: 1 });
    expect(await prefer(userId)).toBe(200);
    expect(await tenant.shown(userId)).toBe("Available/Available");
    expect(tenant.graph.control.writes().at(-1)).toMatchObject({ outcome: "absorbed" });
    expect(await prefer(userId)).toBe(200);
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
  });

  it("can show reads what was true a while ago, with the version of that time", async () => {
    const userId = present();
    const sequenceNumber = async () => {
      const { text } = await tenant.request("GET", `/users/${userId}/presence`);
      return (JSON.parse(text) as { sequenceNumber: string }).sequenceNumber;
    };
    const before = await sequenceNumber();
    tenant.graph.control.advance({ ms: 1000 });
    tenant.graph.control.staleReads({ lagMs: 3000 });
    await prefer(userId);
    tenant.graph.control.advance({ ms: 2999 });
    expect(await tenant.shown(userId)).toBe("Available/Available");
    expect(await sequenceNumber()).toBe(before);
    tenant.graph.control.advance({ ms: 1 });
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
    tenant.graph.control.resetManual({ userId });
    tenant.graph.control.staleReads({ lagMs: 0 });
    expect(await tenant.shown(userId)).toBe("Available/Available");
  });

  it("can delay requests without changing what they do", async () => {
    const userId = present();
    tenant.graph.control.delay({ operation: "setUserPreferredPresence", minMs: 1, maxMs: 20 });
    expect(await Promise.all([prefer(userId), prefer(userId)])).toEqual([200, 200]);
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
  });

  it("is forgotten when faults are cleared", async () => {
    const userId = present();
    const { control } = tenant.graph;
    control.failNext({ status: 500 });
    control.dropAckNext({});
    control.absorbNext({ times: 3 });
    control.applyLate({ delayMs: 1 });
    control.staleReads({ lagMs: 60_000 });
    control.clearFaults();
    expect(await prefer(userId)).toBe(200);
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
  });

  it("inside a batch can cost the whole answer", async () => {
    const userId = present();
    tenant.graph.control.dropAckNext({ operation: "setUserPreferredPresence" });
    const url = `/users/${userId}/presence/setUserPreferredPresence`;
    const requests = [{ id: "1", method: "POST", url, body: busy }];
    await expect(tenant.request("POST", "/$batch", { body: { requests } })).rejects.toThrow();
    expect(await tenant.shown(userId)).toBe("Busy/Busy");
  });
});

describe("the controls over HTTPS", () => {
  const post = async (name: string, body?: unknown) => {
    const answer = await fetch(`${tenant.graph.url}/control/${name}`, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };

  it("play the person without a token", async () => {
    const userId = tenant.addUser();
    await post("setClient", { userId, availability: "Available", activity: "Available" });
    await post("startCall", { userId });
    expect(await post("state", { userId })).toMatchObject({
      status: 200,
      body: { availability: "Busy", activity: "InACall", writes: 0, preferred: null },
    });
    await post("endCall", { userId });
    await post("setManual", {
      userId,
      availability: "Away",
      activity: "Away",
      expiresInSeconds: 60,
    });
    await post("advance", { ms: 60_000 });
    expect(await tenant.shown(userId)).toBe("Available/Available");
  });

  it("list the states, the writes and the requests", async () => {
    const userId = present();
    await prefer(userId);
    const { body: states } = await post("states");
    expect(states).toContainEqual(expect.objectContaining({ userId, availability: "Busy" }));
    const { body: writes } = await post("writes", {});
    expect((writes as { userId: string }[]).at(-1)).toMatchObject({ userId, body: busy });
    expect(await post("requests")).toMatchObject({
      body: {
        byOperation: { setUserPreferredPresence: expect.any(Number) },
        total: expect.any(Number),
      },
    });
  });

  it("refuse what they do not know", async () => {
    expect((await post("failNext", { status: 503, tiems: 3 })).status).toBe(400);
    expect((await post("setClient", { userId: "nobody", availability: "Busy" })).status).toBe(400);
    expect(
      (await post("setManual", { userId: present(), availability: "Busy", activity: "InACall" }))
        .status,
    ).toBe(400);
    expect((await post("explode", {})).status).toBe(404);
  });
});
