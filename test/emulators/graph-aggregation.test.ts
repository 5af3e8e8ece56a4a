import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphTenant, OTHER_WRITER, WRITER } from "./graph-tenant.ts";

let tenant: GraphTenant;
beforeAll(async () => {
  tenant = await GraphTenant.start();
});
afterAll(() => tenant.close());

/** One thing that happens to the user of a row. */
type Step = (userId: string) => unknown;

type ClientAvailability = Parameters<
  GraphTenant["graph"]["control"]["setClient"]
>[0]["availability"];

const client =
  (availability: ClientAvailability, activity?: string): Step =>
  (userId) =>
    tenant.graph.control.setClient({ userId, availability, activity: activity ?? null });
const manual =
  (availability: string, expiresInSeconds?: number): Step =>
  (userId) =>
    tenant.graph.control.setManual({
      userId,
      availability,
      ...(expiresInSeconds && { expiresInSeconds }),
    });
const reset: Step = (userId) => tenant.graph.control.resetManual({ userId });
const call =
  (activity: "InACall" | "InAConferenceCall" | "Presenting" = "InACall"): Step =>
  (userId) =>
    tenant.graph.control.startCall({ userId, activity });
const endCall: Step = (userId) => tenant.graph.control.endCall({ userId });
const meeting: Step = (userId) => tenant.graph.control.startMeeting({ userId });
const endMeeting: Step = (userId) => tenant.graph.control.endMeeting({ userId });
const minutes =
  (count: number): Step =>
  () =>
    tenant.graph.control.advance({ ms: count * 60_000 });

const act =
  (action: string, body: object, as = WRITER): Step =>
  async (userId) =>
    expect(await tenant.act(userId, action, body, as)).toBe(200);
const session = (pair: string, expirationDuration?: string, as = WRITER): Step => {
  const [availability, activity] = pair.split("/");
  return act("setPresence", { sessionId: as, availability, activity, expirationDuration }, as);
};
const endSession = act("clearPresence", { sessionId: WRITER });
const prefer = (pair: string, expirationDuration?: string): Step => {
  const [availability, activity] = pair.split("/");
  return act("setUserPreferredPresence", { availability, activity, expirationDuration });
};
const unprefer = act("clearUserPreferredPresence", {});

const DAY = 24 * 60;

