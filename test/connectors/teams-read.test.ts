import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Connector, SystemError } from "../../src/connectors/connector.ts";
import { createTeamsConnector } from "../../src/connectors/teams/teams.ts";
import { listen, type EmulatorResponse } from "../../src/emulators/listener.ts";
import { makePeople } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { repId, type RepIdentity, systemUserId, teamsUserId } from "../../src/presence/identity.ts";
import { DEFAULT_TEAMS_MAPPING } from "../../src/presence/mapping.ts";
import { identitiesOf, openTenant, secretCredential } from "./bench.ts";
import { aWrite, failureOf, patience } from "./contract.ts";
import { LOOPBACK_TLS } from "./loopback.ts";

const REPS = 1300;

/** A rep whose Teams id Graph takes for nonsense, and refuses a whole call for. */
function badRep(index: number): RepIdentity {
  const id = `bad-${index}`;
  return { rep: repId(id), teamsUserId: teamsUserId(id), systemUserId: systemUserId(id) };
}

const NOW_MS = Date.UTC(2026, 10, 21, 9);

describe("reading from Teams", () => {
  let tenant: Tenant;
  let reps: readonly RepIdentity[];
  let connector: Connector;
  let nowMs = 1_000_000;
  const unknown: string[] = [];
  const partial: SystemError[] = [];
  const requests = () => tenant.graph.control.requests();
  const bulkReads = () => requests().byOperation.getPresencesByUserId ?? 0;

  beforeAll(async () => {
    tenant = await openTenant(makePeople(REPS));
    reps = identitiesOf(tenant);
  });
  afterAll(() => tenant.close());
  beforeEach(() => {
    tenant.graph.control.clearFaults();
    unknown.length = 0;
    partial.length = 0;
    connector = createTeamsConnector({
      graphUrl: `${tenant.graph.url}/v1.0/`,
      clientId: tenant.clientId,
      credential: secretCredential(tenant),
      mapping: DEFAULT_TEAMS_MAPPING,
      nowMs: () => nowMs,
      onUnknownState: (native) => unknown.push(native),
      onPartialRead: (error) => partial.push(error),
    });
  });

  test("[R78] 1 300 reps are read in two calls of 650", async () => {
    const before = requests().idsPerBulkRead.length;
    expect((await connector.read(reps, patience())).size).toBe(REPS);
    expect(requests().idsPerBulkRead.slice(before)).toEqual([650, 650]);
  });

  test("[R70] ids that Graph refuses are found, left out and left alone for a while", async () => {
    const some = [...reps.slice(0, 700), badRep(1), ...reps.slice(700), badRep(2)];
    expect((await connector.read(some, patience())).size).toBe(REPS);
    const before = bulkReads();
    expect((await connector.read(some, patience())).size).toBe(REPS);
    expect(bulkReads()).toBe(before + 2);
    nowMs += 10 * 60_000;
    expect((await connector.read(some, patience())).size).toBe(REPS);
    expect(bulkReads()).toBeGreaterThan(before + 4);
    const again = bulkReads();
    // Nor is that while longer because the clock was set back.
    nowMs -= 60 * 60_000;
    expect((await connector.read(some, patience())).size).toBe(REPS);
    expect(bulkReads()).toBeGreaterThan(again + 2);
  });

  test("[R70] a chunk that fails hides its own reps only, and is reported", async () => {
    tenant.graph.control.failNext({ status: 500 });
    expect((await connector.read(reps, patience())).size).toBe(650);
    expect(partial.map(({ code }) => code)).toEqual(["graph-unavailable"]);
  });

  test("[R73] a throttled chunk is the answer to the whole read", async () => {
    tenant.graph.control.failNext({ status: 429, retryAfter: 2.128 });
    const error = await failureOf(connector.read(reps, patience()));
    expect(error).toMatchObject({ code: "graph-throttled", retryAfterMs: 2128 });
  });

  test("when every call fails, the read fails", async () => {
    tenant.graph.control.failNext({ status: 500, times: 2 });
    expect((await failureOf(connector.read(reps, patience()))).code).toBe("graph-unavailable");
    expect(partial).toEqual([]);
  });

  test("when every id is refused, Graph is at fault and no id is forgotten", async () => {
    tenant.graph.control.failNext({ status: 400, times: 2000 });
    expect((await failureOf(connector.read(reps, patience()))).code).toBe("graph-rejected");
    tenant.graph.control.clearFaults();
    expect((await connector.read(reps, patience())).size).toBe(REPS);
  });

  test("a rep marked out of office is read by what she does", async () => {
    const [rep] = reps;
    if (!rep) throw new Error("nobody there");
    const userId = rep.teamsUserId;
    tenant.graph.control.setOutOfOffice({ userId, isOutOfOffice: true, message: "back on Monday" });
    tenant.graph.control.setClient({ userId, availability: "Available", activity: "OutOfOffice" });
    const sighting = (await connector.read([rep], patience())).get(rep.rep);
    expect(sighting).toMatchObject({
      status: "Available",
      automatic: null,
      native: "Available/OutOfOffice",
    });
  });

  test("calls are holds, meetings are soft, and what she set is a choice", async () => {
    const [, caller, meeter, chooser] = reps;
    if (!caller || !meeter || !chooser) throw new Error("nobody there");
    const { control } = tenant.graph;
    for (const { teamsUserId: userId } of [caller, meeter, chooser]) {
      control.setClient({ userId, availability: "Available" });
    }
    control.startCall({ userId: caller.teamsUserId });
    control.startMeeting({ userId: meeter.teamsUserId });
    control.setManual({ userId: chooser.teamsUserId, availability: "BeRightBack" });
    const sightings = await connector.read([caller, meeter, chooser], patience());
    expect(sightings.get(caller.rep)).toMatchObject({ status: "InACall", automatic: "hold" });
    expect(sightings.get(meeter.rep)).toMatchObject({ status: "InAMeeting", automatic: "soft" });
    expect(sightings.get(chooser.rep)).toMatchObject({ status: "BeRightBack", automatic: null });
  });

  test("[R70] a version is passed on when Graph gives one, and is null when it does not", async () => {
    const [rep] = reps;
    if (!rep) throw new Error("nobody there");
    tenant.graph.control.setBulkReads({ sequenceNumbers: false, unknownUsers: "PresenceUnknown" });
    const nobody = {
      ...badRep(3),
      teamsUserId: teamsUserId("00000000-1111-4222-8333-444444444444"),
    };
    const sightings = await connector.read([rep, nobody], patience());
    expect(sightings.get(rep.rep)?.sequence).toBeNull();
    expect(sightings.get(nobody.rep)).toMatchObject({ status: null, automatic: null });
    tenant.graph.control.setBulkReads({ sequenceNumbers: true, unknownUsers: "omit" });
  });
});

