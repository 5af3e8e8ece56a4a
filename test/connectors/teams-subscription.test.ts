import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Held,
  isDelivering,
  newSubscription,
  step,
  type Subscription,
  SUBSCRIPTION_STATES,
  type SubscriptionCommand,
  type SubscriptionEvent,
  type SubscriptionState,
} from "../../src/connectors/teams/subscription.ts";
import { teamsUserId } from "../../src/presence/identity.ts";
import "../fuzz/same-cases.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const REPS = ["ann", "ben"].map(teamsUserId);
const OTHERS = ["ann", "ben", "cyd"].map(teamsUserId);
const HELD: Held = { id: "one", users: REPS, expiresAtMs: NOW + 60 * MINUTE };

const FAILED: SubscriptionEvent = {
  kind: "failed",
  code: "graph-unavailable",
  retryAfterMs: 0,
  signedOut: false,
};
const SIGNED_OUT: SubscriptionEvent = {
  kind: "failed",
  code: "entra-subscriber-signed-out",
  retryAfterMs: 0,
  signedOut: true,
};
const wanted = (users = REPS): SubscriptionEvent => ({ kind: "wanted", users });
const lifecycle = (
  says: Extract<SubscriptionEvent, { kind: "lifecycle" }>["says"],
): SubscriptionEvent => ({ kind: "lifecycle", says });

/** Applies events one after the other, at one moment unless an event comes with a time of its own. */
function play(
  from: Subscription,
  ...events: readonly (SubscriptionEvent | readonly [SubscriptionEvent, number])[]
): { readonly now: Subscription; readonly did: readonly SubscriptionCommand[] } {
  let now = from;
  const did: SubscriptionCommand[] = [];
  for (const given of events) {
    const [event, atMs] = Array.isArray(given)
      ? (given as readonly [SubscriptionEvent, number])
      : [given as SubscriptionEvent, NOW];
    const { subscription, commands } = step(now, event, atMs, 0.5);
    now = subscription;
    did.push(...commands);
  }
  return { now, did };
}

const live = (): Subscription =>
  play(newSubscription(), wanted(), { kind: "created", held: HELD }).now;

type Row = readonly [
  what: string,
  from: Subscription,
  events: readonly SubscriptionEvent[],
  state: SubscriptionState,
  did: readonly SubscriptionCommand[],
];

const waiting = play(newSubscription(), wanted(), FAILED).now;
const adopting = play(newSubscription(), wanted(), { kind: "exists" }).now;
const renewing = play(live(), lifecycle("reauthorizationRequired")).now;
const removing = play(live(), wanted(OTHERS)).now;
const signedOut = play(newSubscription(), wanted(), SIGNED_OUT).now;

const TABLE: readonly Row[] = [
  ["nobody is to be watched", newSubscription(), [wanted([])], "absent", []],
  ["somebody is to be watched", newSubscription(), [wanted()], "creating", ["create"]],
  [
    "it was made: everybody is read",
    newSubscription(),
    [wanted(), { kind: "created", held: HELD }],
    "live",
    ["create", "read"],
  ],
  [
    "[R122] there is one already",
    newSubscription(),
    [wanted(), { kind: "exists" }],
    "adopting",
    ["create", "list"],
  ],
  [
    "[R122] the one that is there is ours",
    adopting,
    [{ kind: "adopted", held: HELD }],
    "live",
    ["read"],
  ],
  [
    "[R122] the one that is there is not ours",
    adopting,
    [{ kind: "foreign", id: "x" }, { kind: "gone" }],
    "creating",
    ["remove", "create"],
  ],
  [
    "[R122] the one that was there is not there any more",
    adopting,
    [{ kind: "gone" }],
    "creating",
    ["create"],
  ],
  [
    "[R122, R127] at its renewal it is gone",
    renewing,
    [{ kind: "gone" }],
    "creating",
    ["create", "read"],
  ],
  ["it was renewed", renewing, [{ kind: "renewed", expiresAtMs: NOW + 60 * MINUTE }], "live", []],
  ["[R123] its renewal failed: it still delivers", renewing, [FAILED], "live", []],
  ["[R120] others are to be watched", live(), [wanted(OTHERS)], "removing", ["remove"]],
  [
    "[R120] others are to be watched, and it is gone",
    removing,
    [{ kind: "gone" }],
    "creating",
    ["create"],
  ],
  [
    "[R120] nobody is to be watched any more",
    live(),
    [wanted([]), { kind: "gone" }],
    "absent",
    ["remove"],
  ],
  ["[R120] the same people in another order", live(), [wanted(REPS.toReversed())], "live", []],
  ["[R126] it fell silent", live(), [{ kind: "silent" }], "removing", ["remove"]],
  [
    "[R124] reauthorizationRequired",
    live(),
    [lifecycle("reauthorizationRequired")],
    "renewing",
    ["renew"],
  ],
  [
    "[R124] subscriptionRemoved",
    live(),
    [lifecycle("subscriptionRemoved")],
    "renewing",
    ["renew", "read"],
  ],
  ["[R124] missed", live(), [lifecycle("missed")], "live", ["read"]],
  ["[R124] one that we do not know", live(), [lifecycle("unknown")], "live", ["read"]],
  [
    "[R124] a second reauthorizationRequired while the first is obeyed",
    renewing,
    [lifecycle("reauthorizationRequired")],
    "renewing",
    [],
  ],
  [
    "[R123] others are to be watched while a request is under way",
    renewing,
    [wanted(OTHERS), { kind: "renewed", expiresAtMs: NOW + MINUTE }],
    "removing",
    ["remove"],
  ],
  ["[R123] others are to be watched while it waits", waiting, [wanted(OTHERS)], "waiting", []],
  ["[R125] the account is signed out", renewing, [SIGNED_OUT], "signed-out", []],
  [
    "[R125] others are to be watched while it is signed out",
    signedOut,
    [wanted(OTHERS)],
    "signed-out",
    [],
  ],
];