const rows: readonly (readonly [string, string, readonly Step[]])[] = [
  ["nobody without a session is anything but Offline", "Offline/Offline", []],
  ["a client shows what it says", "Away/Away", [client("Away")]],
  ["a closed client leaves nothing", "Offline/Offline", [client("Busy"), client(null)]],
  ["an app alone shows what it says", "Busy/InACall", [session("Busy/InACall")]],
  [
    "Busy of an app lies over an Available client",
    "Busy/InACall",
    [client("Available"), session("Busy/InACall")],
  ],
  [
    "Available of an app does not lift a Busy client",
    "Busy/Busy",
    [client("Busy"), session("Available/Available")],
  ],
  [
    "Away of an app does not lower an Available client",
    "Available/Available",
    [client("Available"), session("Away/Away")],
  ],
  [
    "Available of an app lifts an Away client",
    "Available/Available",
    [client("Away"), session("Available/Available")],
  ],
  [
    "DoNotDisturb of an app lies over a Busy client",
    "DoNotDisturb/Presenting",
    [client("Busy"), session("DoNotDisturb/Presenting")],
  ],
  [
    "DoNotDisturb of a client lies over Busy of an app",
    "DoNotDisturb/DoNotDisturb",
    [client("DoNotDisturb"), session("Busy/InACall")],
  ],
  [
    "Be right back counts as Away",
    "Available/Available",
    [client("BeRightBack"), session("Available/Available")],
  ],
  [
    "an Offline client is the weakest session",
    "Away/Away",
    [client("Offline"), session("Away/Away")],
  ],
  [
    "among equals the latest shows",
    "BeRightBack/BeRightBack",
    [session("Away/Away"), client("BeRightBack")],
  ],
  [
    "a session that speaks again is the latest",
    "BeRightBack/BeRightBack",
    [client("BeRightBack"), session("Away/Away"), client("BeRightBack")],
  ],
  ["a call lies over a meeting, whichever came last", "Busy/InACall", [call(), meeting]],
  [
    "a meeting lies over plain Busy, whichever came last",
    "Busy/InAMeeting",
    [meeting, client("Busy")],
  ],
  [
    "a call that ends leaves the meeting",
    "Busy/InAMeeting",
    [client("Available"), meeting, call(), endCall],
  ],
  [
    "a meeting that ends leaves the client",
    "Available/Available",
    [client("Available"), meeting, endMeeting],
  ],
  [
    "sharing the screen is DoNotDisturb",
    "DoNotDisturb/Presenting",
    [client("Available"), call("Presenting")],
  ],
  [
    "a conference call is Busy",
    "Busy/InAConferenceCall",
    [client("Available"), call("InAConferenceCall")],
  ],
  [
    "two apps have a session each, and the stronger shows",
    "Busy/InACall",
    [session("Away/Away"), session("Busy/InACall", "PT1H", OTHER_WRITER)],
  ],
  [
    "one app has one session, and its latest word counts",
    "Away/Away",
    [session("Busy/InACall"), session("Away/Away")],
  ],
  [
    "a status picked by hand beats a stronger session",
    "Available/Available",
    [call(), manual("Available")],
  ],
  [
    "a status picked by hand beats a weaker session",
    "DoNotDisturb/DoNotDisturb",
    [client("Available"), manual("DoNotDisturb")],
  ],
  [
    "appearing offline is Offline/OffWork",
    "Offline/OffWork",
    [client("Available"), manual("Offline")],
  ],
  ["a preferred presence needs a session", "Offline/Offline", [manual("Busy")]],
  ["a preferred presence waits for a session", "Busy/Busy", [manual("Busy"), client("Available")]],
  [
    "a preferred presence goes with the last session",
    "Offline/Offline",
    [client("Available"), manual("Busy"), client(null)],
  ],
  [
    "a session of an app carries a preferred presence too",
    "BeRightBack/BeRightBack",
    [prefer("BeRightBack/BeRightBack"), session("Available/Available")],
  ],
  [
    "an app's preferred presence replaces one picked by hand",
    "Away/Away",
    [client("Available"), manual("Busy"), prefer("Away/Away")],
  ],
  [
    "a status picked by hand replaces an app's preferred presence",
    "Busy/Busy",
    [client("Available"), prefer("Away/Away"), manual("Busy")],
  ],
  [
    "an app clears a status picked by hand",
    "Available/Available",
    [client("Available"), manual("Busy"), unprefer],
  ],
  [
    "resetting the status shows the sessions again",
    "Available/Available",
    [client("Available"), manual("Busy"), reset],
  ],
  [
    "clearing an app's only session leaves Offline",
    "Offline/Offline",
    [session("Busy/InACall"), endSession],
  ],
  [
    "clearing an app's session shows the client again",
    "Available/Available",
    [client("Available"), session("Busy/InACall"), endSession],
  ],
  [
    "Available of an app is fresh for 5 minutes",
    "Available/Available",
    [session("Available/Available", "PT1H"), minutes(4.99)],
  ],
  [
    "Available of an app turns inactive after 5 minutes",
    "Available/AvailableInactive",
    [session("Available/Available", "PT1H"), minutes(5)],
  ],
  [
    "Available of an app turns Away after 10 minutes",
    "Away/Away",
    [session("Available/Available", "PT1H"), minutes(10)],
  ],
  [
    "saying Available again keeps it fresh",
    "Available/Available",
    [
      session("Available/Available", "PT1H"),
      minutes(4),
      session("Available/Available", "PT1H"),
      minutes(4),
    ],
  ],
  ["a client's Available never fades", "Available/Available", [client("Available"), minutes(DAY)]],
  [
    "an inactive app does not hide an Available client",
    "Available/Available",
    [client("Available"), session("Available/Available", "PT1H"), minutes(5)],
  ],
  [
    "a faded app yields to a Busy one",
    "Busy/InACall",
    [
      session("Available/Available", "PT1H"),
      session("Busy/InACall", "PT1H", OTHER_WRITER),
      minutes(10),
    ],
  ],
  ["Busy of an app does not fade", "Busy/InACall", [session("Busy/InACall", "PT1H"), minutes(59)]],
  [
    "a session ends at its expiry",
    "Offline/Offline",
    [session("Busy/InACall", "PT1H"), minutes(60)],
  ],
  [
    "a session lasts 5 minutes when nothing is said",
    "Busy/InACall",
    [session("Busy/InACall"), minutes(4.99)],
  ],
  [
    "a session ends after 5 minutes when nothing is said",
    "Offline/Offline",
    [session("Busy/InACall"), minutes(5)],
  ],
  [
    "a preferred presence ends at its expiry",
    "Available/Available",
    [client("Available"), prefer("Busy/Busy", "PT8H"), minutes(480)],
  ],
  [
    "a preferred Busy lasts for a day when nothing is said",
    "Busy/Busy",
    [client("Available"), prefer("Busy/Busy"), minutes(DAY - 1)],
  ],
  [
    "a preferred Busy ends after a day when nothing is said",
    "Available/Available",
    [client("Available"), prefer("Busy/Busy"), minutes(DAY)],
  ],
  [
    "a preferred DoNotDisturb ends after a day when nothing is said",
    "Available/Available",
    [client("Available"), prefer("DoNotDisturb/DoNotDisturb"), minutes(DAY)],
  ],
  [
    "a preferred Away lasts for more than six days",
    "Away/Away",
    [client("Available"), prefer("Away/Away"), minutes(7 * DAY - 1)],
  ],
  [
    "a preferred Away ends after seven days",
    "Available/Available",
    [client("Available"), prefer("Away/Away"), minutes(7 * DAY)],
  ],
  [
    "a status picked for an hour ends after it",
    "Available/Available",
    [client("Available"), manual("Busy", 3600), minutes(60)],
  ],
];