describe("a Graph that is none", () => {
  let answer: EmulatorResponse;
  let url: string;
  let tenant: Tenant;
  let close: () => Promise<void>;
  let paths: string[] = [];
  const [rep] = [badRep(1)];
  const connect = (): Connector =>
    createTeamsConnector({
      graphUrl: url,
      clientId: tenant.clientId,
      credential: secretCredential(tenant),
      mapping: DEFAULT_TEAMS_MAPPING,
      nowMs: () => NOW_MS,
    });

  beforeAll(async () => {
    tenant = await openTenant();
    const listener = await listen(
      (request) => {
        paths.push(request.url.pathname);
        return answer;
      },
      { tls: LOOPBACK_TLS },
    );
    url = listener.url;
    close = () => listener.close();
  });
  afterAll(async () => {
    await close();
    await tenant.close();
  });
  beforeEach(() => {
    paths = [];
  });

  test.each<[string, EmulatorResponse, string]>([
    ["text", { status: 200, text: "<html>welcome</html>" }, "graph-answer-malformed"],
    ["another object", { status: 200, json: { value: "none" } }, "graph-answer-malformed"],
    ["6 MiB", { status: 200, text: " ".repeat(6 * 1024 * 1024) }, "graph-answer-oversized"],
    ["an error page", { status: 502, text: "<html>bad gateway</html>" }, "graph-unavailable"],
  ])("an answer of %s is an error of its own", async (_form, given, code) => {
    answer = given;
    expect((await failureOf(connect().read([rep], patience()))).code).toBe(code);
  });

  test("a redirect is not followed with our token", async () => {
    answer = { status: 307, headers: { location: `${url}/elsewhere` }, text: "" };
    expect((await failureOf(connect().read([rep], patience()))).code).toBe("graph-rejected");
    expect(paths).toEqual(["/v1.0/communications/getPresencesByUserId"]);
  });

  test("[R70] an item that is no presence, or of a state unknown to us, hides nobody else", async () => {
    const native: string[] = [];
    const others = [badRep(2), badRep(3)];
    const value = [
      { id: "BAD-1", availability: "busy", activity: "INACALL" },
      { id: "bad-2", availability: "Pondering", activity: "Deeply", sequenceNumber: 7 },
      { id: "bad-3", availability: null },
      null,
    ];
    answer = { status: 200, json: { value } };
    const connector = createTeamsConnector({
      graphUrl: url,
      clientId: tenant.clientId,
      credential: secretCredential(tenant),
      mapping: DEFAULT_TEAMS_MAPPING,
      nowMs: Date.now,
      onUnknownState: (state) => native.push(state),
    });
    const sightings = await connector.read([rep, ...others], patience());
    expect([rep, ...others].flatMap((one) => sightings.get(one.rep) ?? [])).toEqual([
      { status: "InACall", automatic: "hold", native: "busy/INACALL", sequence: null },
      { status: null, automatic: null, native: "Pondering/Deeply", sequence: null },
    ]);
    expect(native).toEqual(["Pondering/Deeply"]);
  });

  test.each([
    ["2.128", 2_128],
    [new Date(NOW_MS + 60_000).toUTCString(), 60_000],
    [undefined, 10_000],
  ])("[R73] a write throttled with Retry-After %s waits", async (header, waitsMs) => {
    answer = { status: 429, headers: header ? { "retry-after": header } : {}, text: "" };
    const error = await failureOf(connect().write(rep, aWrite(connect(), "Busy"), patience()));
    expect(error.retryAfterMs).toBeGreaterThan(waitsMs - 2_000);
    expect(error.retryAfterMs).toBeLessThan(waitsMs + 2_000);
  });

  test("[R74] where nobody listens, the write surely was not applied", async () => {
    const gone = await listen(() => answer, { tls: LOOPBACK_TLS });
    await gone.close();
    const connector = createTeamsConnector({
      graphUrl: gone.url,
      clientId: tenant.clientId,
      credential: secretCredential(tenant),
      mapping: DEFAULT_TEAMS_MAPPING,
      nowMs: Date.now,
    });
    expect(
      await failureOf(connector.write(rep, aWrite(connector, "Busy"), patience())),
    ).toMatchObject({
      code: "graph-unreachable",
      retry: "unavailable",
      surelyNotApplied: true,
    });
  });
});