test.each(TABLE)("%s", (_what, from, events, state, did) => {
  const after = play(from, ...events);
  expect([after.now.state, after.did]).toEqual([state, did]);
});

describe("[R121] it is renewed", () => {
  const dueAfterMs = (random: number): number => {
    const { subscription } = step(newSubscription(), wanted(), NOW, random);
    const { dueAtMs } = step(
      subscription,
      { kind: "created", held: HELD },
      NOW,
      random,
    ).subscription;
    return (dueAtMs ?? 0) - NOW;
  };

  test("at half its life, a tenth sooner or later", () => {
    expect([0, 0.5].map(dueAfterMs)).toEqual([27 * MINUTE, 30 * MINUTE]);
    expect(dueAfterMs(0.999)).toBeLessThan(33 * MINUTE);
  });

  test("not a moment before, and then once", () => {
    const early = play(live(), [{ kind: "due" }, NOW + 29 * MINUTE]);
    const due = play(
      live(),
      [{ kind: "due" }, NOW + 30 * MINUTE],
      [{ kind: "due" }, NOW + 31 * MINUTE],
    );
    expect([early.did, due.did]).toEqual([[], ["renew"]]);
  });

  test("once a minute at most, whatever Graph says of its end", () => {
    const past = play(renewing, { kind: "renewed", expiresAtMs: NOW + 1_000 });
    const farOff = play(renewing, { kind: "renewed", expiresAtMs: NOW + 90 * 24 * 60 * MINUTE });
    expect(past.now.dueAtMs).toBe(NOW + MINUTE);
    expect(farOff.now).toMatchObject({ dueAtMs: NOW + 30 * MINUTE, state: "live" });
  });

  test("until it has expired: then it is made anew", () => {
    const { now, did } = play(renewing, FAILED, [{ kind: "due" }, NOW + 61 * MINUTE]);
    expect([now.state, did]).toEqual(["creating", ["create"]]);
  });

  test("after a restart at once: that proves that it is there", () => {
    const { now, did } = play(newSubscription(HELD), wanted());
    expect([now.state, did]).toEqual(["renewing", ["renew"]]);
  });
});

