/**
 * Measures how soon the calls that other applications report are written: `node test/measure/calls.ts`. The real service, polling as it
 * does by default, against the emulated tenant on this computer; half of the reps are free and half chose Away. Calls come four a
 * second and last a minute: first on desk phones, from the SIP packet (SIPp plays the PBX, or a peer of our own where it cannot
 * be had); then from the request to the API, with and without other partners that flood, lie and die. At last a thousand calls of a thousand
 * free reps begin within ten seconds. Prints one line of JSON for each, once all calls have shown in both systems and all is as it was
 * before: in ms, from the beginning of a call, and from its end, to the first write about it in each system. About seven minutes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createLockstep } from "../../integrations/client.ts";
import { Bridge } from "../../integrations/sip-phone/bridge.ts";
import { Watcher } from "../../integrations/sip-phone/watcher.ts";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { findSipp, startOwnPeer } from "../integrations/pbx.ts";
import { misbehave } from "../scenarios/misbehaviour.ts";
import { type Person, Witness } from "../scenarios/witness.ts";
import { askApi, partnersWith } from "../service/api.ts";
import { PARTNER_SECRET } from "../service/partner.ts";
import { quantiles, type Started, startService, until } from "./service.ts";

const CALLS = 120;
const APART_MS = 250;
const TALK_MS = 60_000;
/** Divides a talk an even number of times: it ends as it began, alone or not. */
const PHASE_MS = 10_000;
const STORM = 1_000;
const STORM_MS = 10_000;
const AWAY = "3dacae76-c07a-e811-8162-000d3aa11f50";
const WEBHOOK_KEY = "webhook-key-of-no-value-4711";

/** The moments at which each rep's call began, or ended. */
type Moments = Map<Person, number>;
class Calls {
  readonly began: Moments = new Map();
  readonly ended: Moments = new Map();
}

class Company implements AsyncDisposable {
  readonly tenant: Tenant;
  readonly service: Started;
  readonly people: readonly Person[];
  readonly #away: ReadonlySet<Person>;
  readonly #witness: Witness;

  private constructor(
    tenant: Tenant,
    service: Started,
    people: readonly Person[],
    away: ReadonlySet<Person>,
  ) {
    this.tenant = tenant;
    this.service = service;
    this.people = people;
    this.#away = away;
    this.#witness = new Witness(tenant, people);
  }

  /** Every second rep chose Away in Dynamics, unless all are to be free. */
  static async open(reps: number, areFree = false): Promise<Company> {
    const people = makePeople(reps);
    const tenant = await startTenant({ people, signedIn: true, tls: LOOPBACK_TLS });
    const { graph, dataverse } = tenant;
    const persons = people.users.flatMap(({ azureObjectId: teams, systemUserId: dynamics }) =>
      teams === null ? [] : [{ teams, dynamics }],
    );
    const away = new Set(areFree ? [] : persons.filter((_, index) => index % 2 === 1));
    for (const { teams: userId } of persons) {
      graph.control.setClient({ userId, availability: "Available" });
    }
    for (const { dynamics: userId } of away) {
      dataverse.control.choose({ userId, presenceId: AWAY });
    }
    const service = await startService(tenant, {
      PARTNERS: partnersWith("flood"),
      DATAVERSE_WEBHOOK_KEY: WEBHOOK_KEY,
    });
    dataverse.control.registerWebhook({
      url: `${service.url}/webhooks/dataverse`,
      headerName: "x-lockstep-key",
      headerValue: WEBHOOK_KEY,
      mode: "async",
    });
    const company = new Company(tenant, service, persons, away);
    await until(() => company.isAsItWas());
    return company;
  }

  isAsItWas(): boolean {
    return this.people.every((person) => {
      const { teams, dynamics } = this.#witness.look(person);
      const own = this.#away.has(person) ? "Away" : "Available";
      return teams === own && dynamics === own;
    });
  }

  isTalking(): boolean {
    return this.people.every((person) => {
      const { teams, dynamics } = this.#witness.look(person);
      return teams === "InACall" && dynamics === "Busy";
    });
  }

  /** How long after each moment the next write about that rep came, in both systems. */
  after(moments: Moments): Readonly<Record<string, unknown>> {
    const { graph, dataverse } = this.tenant;
    const journals = {
      teams: graph.control.writes().map(({ atMs, userId }) => ({ atMs, who: userId })),
      dynamics: dataverse.control.writes().map(({ atMs, agentId }) => ({ atMs, who: agentId })),
    };
    const took = (where: keyof typeof journals): readonly number[] =>
      [...moments].map(([person, momentMs]) => {
        const write = journals[where].find(
          ({ who, atMs }) => who === person[where] && atMs >= momentMs,
        );
        return (write?.atMs ?? Number.NaN) - momentMs;
      });
    return { teams: quantiles(took("teams")), dynamics: quantiles(took("dynamics")) };
  }

