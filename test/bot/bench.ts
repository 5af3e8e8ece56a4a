import { pino } from "pino";
import { type Bot, createBot } from "../../src/bot/bot.ts";
import type { QueueView, ShiftView } from "../../src/bot/cards/view.ts";
import type { BotPort, DetailDesk, Person, QueueDesk } from "../../src/bot/port.ts";
import { createPausing } from "../../src/bot/pausing.ts";
import { createVerifier } from "../../src/bot/token.ts";
import { PAUSE_RECORD, pausesOf } from "../../src/directory/pauses.ts";
import { DEFAULT_MAPPINGS } from "../../src/presence/mapping.ts";
import { parseJson } from "../../src/http/json.ts";
import { TEAMS } from "../../src/presence/identity.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import type { RepEvent } from "../../src/reconcile/event.ts";
import { Crew, end, person, POLICY, type Watch } from "../controller/crew.ts";
import { engineWith } from "../../src/engine/engine.ts";
import { APP_ID, FakeTeams, ISSUER, TENANT_ID } from "./teams.ts";

export type Role = "rep" | "manager" | "foreign manager" | "guest" | "other tenant";
export const ROLES: readonly Role[] = [
  "rep",
  "manager",
  "foreign manager",
  "guest",
  "other tenant",
];
export type Place = "personal" | "channel";

export const MANAGERS = "aaaaaaaa-0000-4000-8000-000000000001";
const FOREIGN_MANAGERS = "aaaaaaaa-0000-4000-8000-000000000002";
const TEAM = "aaaaaaaa-0000-4000-8000-000000000003";
const OTHER_TEAM = "aaaaaaaa-0000-4000-8000-000000000004";
export const ADMINS = "aaaaaaaa-0000-4000-8000-000000000005";
export const CONSOLE_URL = "https://lockstep.contoso.example";
export const SUPERVISOR = "Omnichannel Supervisor";

/** Ana and Ben are in the manager's team, Cleo in the other one; the rep who asks is Ana. */
export const ANA = person("ana");
export const BEN = person("ben");
export const CLEO = person("cleo");
const NAMES = { ana: "Ana Lima", ben: "Ben Osei", cleo: "Cleo Marsh" } as const;

/** A queue of which Ana is a member. */
export const BILLING: Omit<QueueView, "asOfMs" | "sources"> = {
  id: "billing",
  name: "Billing",
  open: true,
  ableNow: 1,
  members: 2,
  waiting: 3,
  averageWaitMs: 60_000,
  nextChangeMs: null,
};

/** A desk that knows these, as of a moment. */
export function queueDeskOf(known: readonly (typeof BILLING)[], asOfMs = 0): QueueDesk {
  const views = known.map((queue): QueueView => {
    const lockstep = { name: "Lockstep", ableNow: queue.ableNow, asOfMs };
    const dynamics = { name: "Dynamics 365", ableNow: null, asOfMs };
    return { ...queue, asOfMs, sources: [lockstep, dynamics] };
  });
  return {
    queues: () => Promise.resolve(views),
    queue: (id) => Promise.resolve(views.find((view) => view.id === id) ?? null),
    members: () => Promise.resolve(new Set<string>([ANA.rep])),
  };
}

const OBJECT_IDS: Readonly<Record<Role, string>> = {
  rep: "ana@teams",
  manager: "manager",
  "foreign manager": "foreign",
  guest: "guest",
  "other tenant": "manager",
};

type Json = Readonly<Record<string, unknown>>;
export type Reply = { readonly status: number; readonly json: Json | null };
/** An Action.Execute of a card. */
export type Pressable = { readonly title: string; readonly verb: string; readonly data: Json };

/**
 * The bot behind the real HTTP room, on a crew with virtual time, asked by signed messages of people in five roles.
 * What it sends arrives at a fake Teams.
 */
export class BotBench {
  readonly crew: Crew;
  readonly teams: FakeTeams;
  readonly faults: unknown[] = [];
  /** Look-ups that reached Entra or Dynamics; while `groupsFail` or `rolesFail`, they fail. */
  lookups = 0;
  groupsFail = false;
  rolesFail = false;
  /** While it is set, looking at anybody is a fault of ours. */
  documentsThrow = false;
  signedOut: ReturnType<BotPort["signedOut"]> = [];
  /** While it is set, the store keeps nothing. */
  keepFails = false;
  /** While it is set, the store forgets nothing. */
  forgetFails = false;
  /** Records of this kind are kept only when what this gives resolves. */
  slow: { readonly kind: string; wait(): Promise<void> } | null = null;
  readonly groups: Record<string, readonly string[]> = {
    [MANAGERS]: ["manager"],
    [FOREIGN_MANAGERS]: ["foreign"],
    [TEAM]: ["ana@teams", "ben@teams"],
    [OTHER_TEAM]: ["cleo@teams"],
    [ADMINS]: ["manager"],
  };
  /** What is planned for whom, by rep id. */
  readonly shifts = new Map<string, ShiftView>();
  /** Who holds which role in Dynamics; who is a supervisor manages the other team. */
  readonly roles: Record<string, readonly string[]> = { [SUPERVISOR]: [] };
  #bot: Bot;
  #server: HttpServer;
  #port = 0;
  #watch: Watch;
  #messages = 0;

