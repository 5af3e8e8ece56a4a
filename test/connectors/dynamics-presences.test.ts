import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../../src/connectors/dynamics/dynamics.ts";
import { OUT_OF_THE_BOX } from "../../src/connectors/dynamics/presences.ts";
import { CUSTOM_PRESENCES } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { PolicyError, readPolicyFile } from "../../src/policy.ts";
import type { RepIdentity } from "../../src/presence/identity.ts";
import { DEFAULT_DYNAMICS_MAPPING, type PresencePolicy } from "../../src/presence/mapping.ts";
import { identitiesOf, openTenant, secretCredential } from "./bench.ts";
import { aWrite, patience } from "./contract.ts";

const AWAY_BASE = 192_360_003;
const idOf = (name: string): string =>
  CUSTOM_PRESENCES.find((presence) => presence.name === name)?.id ?? "";
const [LUNCH, TRAINING, PAPERWORK] = ["Lunch", "Training", "Paperwork"].map(idOf) as [
  string,
  string,
  string,
];

describe("what is agreed of single presences", () => {
  let tenant: Tenant;
  let rep: RepIdentity;
  let nowMs = 1_000_000;
  let connector: DynamicsConnector | undefined;

  beforeEach(async () => {
    tenant = await openTenant();
    [rep] = identitiesOf(tenant) as [RepIdentity];
  });
  afterEach(async () => {
    await connector?.close();
    connector = undefined;
    await tenant.close();
  });

  const connect = (dynamics: object): DynamicsConnector => {
    const presences: PresencePolicy = readPolicyFile(JSON.stringify({ dynamics })).presences;
    connector = createDynamicsConnector({
      dataverseUrl: tenant.dataverse.url,
      credential: secretCredential(tenant),
      mapping: DEFAULT_DYNAMICS_MAPPING,
      presences,
      nowMs: () => nowMs,
    });
    return connector;
  };
  const shows = async (presenceId: string) => {
    const { control } = tenant.dataverse;
    const userId = rep.systemUserId;
    control.choose({ userId, presenceId });
    await expect
      .poll(() => control.state({ userId }).row?.["_msdyn_currentpresenceid_value"])
      .toBe(presenceId);
    return (await connector?.read([rep], patience()))?.get(rep.rep)?.status;
  };
  const written = async (status: "Busy" | "DoNotDisturb" | "InAMeeting") => {
    if (!connector) throw new Error("nobody is connected");
    await connector.write(rep, aWrite(connector, status), patience());
    return tenant.dataverse.control.writes().at(-1)?.presenceId;
  };

  test("[R166] a custom presence counts as what was agreed, or as nothing; others by their base status", async () => {
    connect({ presences: { [LUNCH.toUpperCase()]: "BeRightBack", [TRAINING]: null } });
    expect(await shows(LUNCH)).toBe("BeRightBack");
    expect(await shows(TRAINING)).toBeNull();
    expect(await shows(PAPERWORK)).toBe("Busy");
  });

  test("[R166] one is set in place of Microsoft's own only while routing sees no difference", async () => {
    connect({ sets: { Busy: PAPERWORK, DoNotDisturb: LUNCH, InAMeeting: TRAINING } });
    expect(await written("Busy")).toBe(PAPERWORK);
    expect(await written("DoNotDisturb")).toBe(OUT_OF_THE_BOX["Busy - DND"]);
    expect(await written("InAMeeting")).toBe(OUT_OF_THE_BOX.Busy);
    const { control } = tenant.dataverse;
    control.removePresence({ id: PAPERWORK });
    control.addPresence({ id: PAPERWORK, name: "Paperwork", basePresence: AWAY_BASE });
    nowMs += 60_000;
    expect(await written("Busy")).toBe(OUT_OF_THE_BOX.Busy);
  });

  test("[R166] what an administrator changes about a presence counts within a minute", async () => {
    connect({});
    expect(await shows(PAPERWORK)).toBe("Busy");
    const { control } = tenant.dataverse;
    control.addPresence({ id: PAPERWORK, name: "Paperwork", basePresence: AWAY_BASE });
    nowMs += 60_000;
    expect(await shows(PAPERWORK)).toBe("Away");
  });

  test("[R166] [R390] also after the clock was set back by an hour", async () => {
    connect({});
    expect(await shows(PAPERWORK)).toBe("Busy");
    const { control } = tenant.dataverse;
    control.addPresence({ id: PAPERWORK, name: "Paperwork", basePresence: AWAY_BASE });
    nowMs -= 3_600_000;
    expect(await shows(PAPERWORK)).toBe("Away");
  });

  test.each([
    ["what makes her look free", { presences: { [LUNCH]: "Available" } }],
    ["what sends her home", { presences: { [LUNCH]: "Offline" } }],
    ["an id that is none", { presences: { lunch: "Away" } }],
  ])("[R166] %s is refused at start", (_what, dynamics) => {
    expect(() => readPolicyFile(JSON.stringify({ dynamics }))).toThrow(PolicyError);
  });
});
