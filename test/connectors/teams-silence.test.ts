import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ANNOUNCED_WITHIN_MS,
  found,
  heard,
  judge,
  type Listening,
  nextMissAtMs,
  startListening,
  type Verdict,
} from "../../src/connectors/teams/silence.ts";
import { teamsUserId } from "../../src/presence/identity.ts";
import "../fuzz/same-cases.ts";

const [ANN, BEN, CYD] = ["ann", "ben", "cyd"].map(teamsUserId) as [
  ReturnType<typeof teamsUserId>,
  ReturnType<typeof teamsUserId>,
  ReturnType<typeof teamsUserId>,
];
const START = 1_000_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const verdictAt = (listening: Listening, atMs: number): Verdict["kind"] =>
  judge(listening, atMs).verdict.kind;

/** A reading at `seenAtMs` that finds somebody changed since the reading `pollMs` before. */
const poll = (listening: Listening, user: typeof ANN, seenAtMs: number, pollMs = 5 * SECOND) =>
  found(listening, { user, afterMs: seenAtMs - pollMs, seenAtMs });

describe("[R126] a change that a reading found", () => {
  const since = START + 10 * MINUTE;

  test("and that was announced before, in time or late, speaks against nobody", () => {
    const before = poll(heard(startListening(START), [ANN], since - SECOND), ANN, since);
    const inTime = heard(poll(startListening(START), ANN, since), [ANN], since + 10 * SECOND);
    const late = heard(poll(startListening(START), ANN, since), [ANN], since + 59 * SECOND);
    for (const listening of [before, inTime, late]) {
      expect(verdictAt(listening, since + 10 * MINUTE)).toBe("well");
    }
  });

  test("and that nobody announced for a minute means silence, not a moment earlier", () => {
    const listening = poll(startListening(START), ANN, since);
    expect(nextMissAtMs(listening)).toBe(since + ANNOUNCED_WITHIN_MS);
    expect(verdictAt(listening, since + MINUTE - 1)).toBe("well");
    expect(judge(listening, since + MINUTE).verdict).toEqual({ kind: "silent", sinceMs: START });
  });

  test("is found within one poll and a minute after it happened, however long the poll", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 3_600_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (pollMs, share) => {
          const happenedAtMs = since + pollMs * share;
          const seenAtMs = since + pollMs;
          const listening = poll(startListening(START - pollMs), ANN, seenAtMs, pollMs);
          expect(verdictAt(listening, happenedAtMs + pollMs + MINUTE)).toBe("silent");
        },
      ),
    );
  });

  test("tells since when nothing was heard", () => {
    const talked = heard(startListening(START), [BEN], START + 3 * MINUTE);
    const { verdict } = judge(poll(talked, ANN, since), since + MINUTE);
    expect(verdict).toEqual({ kind: "silent", sinceMs: START + 3 * MINUTE });
  });

  test("may be older than the subscription, and then proves nothing", () => {
    const listening = poll(startListening(since - SECOND), ANN, since);
    expect(verdictAt(listening, since + 10 * MINUTE)).toBe("well");
  });

  test("may be old news, because the reading that its notification caused was behind", () => {
    const announced = heard(startListening(START), [ANN], since);
    const later = found(announced, {
      user: ANN,
      afterMs: since + 50,
      seenAtMs: since + 5 * SECOND,
    });
    expect(verdictAt(later, since + 2 * MINUTE)).toBe("well");
  });
});

describe("[R126] a subscription that announces some and not others", () => {
  test("is forgiven one, and replaced after three in ten minutes", () => {
    let listening = startListening(START);
    const verdicts: string[] = [];
    for (let count = 1; count <= 3; count += 1) {
      const atMs = START + count * 2 * MINUTE;
      listening = poll(listening, ANN, atMs);
      listening = heard(listening, [BEN], atMs + SECOND);
      const judged = judge(listening, atMs + MINUTE);
      listening = judged.listening;
      verdicts.push(judged.verdict.kind);
    }
    expect(verdicts).toEqual(["well", "well", "silent"]);
  });

  test("is forgiven for good what lies more than ten minutes back", () => {
    let listening = startListening(START);
    for (let count = 1; count <= 20; count += 1) {
      const atMs = START + count * 11 * MINUTE;
      listening = heard(poll(listening, ANN, atMs), [BEN], atMs + SECOND);
      const judged = judge(listening, atMs + MINUTE);
      listening = judged.listening;
      expect(judged.verdict.kind).toBe("well");
    }
  });
});

describe("[R126] a subscription that is quieter than it was", () => {
  /** One notification every five seconds for half an hour. */
  const busy = (): Listening => {
    let listening = startListening(START);
    for (let count = 1; count <= 360; count += 1) {
      listening = heard(listening, [[ANN, BEN, CYD][count % 3] ?? ANN], START + count * 5 * SECOND);
    }
    return listening;
  };
  const stopped = START + 30 * MINUTE;

  test("is doubted after a pause that is long for it, once a minute, and not called silent", () => {
    const listening = busy();
    expect(verdictAt(listening, stopped + 30 * SECOND)).toBe("well");
    const first = judge(listening, stopped + 3 * MINUTE);
    expect(first.verdict.kind).toBe("doubtful");
    expect(verdictAt(first.listening, stopped + 3.5 * MINUTE)).toBe("well");
    expect(verdictAt(first.listening, stopped + 4 * MINUTE)).toBe("doubtful");
  });

  test("is not doubted when it never said much", () => {
    const listening = heard(startListening(START), [ANN], START + MINUTE);
    expect(verdictAt(listening, START + 10 * 60 * MINUTE)).toBe("well");
  });

  test("is believed again as soon as it is heard", () => {
    const { listening } = judge(busy(), stopped + 3 * MINUTE);
    expect(verdictAt(heard(listening, [ANN], stopped + 4 * MINUTE), stopped + 4.5 * MINUTE)).toBe(
      "well",
    );
  });
});