  private constructor(crew: Crew, watch: Watch, teams: FakeTeams, bot: Bot, server: HttpServer) {
    this.crew = crew;
    this.#watch = watch;
    this.teams = teams;
    this.#bot = bot;
    this.#server = server;
  }

  static async open(
    options: { readonly queues?: QueueDesk; readonly detail?: DetailDesk } = {},
  ): Promise<BotBench> {
    const holder: { bench: BotBench | null } = { bench: null };
    const { crew, watch } = await Crew.onDuty({ people: [ANA, BEN, CLEO] });
    const teams = await FakeTeams.open();
    const { clock } = crew;
    const engine = engineWith(crew.engine, {
      keep: async (record) => {
        const slow = holder.bench?.slow;
        if (slow?.kind === record.kind) await slow.wait();
        if (holder.bench?.keepFails) throw new Error("the disk is full");
        await crew.engine.keep(record);
      },
      forget: (kind, id) =>
        holder.bench?.forgetFails
          ? Promise.reject(new Error("the disk is full"))
          : crew.engine.forget(kind, id),
    });
    const nowMs = (): number => clock.nowMs();
    const people: readonly Person[] = crew.people.map((identity) => ({
      identity,
      name: NAMES[identity.rep as keyof typeof NAMES],
      email: `${identity.rep}@contoso.example`,
    }));
    const look = <Found>(
      fails: "groupsFail" | "rolesFail",
      found: (bench: BotBench) => Found,
    ): Promise<Found> => {
      const { bench } = holder;
      if (!bench) return Promise.reject(new Error("too early"));
      bench.lookups += 1;
      return bench[fails]
        ? Promise.reject(new Error("nobody answers"))
        : Promise.resolve(found(bench));
    };
    const port: BotPort = {
      nowMs,
      after: (delayMs, fire) => clock.after(delayMs, fire),
      random: () => 0.5,
      people: () => people,
      engine,
      document: (rep) => {
        if (holder.bench?.documentsThrow) throw new Error("a secret: hunter2");
        return watch.controller.document(rep);
      },
      lastReadAtMs: (system) => watch.sweeps[system === TEAMS ? 0 : 1]?.lastReadAtMs ?? 0,
      submit: (event) => watch.controller.submit(event),
      policy: POLICY,
      mappings: DEFAULT_MAPPINGS,
      groups: {
        memberOf: (id, ids) =>
          look(
            "groupsFail",
            ({ groups }) => new Set(ids.filter((group) => groups[group]?.includes(id))),
          ),
        members: (group) => look("groupsFail", ({ groups }) => new Set(groups[group] ?? [])),
      },
      roles: {
        holders: (role) => look("rolesFail", ({ roles }) => new Set(roles[role] ?? [])),
      },
      nextShift: (rep) => holder.bench?.shifts.get(rep) ?? null,
      queues: options.queues ?? null,
      detail: options.detail ?? null,
      pausing: createPausing(
        { engine, nowMs },
        PAUSE_RECORD,
        () => void holder.bench?.readPauses(),
      ),
      waitingFor: () => [],
      signedOut: () => holder.bench?.signedOut ?? [],
    };
    const bot = await createBot({
      port,
      rules: {
        scopes: [
          { managers: MANAGERS, reps: TEAM },
          { managers: FOREIGN_MANAGERS, reps: OTHER_TEAM },
        ],
        roleScopes: [{ role: SUPERVISOR, reps: OTHER_TEAM }],
        adminGroup: ADMINS,
      },
      appId: APP_ID,
      token: () => Promise.resolve("the-bots-own-token"),
      verify: createVerifier({
        metadataUrl: `${teams.url}/metadata`,
        issuer: ISSUER,
        appId: APP_ID,
        nowMs,
        parseStrictly: (json) => parseJson(json, { strict: true }),
      }),
      tenantId: TENANT_ID,
      serviceHosts: ["127.0.0.1", "smba.trafficmanager.net"],
      consoleUrl: CONSOLE_URL,
      parse: (body) => parseJson(body, { strict: false }),
      onFault: (error) => void holder.bench?.faults.push(error),
    });
    const log = pino({ level: "silent" });
    const server = createHttpServer({ log, nowMs, routes: [bot.route] });
    const bench = new BotBench(crew, watch, teams, bot, server);
    holder.bench = bench;
    bench.#port = (await server.listen(0, "127.0.0.1")).port;
    await bot.start();
    return bench;
  }