describe("[R123] what fails is tried again", () => {
  test("later and later, five minutes apart at most, and at once when something succeeded", () => {
    let now = play(newSubscription(), wanted(), FAILED).now;
    const waits: number[] = [];
    for (let count = 0; count < 10; count += 1) {
      const dueAtMs = now.dueAtMs ?? 0;
      waits.push((dueAtMs - NOW) / 1000);
      const tried = play(now, [{ kind: "due" }, dueAtMs]);
      expect(tried.did).toEqual(["create"]);
      now = play(tried.now, FAILED).now;
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    const well = play({ ...now, state: "creating" }, { kind: "created", held: HELD }).now;
    expect(well).toMatchObject({ failures: 0, lastError: null });
  });

  test("not before the time that Graph named", () => {
    const { now } = play(newSubscription(), wanted(), { ...FAILED, retryAfterMs: 15 * MINUTE });
    expect(now.dueAtMs).toBe(NOW + 15 * MINUTE);
  });

  test("slowly too when Graph speaks of a duplicate and shows none", () => {
    const first = play(adopting, { kind: "gone" });
    const second = play(first.now, { kind: "exists" }, { kind: "gone" });
    expect([first.did, second.did]).toEqual([["create"], ["list"]]);
    expect(second.now.state).toBe("waiting");
  });
});

describe("[R126] a silent one", () => {
  test("is replaced again and again only in longer and longer intervals, until it is heard", () => {
    const madeAnew = (from: Subscription, atMs: number) =>
      play(
        from,
        [{ kind: "silent" }, atMs],
        [{ kind: "gone" }, atMs],
        [{ kind: "created", held: { ...HELD, expiresAtMs: atMs + 60 * MINUTE } }, atMs],
      ).now;
    const once = madeAnew(live(), NOW);
    const soon = play(once, [{ kind: "silent" }, NOW + MINUTE]);
    const later = play(once, [{ kind: "silent" }, NOW + 2 * MINUTE]);
    const heardOf = play(once, { kind: "heard" }, [{ kind: "silent" }, NOW + MINUTE]);
    expect([soon.did, later.did, heardOf.did]).toEqual([[], ["remove"], ["remove"]]);
  });

  test("that is being renewed is replaced after that", () => {
    const { did } = play(
      renewing,
      { kind: "silent" },
      { kind: "renewed", expiresAtMs: NOW + MINUTE },
    );
    expect(did).toEqual(["remove"]);
  });
});

test("[R125] a signed-out account asks again twice an hour", () => {
  const { now, did } = play(signedOut, [{ kind: "due" }, NOW + 29 * MINUTE]);
  expect([now.state, did]).toEqual(["signed-out", []]);
  expect(play(signedOut, [{ kind: "due" }, NOW + 30 * MINUTE]).did).toEqual(["create"]);
});

test("[R123] whatever happens, one request at most is under way, and something always leads on", () => {
  const events: fc.Arbitrary<SubscriptionEvent> = fc.oneof(
    fc.constantFrom<SubscriptionEvent>(wanted(), wanted(OTHERS), wanted([])),
    fc.constantFrom<SubscriptionEvent>({ kind: "heard" }, { kind: "silent" }, { kind: "due" }),
    fc
      .constantFrom("reauthorizationRequired", "subscriptionRemoved", "missed", "unknown")
      .map((says) => lifecycle(says as "missed")),
  );
  const answers: Readonly<Record<string, readonly SubscriptionEvent[]>> = {
    create: [{ kind: "created", held: HELD }, { kind: "exists" }, FAILED, SIGNED_OUT],
    list: [{ kind: "adopted", held: HELD }, { kind: "foreign", id: "x" }, { kind: "gone" }, FAILED],
    renew: [
      { kind: "renewed", expiresAtMs: NOW + 60 * MINUTE },
      { kind: "gone" },
      FAILED,
      SIGNED_OUT,
    ],
    remove: [{ kind: "gone" }, FAILED],
  };
  const move = fc.record({
    event: events,
    answer: fc.nat(),
    land: fc.boolean(),
    waitMs: fc.nat(5 * MINUTE),
  });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      let now = newSubscription();
      const flying: SubscriptionCommand[] = [];
      let atMs = NOW;
      const take = (event: SubscriptionEvent): void => {
        const { subscription, commands } = step(now, event, atMs, 0.3);
        now = subscription;
        for (const command of commands.filter((one) => one !== "read")) {
          expect(flying).toEqual([]);
          flying.push(command);
        }
      };
      for (const { event, answer, land, waitMs } of moves) {
        atMs += waitMs;
        take(event);
        for (const landed of land ? flying.splice(0) : []) {
          const options: readonly SubscriptionEvent[] = answers[landed] ?? [];
          take(options[answer % options.length] ?? FAILED);
        }
        expect(SUBSCRIPTION_STATES).toContain(now.state);
        const rests = now.state === "absent" && now.wanted.length === 0;
        expect(flying.length > 0 || now.dueAtMs !== null || rests).toBe(true);
        if (isDelivering(now)) expect(now.held).not.toBeNull();
      }
    }),
  );
});
