import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Pool } from "undici";
import { namedPeople } from "../../src/emulators/people.ts";
import { type Company, openCompany } from "../scenarios/company.ts";
import { eventually, WEBHOOK_KEY } from "../service/launch.ts";
import { PARTNER_SECRET } from "../service/partner.ts";
import { FakeTeams, ISSUER } from "../bot/teams.ts";
import { ADDRESS, TENANT } from "./activity.ts";
import { createDice } from "./dice.ts";
import { type Grammar, judged } from "./grammar.ts";
import { GRAMMARS } from "./grammars.ts";
import { breakBody } from "./mutate.ts";
import { fuzzSeed } from "./seed.ts";

const CASES = 5_000;
const AT_ONCE = 8;

type Sent = { readonly id: string; readonly body: Buffer; readonly status: number };

let company: Company;
let teams: FakeTeams;
let botToken: string;
let pool: Pool;
beforeAll(async () => {
  teams = await FakeTeams.open();
  company = await openCompany({
    people: namedPeople(),
    unwatched: true,
    env: ({ clientId }) => ({
      BOT_ID: clientId,
      BOT_METADATA_URL: `${teams.url}/metadata`,
      BOT_TOKEN_ISSUER: ISSUER,
      BOT_SERVICE_HOSTS: "127.0.0.1",
    }),
  });
  const { clientId: aud } = company.tenant;
  botToken = await teams.token(Date.now(), { claims: { aud, serviceurl: teams.url } });
  pool = new Pool(company.service.url, { connections: AT_ONCE });
});
afterAll(async () => {
  await pool.close();
  await company[Symbol.asyncDispose]();
  await teams.close();
});

/** The body with the two names that only a running tenant has. */
function asSent(body: Buffer): Buffer {
  const text = body.toString("latin1").replaceAll(ADDRESS, teams.url);
  const tenant = new RegExp(TENANT, "gi");
  return Buffer.from(text.replaceAll(tenant, company.tenant.tenantId), "latin1");
}

async function post({ route }: Grammar, body: Buffer, id: string): Promise<number> {
  const secrets = { webhookKey: WEBHOOK_KEY, partnerSecret: PARTNER_SECRET, botToken };
  const headers = { "content-type": "application/json", ...route.headers(body, id, secrets) };
  const answer = await pool.request({ method: "POST", path: route.path, headers, body });
  await answer.body.dump();
  return answer.statusCode;
}

/** Posts that many broken bodies, several at once, and holds every answer against what the body means. */
async function bombard(grammar: Grammar, cases: number): Promise<readonly Sent[]> {
  const known = new Set(company.people.flatMap(({ dynamics, teams }) => [dynamics, teams]));
  const { route } = grammar;
  const sent: Sent[] = [];
  let next = fuzzSeed();
  const until = next + cases;
  const sender = async (): Promise<void> => {
    while (next < until) {
      const seed = (next += 1);
      const broken = breakBody(createDice(seed), grammar.material);
      const body = asSent(broken);
      const id = randomUUID();
      const meant = route.answers(judged(grammar, broken), (rep) => known.has(rep));
      const status = await post(grammar, body, id);
      const expected = body.length > route.maxBytes ? [413] : meant;
      expect(expected, `FUZZ_SEED=${seed} was answered ${status}`).toContain(status);
      sent.push({ id, body, status });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return sent;
}

describe("[P12, R100] the real process, sent broken bodies with true signatures", () => {
  test.each(GRAMMARS)("$name: every answer is what the body deserves", async (grammar) => {
    const cases = Math.ceil(CASES / GRAMMARS.length);
    const sent = await bombard(grammar, cases);
    expect(sent).toHaveLength(cases);
    const statuses = new Set(sent.map(({ status }) => Math.floor(status / 100)));
    const says = "some are taken, some are refused, none breaks anything";
    expect(statuses, says).toEqual(new Set(grammar.route.tellsNothing ? [2] : [2, 4]));
  });

  test("[P8, R101] what was accepted is acted on once, however often it is replayed, and nothing else is", async () => {
    const [partner] = GRAMMARS.filter(({ route }) => route.path === "/api/v1/events");
    if (!partner) throw new Error("there is a grammar of partners");
    const sent = await bombard(partner, 600);
    const accepted = sent.filter(({ status }) => status === 202);
    expect(accepted.length).toBeGreaterThan(30);
    for (const { id, body } of accepted) expect(await post(partner, body, id)).toBe(200);

    const taken = async (): Promise<readonly unknown[]> => {
      const history = await company.service.history();
      return history.filter(({ kind }) => kind === "event").map(({ detail }) => detail["event"]);
    };
    const ids = accepted.map(({ id }) => id);
    await eventually("they are acted on", async () => {
      const all = new Set(await taken());
      return ids.every((id) => all.has(id));
    });
    const all = await taken();
    expect(new Set(all).size).toBe(all.length);
    const refused = new Set(sent.filter(({ status }) => status !== 202).map(({ id }) => id));
    expect(all.filter((id) => refused.has(String(id)))).toEqual([]);
  });

  test("[P12, R335] after all of it the process is well, and has nothing to report but refusals", async () => {
    const { service } = company;
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    const faults = ["handler failed", "the bot could not answer"];
    expect(service.lines.filter(({ msg }) => faults.includes(String(msg)))).toEqual([]);
    expect(service.errors).toBe("");
    await service.stop();
  });
});
