import { expect, test } from "vitest";
import { EVERYBODY, pausesOf } from "../../src/directory/pauses.ts";
import { repId } from "../../src/presence/identity.ts";

const ANA = repId("ana");
const record = (id: string, body: unknown, expiresAtMs: number | null = null) => ({
  id,
  body,
  expiresAtMs,
});

test("[R113] records say who is left alone: one rep, or everybody", () => {
  const by = { by: "the rep", sinceMs: 5 };
  expect(pausesOf([], 10)).toEqual({ all: null, reps: new Map() });
  expect(pausesOf([record("ana", by)], 10)).toEqual({ all: null, reps: new Map([[ANA, by]]) });
  expect(pausesOf([record(EVERYBODY, by)], 10)).toEqual({ all: by, reps: new Map() });
});

test("[R115] a pause with an end is over when that has come", () => {
  const by = { by: "the rep", sinceMs: 5 };
  expect(pausesOf([record("ana", by, 11)], 10).reps.size).toBe(1);
  expect(pausesOf([record("ana", by, 10)], 10).reps.size).toBe(0);
});

test("[R113] a record that cannot be read pauses all the same: somebody wanted us to stop", () => {
  expect(pausesOf([record(EVERYBODY, "stop!")], 10).all).toMatchObject({ sinceMs: 10 });
});
