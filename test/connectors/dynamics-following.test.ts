import { afterEach, describe, expect, test } from "vitest";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../../src/connectors/dynamics/dynamics.ts";
import type { Hint } from "../../src/connectors/dynamics/webhook.ts";
import { OUT_OF_THE_BOX } from "../../src/connectors/dynamics/presences.ts";
import { makePeople } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { DEFAULT_DYNAMICS_MAPPING } from "../../src/presence/mapping.ts";
import { openWebhookService } from "../cli/webhook-service.ts";
import { identitiesOf, openTenant, secretCredential } from "./bench.ts";
import { patience } from "./contract.ts";

const REPS = 60;

describe("following Dynamics", () => {
  let tenant: Tenant;
  let connector: DynamicsConnector;
  let nowMs = 1_000_000;
  afterEach(async () => {
    await connector.close();
    await tenant.close();
  });

  async function open(reps: number): Promise<void> {
    tenant = await openTenant(makePeople(reps));
    connector = createDynamicsConnector({
      dataverseUrl: tenant.dataverse.url,
      credential: secretCredential(tenant),
      mapping: DEFAULT_DYNAMICS_MAPPING,
      timeoutMs: 60_000,
      nowMs: () => nowMs,
    });
  }
  const control = () => tenant.dataverse.control;
  const requests = (): number => control().requests()["msdyn_agentstatuses"] ?? 0;
  /** Everybody's status as the connector reads it, and how many calls that took. */
  const sweep = async () => {
    const before = requests();
    const seen = await connector.read(identitiesOf(tenant), AbortSignal.timeout(60_000));
    return {
      seen,
      statusOf: (at: number) => seen.get(repAt(at).rep)?.status,
      calls: requests() - before,
    };
  };
  const repAt = (at: number) => {
    const rep = identitiesOf(tenant)[at];
    if (!rep) throw new Error("nobody there");
    return rep;
  };
  const choose = async (at: number, presenceId: string): Promise<void> => {
    const userId = repAt(at).systemUserId;
    control().choose({ userId, presenceId });
    await expect
      .poll(() => control().state({ userId }).row?.["_msdyn_currentpresenceid_value"])
      .toBe(presenceId);
  };

  test("[R390] says of whom another thing may be said: of anybody, once the presences were read again", async () => {
    await open(REPS);
    const changed = async () => (await sweep()).seen.changed?.();
    expect(await changed()).toBeNull();
    expect(await changed()).toEqual(new Set());
    await choose(3, OUT_OF_THE_BOX.Away);
    // Whoever reads but a few does not take it from whoever looks at everybody.
    await connector.read([repAt(3)], AbortSignal.timeout(60_000));
    expect(await changed()).toEqual(new Set([repAt(3).rep]));
    nowMs += 60_000;
    expect(await changed()).toBeNull();
    expect(await changed()).toEqual(new Set());
  });

  test("[R163] a change is seen by reading what changed, by reading whole pages, and the same way", async () => {
    await open(REPS);
    expect(await sweep()).toMatchObject({ calls: 1 });
    await choose(3, OUT_OF_THE_BOX.Away);
    const followed = await sweep();
    expect([followed.seen.size, followed.calls, followed.statusOf(3)]).toEqual([REPS, 1, "Away"]);
    control().deleteUser({ userId: repAt(7).systemUserId });
    const fewer = await sweep();
    expect([fewer.seen.size, fewer.statusOf(7)]).toEqual([REPS - 1, undefined]);

    control().settings({ changeTracking: false });
    await choose(4, OUT_OF_THE_BOX["Busy - DND"]);
    const paged = await sweep();
    expect([paged.seen.size, paged.statusOf(3), paged.statusOf(4)]).toEqual([
      REPS - 1,
      "Away",
      "DoNotDisturb",
    ]);
    expect((await sweep()).calls).toBe(1);
    control().settings({ changeTracking: true });
    nowMs += 60 * 60_000;
    await sweep();
    await choose(5, OUT_OF_THE_BOX.Busy);
    expect((await sweep()).statusOf(5)).toBe("Busy");
  });

  test.each([400, 410] as const)(
    "[R164] a link that has grown too old is refused with %s, and everybody is read again",
    async (expiredTokenStatus) => {
      await open(REPS);
      control().settings({ expiredTokenStatus });
      await sweep();
      await choose(2, OUT_OF_THE_BOX.Away);
      // Nothing will ever tell of a row that went meanwhile: it just does not come any more.
      control().deleteUser({ userId: repAt(7).systemUserId });
      control().expireDeltaTokens();
      const anew = await sweep();
      expect([anew.seen.size, anew.statusOf(2), anew.statusOf(7)]).toEqual([
        REPS - 1,
        "Away",
        undefined,
      ]);
      await choose(2, OUT_OF_THE_BOX.Busy);
      expect(await sweep()).toMatchObject({ calls: 1 });
      expect((await sweep()).statusOf(2)).toBe("Busy");
    },
  );

  test("[R163] thirty thousand reps are read in one sweep, and then only what changed", async () => {
    await open(30_000);
    const whole = await sweep();
    expect([whole.seen.size, whole.calls]).toEqual([30_000, 6]);
    await choose(29_999, OUT_OF_THE_BOX.Away);
    const next = await sweep();
    expect([next.seen.size, next.calls, next.statusOf(29_999)]).toEqual([30_000, 1, "Away"]);
  });

  test("[R165] a change of capacity alone makes nobody read; a presence, a sign-out and who chose it do", async () => {
    await open(2);
    const key = "a-webhook-key-of-no-value";
    await using service = await openWebhookService([key], (hint) => connector.isNews(hint));
    control().registerWebhook({
      url: service.webhookUrl,
      headerName: "x-lockstep-key",
      headerValue: key,
      mode: "async",
    });
    const userId = repAt(0).systemUserId;
    control().settings({ repeatWritesRow: true });
    /** What became of the webhooks of one act: it writes the row once or twice. */
    const next = async (act: () => void): Promise<ReadonlySet<string>> => {
      await connector.read([repAt(0)], patience());
      const { length } = service.results;
      act();
      await expect
        .poll(
          () =>
            service.results.length > length &&
            service.results.length === control().webhooks().length,
        )
        .toBe(true);
      return new Set(service.results.slice(length));
    };
    const work = { userId, units: 10 };
    expect(await next(() => control().acceptConversation(work))).toContain("hint");
    expect(await next(() => control().acceptConversation(work))).toEqual(new Set(["nothing-new"]));
    expect(await next(() => control().closeConversation(work))).toEqual(new Set(["nothing-new"]));
    const presenceId = OUT_OF_THE_BOX.Busy;
    expect(await next(() => control().choose({ userId, presenceId }))).toContain("hint");
    expect(await next(() => control().disconnect({ userId }))).toContain("hint");
    expect(await next(() => control().login({ userId }))).toContain("hint");
  });

  test("[R165] what came along while others were read is still news about her", async () => {
    await open(REPS);
    const key = "a-webhook-key-of-no-value";
    const hints: Hint[] = [];
    await using service = await openWebhookService([key], (hint) => {
      const isHers = hint.rep === repAt(9).systemUserId;
      if (isHers && hint.presenceId === OUT_OF_THE_BOX.Busy) hints.push(hint);
      return isHers;
    });
    control().registerWebhook({
      url: service.webhookUrl,
      headerName: "x-lockstep-key",
      headerValue: key,
      mode: "async",
    });
    await sweep();
    await choose(9, OUT_OF_THE_BOX.Busy);
    await expect.poll(() => hints.length).toBeGreaterThan(0);
    const others = identitiesOf(tenant).filter(({ rep }) => rep !== repAt(9).rep);
    const seen = await connector.read(others, patience());
    expect(seen.size).toBe(REPS - 1);
    const isNews = () => hints.some((hint) => connector.isNews(hint));
    expect(isNews()).toBe(true);
    await connector.read([repAt(9)], patience());
    expect(isNews()).toBe(false);
    const nothing = { presenceId: null, loggedIn: null, modifiedBy: null, modifiedAtMs: null };
    const says = (columns: Partial<Hint>): readonly boolean[] =>
      hints.map((hint) => connector.isNews({ ...hint, ...nothing, ...columns }));
    // One that was stripped of its columns may say anything.
    expect(new Set(says({ hasColumns: false }))).toEqual(new Set([true]));
    expect(new Set(says({ loggedIn: false }))).toEqual(new Set([true]));
    expect(new Set(says({ loggedIn: true }))).toEqual(new Set([false]));
  });
});
