import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ANSWERS } from "../../src/api/schemas.ts";
import { createBoard } from "../../src/availability/board.ts";
import type { AvailabilityView } from "../../src/availability/view.ts";
import { SystemError } from "../../src/connectors/connector.ts";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../../src/connectors/dynamics/dynamics.ts";
import { OUT_OF_THE_BOX } from "../../src/connectors/dynamics/presences.ts";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { DEFAULT_DYNAMICS_MAPPING } from "../../src/presence/mapping.ts";
import { Office } from "../api/office.ts";
import { secretCredential } from "../connectors/bench.ts";
import { failureOf, patience } from "../connectors/contract.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";

const ROLES = ["Omnichannel Supervisor", "Omnichannel administrator", "Delegate"];
const HOURS = "00000000-0000-4000-8000-0000000000cc";
const NOWHERE = "00000000-0000-4000-8000-0000000000dd";

describe("availability over HTTP", () => {
  let tenant: Tenant;
  let connector: DynamicsConnector;
  let office: Office;

  beforeEach(async () => {
    tenant = await startTenant({
      people: makePeople(4),
      signedIn: true,
      projectionDelayMs: 0,
      tls: LOOPBACK_TLS,
    });
    control().setRoles({ appId: tenant.clientId, roles: ROLES });
    connector = createDynamicsConnector({
      dataverseUrl: tenant.dataverse.url,
      credential: secretCredential(tenant),
      mapping: DEFAULT_DYNAMICS_MAPPING,
      nowMs: Date.now,
    });
    const codeOf = (error: unknown) => (error instanceof SystemError ? error.code : null);
    const source = connector.availability;
    office = await Office.open({ phone: {} }, {}, (nowMs) =>
      createBoard({ source, nowMs, signal: patience(), codeOf }),
    );
    office.clock.set(Date.now() - office.clock.nowMs());
  });
  afterEach(async () => {
    await connector.close();
    await tenant.close();
  });

  const control = () => tenant.dataverse.control;
  const get = (path = "") => office.ask(`GET /queues${path}`, { as: "phone" });
  const queueId = (): string => tenant.people.queues[0]?.id ?? "";
  const userAt = (index: number): string => tenant.people.users[index]?.systemUserId ?? "";
  const availability = async (query = ""): Promise<AvailabilityView> => {
    const { status, json } = await get(`/${queueId()}/availability${query}`);
    expect(status).toBe(200);
    // What the OpenAPI document promises is what is answered.
    expect(ANSWERS.availability.parse(json)).toEqual(json);
    return json as AvailabilityView;
  };
  /** Two seconds and a little later, when an answer is old. */
  const later = async (seconds = 3): Promise<AvailabilityView> => {
    await office.clock.advance(seconds * 1_000);
    return availability();
  };
  const rowShows = (userId: string, presenceId: string) =>
    expect
      .poll(() => control().state({ userId }).row?.["_msdyn_currentpresenceid_value"])
      .toBe(presenceId);

  test("lists the queues", async () => {
    const answer = await get();
    expect(answer.json).toEqual({ queues: [{ id: queueId(), name: "Queue 1" }] });
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("[R167, R169] knows within seconds what Dynamics learns in minutes, and shows both", async () => {
    const before = await availability();
    expect(before).toMatchObject({ canTakeNow: true, centerProblem: null, differs: [] });
    expect(before.own["repsAvailable"]).toMatchObject({
      value: 4,
      source: expect.stringContaining("agent status"),
    });
    expect(before.center?.["repsAvailable"]).toMatchObject({ value: 4 });
    expect(before.center?.["repsAvailable"]?.ageSeconds).toBeGreaterThanOrEqual(300);

    for (const index of [0, 1, 2]) {
      control().choose({ userId: userAt(index), presenceId: OUT_OF_THE_BOX.Away });
      await rowShows(userAt(index), OUT_OF_THE_BOX.Away);
    }
    control().logout({ userId: userAt(3) });
    await rowShows(userAt(3), OUT_OF_THE_BOX.Offline);
    const after = await later(20);
    expect(after).toMatchObject({
      canTakeNow: false,
      unavailable: { presence: 3, "signed out": 1 },
      differs: ["repsAvailable"],
    });
    expect(after.own["repsAvailable"]?.value).toBe(0);
    expect(after.center).toMatchObject({ hasRep: { value: true }, repsAvailable: { value: 4 } });
  });

  test("[R167] counts who waits and who has taken work", async () => {
    for (const index of [0, 1, 2, 3]) {
      control().choose({ userId: userAt(index), presenceId: OUT_OF_THE_BOX["Busy - DND"] });
      await rowShows(userAt(index), OUT_OF_THE_BOX["Busy - DND"]);
    }
    control().arrive({ queueId: queueId() });
    control().arrive({ queueId: queueId() });
    const found = await availability();
    expect(found.own["waiting"]?.value).toBe(2);
    expect(found.own["averageWaitSeconds"]?.value).toBeNull();
    expect(found.center?.["position"]?.value).toBe(3);
  });

  test("[R168, R169] hours come from the queue's calendar, as Dynamics sees them", async () => {
    // It is noon, so that today is the same day throughout.
    const noon = new Date().setUTCHours(36, 0, 0, 0);
    control().advance({ ms: noon - Date.now() });
    office.clock.set(noon - office.clock.nowMs());
    const days = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"] as const;
    const today = days[new Date(noon).getUTCDay()] ?? "SU";
    const weekly = (open: boolean) => [
      { days: days.filter((day) => (day === today) === open), startMinute: 0, minutes: 1440 },
    ];
    control().putOperatingHours({
      id: HOURS,
      name: "Today",
      timeZoneCode: 92,
      weekly: weekly(true),
    });
    control().setQueueHours({ queueId: queueId(), operatingHourId: HOURS });
    const open = await availability();
    expect(open.own["isOpen"]?.value).toBe(true);
    const midnight = new Date(noon + 12 * 3_600_000).toISOString();
    expect(open.own["changesAt"]?.value).toBe(midnight);
    expect(open.center?.["changesAt"]?.value).toBe(midnight);
    expect(open.differs).toEqual([]);
    control().putOperatingHours({
      id: HOURS,
      name: "Not today",
      timeZoneCode: 92,
      weekly: weekly(false),
    });
    const closed = await later(61);
    expect(closed).toMatchObject({ canTakeNow: false, own: { isOpen: { value: false } } });
    expect(closed.differs).toContain("isOpen");
  });

  test("[R170] twenty who ask at once cost one read of each kind", async () => {
    await Promise.all(Array.from({ length: 20 }, () => availability()));
    const asked = control().requests();
    expect(asked["queues"]).toBe(1);
    expect(asked["msdyn_ocliveworkitems"]).toBe(1);
    expect(asked["CCaaS_GetRepresentativeAvailabilityBeforeConversation"]).toBe(1);
  });

  test("without the administrator's role our own figures stand alone, and say why", async () => {
    control().setRoles({ appId: tenant.clientId, roles: ["Omnichannel Supervisor"] });
    expect(await availability()).toMatchObject({
      canTakeNow: true,
      center: null,
      centerProblem: "dataverse-administrator-role-missing",
    });
  });

  test("a conversation's own place is asked for by its id", async () => {
    for (const index of [0, 1, 2, 3]) {
      control().choose({ userId: userAt(index), presenceId: OUT_OF_THE_BOX.Away });
      await rowShows(userAt(index), OUT_OF_THE_BOX.Away);
    }
    const { id } = control().arrive({ queueId: queueId() });
    control().arrive({ queueId: queueId() });
    const found = await availability(`?conversation=${id}`);
    expect(found.center?.["position"]?.value).toBe(1);
    const unknown = await availability(`?conversation=${NOWHERE}`);
    expect(unknown).toMatchObject({ center: null, centerProblem: "dataverse-call-missing" });
  });

  test.each([
    ["no queue's id", () => `/${NOWHERE}/availability`, 404, "availability-queue-unknown"],
    ["no id at all", () => "/billing/availability", 400, "api-input-malformed"],
    [
      "no workstream's id",
      () => `/${queueId()}/availability?workstream=x`,
      400,
      "api-input-malformed",
    ],
    [
      "two ways in",
      () => `/${queueId()}/availability?workstream=${NOWHERE}&conversation=${NOWHERE}`,
      400,
      "api-input-malformed",
    ],
  ])("%s is refused as that", async (_what, path, status, code) => {
    const answer = await get(path());
    expect(answer).toMatchObject({ status, json: { code } });
  });

  test("when Dynamics cannot be read, the caller is told when to come back", async () => {
    control().failNext({ operation: "queues", status: 503, times: 1 });
    const answer = await get();
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect((await get()).status).toBe(200);
  });

  test("[R173] one rep's detail is read in her name, by either id; without the right, it says which is missing", async () => {
    const user = tenant.people.users[1];
    const byUser = await connector.repDetail(
      { systemUserId: user?.systemUserId ?? "" },
      patience(),
    );
    expect(byUser).toMatchObject({
      user: user?.systemUserId,
      presenceId: OUT_OF_THE_BOX.Available,
      presenceText: "Available",
      browserSessions: 1,
    });
    expect(byUser.signedInAtMs).toBeGreaterThan(1_000_000_000_000);
    const byObject = connector.repDetail({ entraObjectId: user?.azureObjectId ?? "" }, patience());
    expect(await byObject).toEqual(byUser);
    control().setRoles({ appId: tenant.clientId, roles: ["Omnichannel Supervisor"] });
    const failure = await failureOf(connector.repDetail({ systemUserId: userAt(1) }, patience()));
    expect(failure.code).toBe("dataverse-delegate-role-missing");
  });

  test("[R171] dates that stand for nothing are nothing", async () => {
    const workstream = control().workstreamOf({ queueId: queueId() }).id ?? "";
    const question = { workstreamId: workstream, context: { Survey: "India", Tier: 2 } };
    const answer = await connector.availability.center(question, patience());
    expect(answer).toMatchObject({
      queueId: queueId(),
      isOpen: true,
      changesAtMs: null,
      opensAtMs: null,
      closesAtMs: null,
    });
  });
});