  async close(): Promise<void> {
    this.#bot.stop();
    await this.#server.close(0);
    await end(this.#watch);
    await this.teams.close();
    await this.crew.engine.close();
  }

  /** What the service does now and then. */
  async readPauses(): Promise<void> {
    const { crew } = this;
    const records = await crew.engine.kept(PAUSE_RECORD);
    this.#watch.controller.setPauses(pausesOf(records, crew.clock.nowMs()));
  }

  /** A partner reports something about Ana. */
  async tell(event: RepEvent): Promise<void> {
    await this.crew.tell(this.#watch, event);
  }

  /** Resolves when whatever the bot was about to send has reached Teams. */
  async arrived(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await this.crew.clock.settle();
      await fetch(`${this.teams.url}/metadata`).then((response) => response.arrayBuffer());
    }
  }

  /** Lets so much time pass, in steps that leave real requests time to arrive. */
  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 5) {
      await this.crew.clock.advance(Math.min(5, left) * 1_000);
      await this.arrived();
    }
  }

  get document() {
    return this.#watch.controller.document(ANA.rep);
  }

  /** An activity as Teams sends it for somebody. */
  activity(role: Role, place: Place, more: Json): Json {
    this.#messages += 1;
    const tenantId = role === "other tenant" ? "44444444-4444-4444-8444-444444444444" : TENANT_ID;
    const objectId = OBJECT_IDS[role];
    return {
      id: `activity-${this.#messages}`,
      channelId: "msteams",
      serviceUrl: this.teams.url,
      from: { id: `29:${objectId}`, name: `The ${role}`, aadObjectId: objectId },
      recipient: { id: `28:${APP_ID}`, name: "Lockstep" },
      conversation: {
        id: place === "personal" ? `chat-${objectId}` : "19:channel@thread.tacv2;messageid=1",
        conversationType: place,
        tenantId,
      },
      channelData: { tenant: { id: tenantId } },
      locale: "en-US",
      localTimestamp: "2027-01-15T09:00:00.000+01:00",
      ...more,
    };
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/api/messages`;
  }

  async post(activity: unknown, authorization?: string): Promise<Reply> {
    const bearer = authorization ?? `Bearer ${await this.teams.token(this.crew.clock.nowMs())}`;
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: bearer },
      body: typeof activity === "string" ? activity : JSON.stringify(activity),
    });
    const text = await response.text();
    const json = text === "" ? null : (JSON.parse(text) as Json);
    return { status: response.status, json };
  }

  /** Says something to the bot. The cards that came back, and the status of the request. */
  async say(
    role: Role,
    text: string,
    place: Place = "personal",
    more: Json = {},
  ): Promise<{ readonly status: number; readonly cards: readonly Json[] }> {
    const from = this.teams.messages.length;
    const { status } = await this.post(
      this.activity(role, place, { type: "message", text, ...more }),
    );
    const cards = this.teams.messages.slice(from).flatMap(({ activity }) => cardsOf(activity));
    return { status, cards };
  }

  /** Presses a button of a card. What the one who pressed sees; `null` if it was refused at the door. */
  async press(
    role: Role,
    { verb, data }: Pick<Pressable, "data" | "verb">,
    place: Place = "personal",
    inputs: Json = {},
  ): Promise<Json | null> {
    const action = { type: "Action.Execute", verb, data: { ...data, ...inputs } };
    const { json } = await this.post(
      this.activity(role, place, {
        type: "invoke",
        name: "adaptiveCard/action",
        value: { action, trigger: "manual" },
      }),
    );
    const value = (json as { readonly value?: Json } | null)?.value;
    return value ?? null;
  }
}

export function cardsOf(activity: Json): readonly Json[] {
  const { attachments = [] } = activity as { readonly attachments?: readonly { content: Json }[] };
  return attachments.map(({ content }) => content);
}

function* objects(value: unknown): Generator<Json> {
  if (Array.isArray(value)) for (const item of value) yield* objects(item);
  else if (typeof value === "object" && value !== null) {
    yield value as Json;
    for (const item of Object.values(value)) yield* objects(item);
  }
}

/** Every text that a card shows. */
export function textOf(card: Json | null | undefined): string {
  return [...objects(card)]
    .flatMap(({ type, text }) => (type === "TextBlock" || type === "TextRun" ? [text] : []))
    .join("\n");
}

/** The buttons of a card, without its refresh. */
export function buttonsOf(card: Json | null | undefined): readonly Pressable[] {
  const { refresh: _refresh, ...shown } = card ?? {};
  return [...objects(shown)].flatMap((node) =>
    node["type"] === "Action.Execute" ? [node as Json & Pressable] : [],
  );
}

export function buttonOf(card: Json | null | undefined, title: string): Pressable {
  const found = buttonsOf(card).find((button) => button.title === title);
  if (!found) throw new Error(`no button ${title} on: ${textOf(card)}`);
  return found;
}