describe("presence is aggregated so that", () => {
  it.each(rows)("%s", async (_title, expected, steps) => {
    const userId = tenant.addUser();
    for (const step of steps) await step(userId);
    expect(await tenant.shown(userId)).toBe(expected);
  });
});

describe("a change of presence", () => {
  it("raises the sequence number as a string, and a write that shows nothing does not", async () => {
    const userId = tenant.addUser();
    const sequence = () => tenant.graph.control.state({ userId }).sequenceNumber;
    const seen = [sequence()];
    for (const step of [client("Available"), session("Busy/InACall", "PT1H"), endSession]) {
      await step(userId);
      seen.push(sequence());
    }
    expect(seen.toSorted()).toEqual(seen);
    expect(new Set(seen).size).toBe(4);
    await session("Away/Away")(userId);
    expect(sequence()).toBe(seen.at(-1));
  });

  it("reaches listeners once each, in order, including every step of a fade", async () => {
    const userId = tenant.addUser();
    const heard: string[] = [];
    const sequences: string[] = [];
    tenant.graph.onChange((id, availability, activity, sequenceNumber) => {
      if (id !== userId) return;
      heard.push(`${availability}/${activity}`);
      sequences.push(sequenceNumber);
    });
    await session("Available/Available", "PT1H")(userId);
    await minutes(120)(userId);
    expect(heard).toEqual([
      "Available/Available",
      "Available/AvailableInactive",
      "Away/Away",
      "Offline/Offline",
    ]);
    expect(sequences.toSorted()).toEqual(sequences);
  });

  it("tells in the control's state which sources made it", async () => {
    const userId = tenant.addUser();
    await client("Available")(userId);
    await session("Busy/InACall", "PT1H")(userId);
    await manual("Away")(userId);
    expect(tenant.graph.control.state({ userId })).toMatchObject({
      availability: "Away",
      sessions: [
        { id: "client", availability: "Available" },
        { id: `app:${WRITER}`, availability: "Busy", activity: "InACall" },
      ],
      preferred: { availability: "Away", setBy: "human" },
      writes: 1,
    });
  });
});
