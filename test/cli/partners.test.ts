import { expect, test } from "vitest";
import { type Environment, run } from "./terminal.ts";
import { ANA, Office } from "../api/office.ts";

const HOLD = { status: "InACall", ttlSeconds: 60 };

const environmentOf = (office: Office): Environment => ({
  TENANT_ID: "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11",
  CLIENT_ID: "0b1d2c3e-0000-4000-8000-000000000002",
  CLIENT_SECRET: "s",
  DATAVERSE_URL: "https://contoso.example",
  DATABASE_URL: `sqlite:${office.path}`,
});

test("[R206] a partner is created, bound, rotated and revoked while the service runs", async () => {
  const office = await Office.open({});
  const env = environmentOf(office);
  const host = { nowMs: () => office.clock.nowMs() };
  const cli = (...words: string[]) => run(env, ["partners", ...words], host);
  const follow = async (): Promise<void> => {
    await office.clock.advance(2_500);
    await office.clock.settle();
  };
  const put = async (secret: string): Promise<number> => {
    const line = `PUT /reps/${ANA.rep}/holds/c`;
    return (await office.ask(line, { as: "desk", secret, body: HOLD })).status;
  };
  const made = await cli("create", "desk", "--kind", "hold", "--rep", ANA.rep);
  expect(made.exit).toBe(0);
  expect(made.printed).toMatch(/^whsec_[\w+/]{43}=$/);
  await follow();
  expect(await put(made.printed)).toBe(202);
  const status = { as: "desk", secret: made.printed, body: { status: "Busy" } };
  expect((await office.ask(`PUT /reps/${ANA.rep}/status`, status)).status).toBe(403);

  const next = await cli("rotate", "desk", "--overlap", "1");
  await follow();
  expect([await put(made.printed), await put(next.printed)]).toEqual([202, 202]);
  await office.clock.advance(3_600_000);
  await office.clock.settle();
  expect([await put(made.printed), await put(next.printed)]).toEqual([401, 202]);

  const list = await cli("list");
  expect(list.printed).toContain("desk");
  expect(list.printed).not.toContain("whsec_");
  expect((await cli("revoke", "desk")).exit).toBe(0);
  await follow();
  expect(await put(next.printed)).toBe(401);
  expect((await cli("list")).printed).toContain("revoked");
  expect((await cli("rotate", "desk")).exit).toBe(2);
});

test("[R208] the audit says who set what for whom and until when, and what was done with whom", async () => {
  const office = await Office.open({ planner: {} });
  const env = environmentOf(office);
  const host = { nowMs: () => office.clock.nowMs() };
  const cli = (...words: string[]) => run(env, ["partners", ...words], host);
  const made = await cli("create", "desk", "--quota", "holds-per-rep=1", "--rate", "60");
  expect(made.said).toContain("every rep");
  await office.clock.advance(2_500);
  await office.clock.settle();
  const as = { as: "desk", secret: made.printed };
  const put = (hold: string) =>
    office.ask(`PUT /reps/${ANA.rep}/holds/${hold}`, { ...as, body: HOLD });
  const heldAtMs = office.clock.nowMs();
  expect((await put("a")).status).toBe(202);
  await office.statusOf(ANA);
  expect(await put("b")).toMatchObject({ status: 409, json: { code: "api-quota-reached" } });
  await office.ask(`PUT /reps/${ANA.rep}/status`, { as: "planner", body: { status: "Away" } });
  await office.statusOf(ANA);
  await office.clock.advance(1_000);
  await cli("revoke", "desk");
  await cli("create", "desk", "--app", ANA.rep);
  expect((await cli("create", "twin", "--app", ANA.rep.toUpperCase())).exit).toBe(2);

  const nothing = { rep: null, status: null, untilMs: null };
  const acts = JSON.parse((await cli("audit", "desk", "--json")).printed) as unknown[];
  expect(acts).toMatchObject([
    { who: "desk", what: "created", ...nothing },
    {
      atMs: heldAtMs,
      who: "desk",
      what: "hold.started",
      rep: ANA.rep,
      status: "InACall",
      untilMs: heldAtMs + 60_000,
    },
    { who: "desk", what: "revoked", ...nothing },
    { who: "desk", what: "created", ...nothing },
  ]);
  const all = (await cli("audit")).printed;
  expect(all).toMatch(new RegExp(`planner +status.set Away +${ANA.rep}`));
  await office.clock.advance(2 * 3_600_000);
  expect((await cli("audit", "--hours", "1")).printed).toContain("Nothing");
});

test.each([
  [["create"]],
  [["list", "desk"]],
  [["destroy", "desk"]],
  [["create", "desk", "--kind", "gossip"]],
  [["create", "desk", "--rep", "ana"]],
  [["create", "desk", "--rate", "0"]],
  [["create", "desk", "--quota", "friends=3"]],
  [["create", "desk", "--quota", "shifts=none"]],
  [["audit", "--hours", "ever"]],
  [["rotate", "desk", "--overlap", "soon"]],
])("[R206] partners %s cannot be read, and changes nothing", async (words) => {
  const office = await Office.open({});
  expect((await run(environmentOf(office), ["partners", ...words])).exit).toBe(64);
  expect((await run(environmentOf(office), ["partners", "list"])).printed).toContain("Nobody");
});

test.each([
  [["rotate", "desk", "--kind", "hold"], "--kind means nothing to rotate"],
  [["rotate", "desk", "--rep", ANA.rep], "revoke it and create it anew"],
  [["revoke", "desk", "--overlap", "48"], "--overlap means nothing to revoke"],
  [["create", "other", "--overlap", "48"], "--overlap means nothing to create"],
  [["list", "--hours", "5"], "--hours means nothing to list"],
])("[R206] %j would bind or end otherwise than it says, and does nothing", async (words, says) => {
  const office = await Office.open({});
  const cli = (...more: string[]) => run(environmentOf(office), ["partners", ...more]);
  const made = await cli("create", "desk", "--rep", ANA.rep, "--rep", ANA.rep.toUpperCase());
  expect(made.said).toContain(" 1 rep;");
  const before = (await cli("list", "--json")).printed;
  expect(await cli(...words)).toMatchObject({ exit: 64, said: expect.stringContaining(says) });
  expect((await cli("list", "--json")).printed).toBe(before);
});

test.each(["teams", "app-1", "Desk", "a b"])("[R206] %s is no name of a partner", async (name) => {
  const office = await Office.open({});
  expect((await run(environmentOf(office), ["partners", "create", name])).exit).toBe(2);
});
