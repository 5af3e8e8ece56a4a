import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../../src/connectors/dynamics/dynamics.ts";
import {
  type EmulatorRequest,
  type EmulatorResponse,
  listen,
} from "../../src/emulators/listener.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { repId, type RepIdentity, systemUserId, teamsUserId } from "../../src/presence/identity.ts";
import { DEFAULT_DYNAMICS_MAPPING } from "../../src/presence/mapping.ts";
import { openTenant, secretCredential } from "./bench.ts";
import { aWrite, failureOf, patience } from "./contract.ts";
import { LOOPBACK_TLS } from "./loopback.ts";

const AWAY = "3DACAE76-C07A-E811-8162-000D3AA11F50";
const idAt = (index: number): string =>
  `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
const reps: readonly RepIdentity[] = Array.from({ length: 5 }, (_, index) => ({
  rep: repId(idAt(index)),
  systemUserId: systemUserId(idAt(index)),
  teamsUserId: teamsUserId(idAt(index + 100)),
}));

/** What this server does not know, as text in the query, and how it says so. */
type Lack = { readonly query: string; readonly status: number };

describe("a Dataverse that can do less", () => {
  let tenant: Tenant;
  let url: string;
  let close: () => Promise<void>;
  let connector: DynamicsConnector;
  let lacks: readonly Lack[] = [];
  let other: EmulatorResponse | null = null;
  let queries: string[] = [];

  /** Pages of two rows, whose next links name the host behind the gateway. */
  function answer({ url: { pathname, search } }: EmulatorRequest): EmulatorResponse {
    const query = decodeURIComponent(search);
    if (!pathname.startsWith("/gateway/api/data/v9.2/")) return { status: 410, text: "" };
    queries.push(`${pathname.split("/").at(-1)}${query}`);
    const lack = lacks.find((one) => query.includes(one.query));
    if (lack) return { status: lack.status, json: { error: { code: "", message: lack.query } } };
    if (other) return other;
    if (pathname.endsWith("msdyn_presences")) return { status: 403, json: {} };
    const rows = reps.map((rep, index) =>
      pathname.endsWith("systemusers")
        ? { systemuserid: rep.systemUserId, azureactivedirectoryobjectid: rep.teamsUserId }
        : {
            "@odata.etag": `W/"${index + 7}"`,
            msdyn_agentstatusid: idAt(index + 200),
            _msdyn_agentid_value: rep.systemUserId.toUpperCase(),
            _msdyn_currentpresenceid_value: AWAY,
          },
    );
    const skip = Number(/skip=(\d+)/.exec(query)?.[1] ?? 0);
    const link = `https://inner.example${pathname}?$select=x&skip=${skip + 2}`;
    const next = skip + 2 < rows.length ? { "@odata.nextLink": link } : {};
    return { status: 200, json: { value: rows.slice(skip, skip + 2), ...next } };
  }

  beforeAll(async () => {
    tenant = await openTenant();
    const listener = await listen(answer, { tls: LOOPBACK_TLS });
    url = listener.url;
    close = () => listener.close();
  });
  afterAll(async () => {
    await close();
    await tenant.close();
  });
  beforeEach(async () => {
    lacks = [];
    other = null;
    queries = [];
    connector = createDynamicsConnector({
      dataverseUrl: `${url}/gateway/api/data/v9.2/`,
      scope: `${tenant.dataverse.url}/.default`,
      credential: secretCredential(tenant),
      mapping: DEFAULT_DYNAMICS_MAPPING,
      nowMs: Date.now,
    });
    return () => connector.close();
  });

  test("pages are followed to the end, on the host that we know", async () => {
    const sightings = await connector.read(reps, patience());
    expect(reps.filter(({ rep }) => sightings.get(rep))).toEqual(reps);
    expect(sightings.get(repId(idAt(4)))).toEqual({
      status: "Away",
      automatic: null,
      native: AWAY.toLowerCase(),
      by: null,
      sequence: "00000000000000000011",
    });
  });

  test("without the column of who wrote, the others are still read", async () => {
    lacks = [{ query: "byuserid", status: 400 }];
    expect((await connector.read(reps, patience())).size).toBe(5);
    const asked = queries.filter((query) => query.includes("msdyn_presencemodifiedby,"));
    expect(asked.map((query) => query.includes("byuserid"))).toEqual([true, false]);
  });

  test("columns that it does not have are asked for once", async () => {
    lacks = [{ query: "msdyn_presencemodifiedby", status: 400 }];
    expect((await connector.read(reps, patience())).size).toBe(5);
    expect((await connector.read(reps, patience())).size).toBe(5);
    const asked = queries.filter((query) => query.includes("msdyn_presencemodifiedby"));
    expect(asked.map((query) => query.includes("byuserid"))).toEqual([true, false]);
    expect(queries.some((query) => query.includes("$filter"))).toBe(true);
  });

  test("[R165] where rows do not say when they were written, a webhook that does is news", async () => {
    lacks = [{ query: "msdyn_presencemodifiedby", status: 400 }];
    await connector.read(reps, patience());
    const says = (modifiedAtMs: number | null): boolean =>
      connector.isNews({
        kind: "hint",
        rep: reps[0]?.systemUserId ?? null,
        agentStatusId: idAt(200),
        organizationId: null,
        organizationName: null,
        inTransaction: false,
        message: "Update",
        presenceId: AWAY.toLowerCase(),
        loggedIn: null,
        modifiedBy: null,
        modifiedAtMs,
        hasColumns: true,
      });
    expect([says(null), says(1)]).toEqual([false, true]);
  });

  test("a filter that it cannot do is replaced by pages", async () => {
    lacks = [{ query: "$filter", status: 501 }];
    const [rep] = reps;
    if (!rep) throw new Error("nobody there");
    expect((await connector.read([rep], patience())).size).toBe(1);
    const before = queries.length;
    expect((await connector.read([rep], patience())).size).toBe(1);
    expect(queries.slice(before).some((query) => query.includes("$filter"))).toBe(false);
  });

  test("when nothing helps, the first refusal is the error", async () => {
    lacks = [{ query: "$select", status: 400 }];
    expect((await failureOf(connector.read(reps, patience()))).code).toBe("dataverse-rejected");
  });

  test.each<[string, readonly Lack[]]>([
    ["everything it needs", []],
    ["no expansion", [{ query: "$expand", status: 501 }]],
    ["no addresses of users", [{ query: "domainname", status: 400 }]],
    [
      "neither expansion nor filter",
      [
        { query: "$expand", status: 400 },
        { query: "$filter", status: 400 },
      ],
    ],
    [
      "none, and fewer columns of users",
      [
        { query: "$expand", status: 400 },
        { query: "$filter", status: 400 },
        { query: "accessmode", status: 400 },
      ],
    ],
  ])("the reps are found with %s", async (_what, missing) => {
    lacks = missing;
    const found = await connector.discover(patience());
    expect(found.map(({ user, teamsUser }) => [user, teamsUser])).toEqual(
      reps.map(({ systemUserId, teamsUserId }) => [systemUserId, teamsUserId]),
    );
    expect(new Set(found.map(({ standing }) => standing))).toEqual(new Set(["person"]));
    expect(connector.repOfAgentStatus(idAt(202))).toBe(reps[2]?.systemUserId);
  });

  test("the organization need not say who it is", async () => {
    lacks = [{ query: "organizationid", status: 403 }];
    expect(await connector.organization(patience())).toBeNull();
  });

  test.each<[string, EmulatorResponse, string]>([
    ["text", { status: 200, text: "<html>welcome</html>" }, "dataverse-answer-malformed"],
    ["another object", { status: 200, json: { value: 1 } }, "dataverse-answer-malformed"],
    ["no table", { status: 404, json: {} }, "dataverse-table-missing"],
    ["no privilege", { status: 403, json: {} }, "dataverse-read-privilege-missing"],
    [
      "a redirect",
      { status: 302, headers: { location: "/sign-in" }, text: "" },
      "dataverse-rejected",
    ],
  ])("an answer of %s is an error of its own", async (_form, given, code) => {
    other = given;
    expect((await failureOf(connector.read(reps, patience()))).code).toBe(code);
  });

  test("pages without end are an error", async () => {
    other = {
      status: 200,
      json: { value: [], "@odata.nextLink": "/gateway/api/data/v9.2/x?again" },
    };
    expect((await failureOf(connector.read(reps, patience()))).code).toBe(
      "dataverse-answer-malformed",
    );
  });

  test("[R74] where nobody listens, the write surely was not applied", async () => {
    const gone = await listen(answer, { tls: LOOPBACK_TLS });
    await gone.close();
    const nowhere = createDynamicsConnector({
      dataverseUrl: gone.url,
      scope: `${tenant.dataverse.url}/.default`,
      credential: secretCredential(tenant),
      mapping: DEFAULT_DYNAMICS_MAPPING,
      nowMs: Date.now,
    });
    const [rep] = reps;
    if (!rep) throw new Error("nobody there");
    expect(await failureOf(nowhere.write(rep, aWrite(nowhere, "Busy"), patience()))).toMatchObject({
      code: "dataverse-unreachable",
      surelyNotApplied: true,
    });
    await nowhere.close();
  });
});