  report(
    name: string,
    { began, ended }: Calls,
    more: Readonly<Record<string, unknown>> = {},
  ): void {
    const figures = { began: this.after(began), ended: this.after(ended) };
    const line = { name, calls: began.size, ...more, ...figures };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#witness.close();
    await this.service.stop();
    await this.tenant.close();
  }
}

async function onDeskPhones(): Promise<void> {
  const sipp = await findSipp();
  const startPbx = sipp ?? startOwnPeer;
  await using company = await Company.open(CALLS);
  const { people, service } = company;
  const calls = new Calls();
  await using pbx = await startPbx({ lines: CALLS, stepMs: TALK_MS });
  const ofLine = new Map(people.map((person, index) => [String(200 + index), person]));
  const bridge = new Bridge({
    lockstep: createLockstep({ url: service.url, secret: PARTNER_SECRET }),
    reps: new Map([...ofLine].map(([line, { dynamics }]) => [line, dynamics])),
    ttlSeconds: 180,
    onRefused: (what, status) => fail(`the ${what} was answered ${status}`),
  });
  const watchers = [...ofLine].map(
    ([line, person]) =>
      new Watcher({
        pbx: { host: "127.0.0.1", port: pbx.port },
        local: { host: "127.0.0.1", port: 0 },
        lines: [line],
        onChange: (_line, change, atMs) => {
          calls[change.began.length > 0 ? "began" : "ended"].set(person, atMs);
          bridge.take(line, change);
        },
        onTrouble: (_line, why) => fail(why),
      }),
  );
  for (const watcher of watchers) {
    await watcher.start();
    await sleep(APART_MS);
  }
  await until(() => company.isTalking());
  await pbx.hangUp();
  await until(() => calls.ended.size === CALLS && company.isAsItWas());
  for (const watcher of watchers) watcher.stop();
  await bridge.stop();
  company.report("desk phones", calls, { pbx: sipp ? "SIPp" : "a peer of our own" });
}

/** The others flood, lie and die for ten seconds, and are silent for ten: so both are measured on the same machine, as busy as it is. */
async function throughTheApi(): Promise<void> {
  await using company = await Company.open(2 * CALLS);
  const { people, service } = company;
  const groups = { alone: new Calls(), crowded: new Calls() };
  const answers = new Set<number>();
  let over = false;
  const startedMs = Date.now();
  const phase = (): number => Math.floor((Date.now() - startedMs) / PHASE_MS) % 2;
  const crowd = async (): Promise<void> => {
    while (!over) {
      await until(() => over || phase() === 1);
      const hasHadEnough = (): boolean => over || phase() === 0;
      const seen = await misbehave(service.url, people[0]?.dynamics ?? "", hasHadEnough);
      for (const status of seen) answers.add(status);
    }
  };
  const call = async (person: Person, index: number): Promise<void> => {
    const path = `/reps/${person.dynamics}/holds/${1_000 + index}`;
    await sleep(index * APART_MS);
    const { began, ended } = groups[phase() === 1 ? "crowded" : "alone"];
    began.set(person, Date.now());
    await accepted(service, `PUT ${path}`, { status: "InACall" });
    await sleep(TALK_MS);
    ended.set(person, Date.now());
    await accepted(service, `DELETE ${path}`);
  };
  const noise = crowd();
  await Promise.all(people.map(call));
  await until(() => company.isAsItWas());
  over = true;
  await noise;
  company.report("the API, nobody else there", groups.alone);
  const theOthersWereAnswered = [...answers].toSorted((a, b) => a - b);
  company.report("the API, beside others", groups.crowded, { theOthersWereAnswered });
}

async function allAtOnce(): Promise<void> {
  await using company = await Company.open(STORM, true);
  const { people, service } = company;
  const calls = new Calls();
  const startedMs = Date.now();
  await Promise.all(
    people.map(async (person, index) => {
      await sleep((index * STORM_MS) / STORM);
      calls.began.set(person, Date.now());
      await accepted(service, `PUT /reps/${person.dynamics}/holds/storm`, { status: "InACall" });
    }),
  );
  const acceptedMs = Date.now() - startedMs;
  await until(() => company.isTalking());
  const items = people.map(({ dynamics: rep }) => ({ op: "endHold", rep, hold: "storm" }));
  for (const person of people) calls.ended.set(person, Date.now());
  await askApi(service, "POST /bulk", { body: { items } });
  await until(() => company.isAsItWas());
  company.report("a thousand calls within ten seconds", calls, { acceptedMs });
}

async function accepted(service: Started, line: string, body?: unknown): Promise<void> {
  const { status } = await askApi(service, line, body === undefined ? {} : { body });
  if (status !== 202) fail(`${line.split(" ")[0]} was answered ${status}`);
}

function fail(why: string): never {
  throw new Error(why);
}

await onDeskPhones();
await throughTheApi();
await allAtOnce();
