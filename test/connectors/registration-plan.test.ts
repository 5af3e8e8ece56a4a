import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Change,
  columnsOf,
  endpointNameOf,
  fingerprintIn,
  fingerprintOf,
  planRegistration,
  planRemoval,
  type RegisteredEndpoint,
  type RegisteredStep,
  STEP_MESSAGES,
  stepNameOf,
  type Wanted,
} from "../../src/connectors/dynamics/registration-plan.ts";
import "../fuzz/same-cases.ts";

const URLS = ["https://lockstep.example/webhooks/dataverse", "https://other.example/hook"];
const KEYS = ["a-key-of-sixteen-letters", "another-key-of-no-value"];

/** What Dataverse would hold after a plan: a model that knows the rows and nothing of the planner. */
function afterwards(
  endpoints: readonly RegisteredEndpoint[],
  changes: readonly Change[],
  wanted: Wanted,
): readonly RegisteredEndpoint[] {
  let next = 0;
  const fresh = (): string => `new-${(next += 1)}`;
  const rows = new Map(endpoints.map((one) => [one.id, { ...one, steps: [...one.steps] }]));
  const ours = () => [...rows.values()].find(({ url }) => url === wanted.url);
  const good = (id: string, message: "Create" | "Update"): RegisteredStep => ({
    id,
    message,
    name: stepNameOf(message),
    mode: wanted.mode,
    stage: 40,
    enabled: true,
    columns: columnsOf(message),
  });
  const endpoint = (id: string, steps: RegisteredStep[]) => ({
    id,
    name: endpointNameOf(wanted.key),
    url: wanted.url,
    sendsHeader: true,
    steps,
  });
  for (const change of changes) {
    if (change.kind === "create endpoint") {
      const id = fresh();
      rows.set(id, endpoint(id, []));
    } else if (change.kind === "update endpoint") {
      rows.set(change.id, endpoint(change.id, rows.get(change.id)?.steps ?? []));
    } else if (change.kind === "delete endpoint") {
      if (rows.get(change.id)?.steps.length !== 0) throw new Error("its steps hold it");
      rows.delete(change.id);
    } else if (change.kind === "create step") {
      ours()?.steps.push(good(fresh(), change.message));
    } else {
      for (const row of rows.values()) {
        const at = row.steps.findIndex(({ id }) => id === change.id);
        if (at < 0) continue;
        if (change.kind === "delete step") row.steps.splice(at, 1);
        else row.steps[at] = good(change.id, change.message);
      }
    }
  }
  return [...rows.values()];
}

const step = fc.record({
  message: fc.constantFrom(...STEP_MESSAGES, null),
  mode: fc.constantFrom("async" as const, "sync" as const),
  stage: fc.constantFrom(20, 40),
  enabled: fc.boolean(),
  columns: fc.constantFrom([], ["msdyn_currentpresenceid"], columnsOf("Update")),
});
const endpoint = fc.record({
  name: fc.constantFrom("By hand", ...KEYS.map(endpointNameOf)),
  url: fc.constantFrom(...URLS),
  sendsHeader: fc.boolean(),
  steps: fc.array(step, { maxLength: 4 }),
});
const registered = fc.array(endpoint, { maxLength: 3 }).map((endpoints) =>
  endpoints.map((one, at) => ({
    ...one,
    id: `e${at}`,
    steps: one.steps.map((each, index) => ({ ...each, id: `e${at}s${index}`, name: "a step" })),
  })),
);
const wanted = fc.record({
  url: fc.constant(URLS[0] ?? ""),
  key: fc.constantFrom(...KEYS),
  mode: fc.constantFrom("async" as const, "sync" as const),
});

describe("the plan of a registration", () => {
  test("[R151] whatever was there, carrying it out leaves one endpoint with both steps and nothing to do", () => {
    fc.assert(
      fc.property(registered, wanted, (endpoints, want) => {
        const after = afterwards(endpoints, planRegistration(endpoints, want), want);
        expect(planRegistration(after, want)).toEqual([]);
        const [ours, ...copies] = after.filter(({ url }) => url === want.url);
        expect(copies).toEqual([]);
        expect(ours?.name).toBe(endpointNameOf(want.key));
        expect(ours?.steps.map(({ message }) => message).toSorted()).toEqual(["Create", "Update"]);
        const others = ({ url }: RegisteredEndpoint): boolean => url !== want.url;
        expect(after.filter(others)).toEqual(endpoints.filter(others));
      }),
    );
  });

  test("[R153] removing leaves nothing at our address, and everything at others", () => {
    fc.assert(
      fc.property(registered, wanted, (endpoints, want) => {
        const after = afterwards(endpoints, planRemoval(endpoints, want.url), want);
        expect(after).toEqual(endpoints.filter(({ url }) => url !== want.url));
      }),
    );
  });

  test("[R152] the name says which key is sent, and gives nothing of it away", () => {
    const [first = "", second = ""] = KEYS;
    expect(fingerprintIn(endpointNameOf(first))).toBe(fingerprintOf(first));
    expect(fingerprintOf(first)).not.toBe(fingerprintOf(second));
    expect(fingerprintIn("By hand")).toBeNull();
    expect(endpointNameOf(first)).not.toContain(first.slice(0, 8));
  });
});
