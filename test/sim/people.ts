import { type RepIdentity, DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import type { Status } from "../../src/presence/status.ts";
import type { Deed } from "./climate.ts";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import { LUNCH } from "./dataverse.ts";
import { DESK, markOf, type PartnerEvent } from "./partner.ts";
import type { World } from "./world.ts";

/** What she may pick in Teams, by the word that Graph has for it. */
const TEAMS_CHOICES = ["Busy", "DoNotDisturb", "BeRightBack", "Away"] as const;
export const PRESENCES = {
  Available: PRESENCE_ID.available,
  Busy: PRESENCE_ID.busy,
  DoNotDisturb: PRESENCE_ID.doNotDisturb,
  Away: PRESENCE_ID.away,
} as const;
const ACTIVITIES: Readonly<Record<string, Status>> = {
  Available: "Available",
  Busy: "Busy",
  DoNotDisturb: "DoNotDisturb",
  BeRightBack: "BeRightBack",
  Away: "Away",
};

/** A call on one of her phones. One without a time to live of its own lasts four hours, if nothing is heard of it. */
type Call = {
  readonly source: "phone" | "switchboard";
  readonly status: Status;
  readonly ttlSeconds?: number;
};
const PHONE_CALL: Call = { source: "phone", status: "InACall" };
/** Deeds that may cost twice: what they begin ends by itself. */
const ENDS_BY_ITSELF: ReadonlySet<Deed> = new Set<Deed>([
  "call begins",
  "status set for a while",
  "connection lost",
  "signs out",
]);
const CALLS: readonly Status[] = [
  "InACall",
  "InACall",
  "Busy",
  "InAMeeting",
  "DoNotDisturb",
  "Away",
];
/** Whatever ends by itself does so before the world is judged (finale.ts). */
const TTL_SECONDS = { least: 60, most: 480 };

/** A rep with her two screens, her desk phone and her customers. Everything she does is told to the checker. */
export class SimulatedPerson {
  readonly identity: RepIdentity;
  readonly #world: World;
  readonly #calls = new Map<string, Call>();
  #isIdle = false;
  #callNumber = 0;
  #conversations = 0;
  #inShift = true;

  constructor(world: World, identity: RepIdentity) {
    this.#world = world;
    this.identity = identity;
  }

  get #teams(): string {
    return this.identity.teamsUserId;
  }

  get #user(): string {
    return this.identity.systemUserId;
  }

  get #sessions(): ReadonlyMap<string, unknown> {
    return this.#world.graph.person(this.#teams).sessions;
  }

  get isSignedIn(): boolean {
    return this.#world.dataverse.rep(this.#user).loggedIn;
  }

  /** Something, as chance has it. */
  act(): void {
    const { chance } = this.#world;
    const able = (deed: Deed, weight: number, can: boolean): Deed[] =>
      can ? Array.from({ length: weight }, () => deed) : [];
    const isOpen = this.#sessions.has("client");
    const inCall = this.#sessions.has("call");
    const inMeeting = this.#sessions.has("meeting");
    const deeds = [
      ...able("chooses in Teams", 5, isOpen),
      ...able("resets Teams", 4, isOpen),
      ...able("call in Teams", 3, isOpen && !inCall),
      ...able("call in Teams ends", 6, inCall),
      ...able("meeting begins", 1, !inMeeting),
      ...able("meeting ends", 3, inMeeting),
      ...able("closes Teams", 1, isOpen && !inCall),
      ...able("opens Teams", 4, !isOpen),
      ...able("goes idle", 1, isOpen),
      ...able("is back", 2, isOpen),
      ...able("chooses in Dynamics", 6, this.isSignedIn),
      ...able("signs out", 1, this.isSignedIn),
      ...able("signs in", 6, !this.isSignedIn),
      ...able("conversation accepted", 2, this.isSignedIn && this.#conversations < 2),
      ...able("conversation closed", 3, this.#conversations > 0),
      ...able("notification missed", 1, this.isSignedIn),
      ...able("call begins", 3, this.#calls.size < 3),
      ...able("call renewed", 1, this.#calls.size > 0),
      ...able("call ends", 4, this.#calls.size > 0),
      ...able("call end lost", 2, this.#mortal.length > 0),
      ...able("shift ends", 1, this.#inShift),
      ...able("shift begins", 4, !this.#inShift),
      ...able("status set by command", 1, true),
      ...able("status set for a while", 1, true),
      ...able("calls ended by command", 1, this.#calls.size > 0),
      ...able("command taken back", 2, true),
      ...able("connection lost", 1, this.isSignedIn),
      ...able("connection back", 3, !this.isSignedIn),
      ...able("chooses in both", 1, isOpen && this.isSignedIn),
    ];
    this.does(chance.pick(deeds));
  }

  does(deed: Deed): void {
    const { journal, checker, chance } = this.#world;
    journal.deed(deed);
    journal.tell(`${this.identity.rep} ${deed}`);
    checker.causes.inputs += ENDS_BY_ITSELF.has(deed) ? 2 : 1;
    const steps: Readonly<Record<Deed, () => void>> = {
      "chooses in Teams": () => this.chooseInTeams(chance.pick(TEAMS_CHOICES)),
      "resets Teams": () => this.chooseInTeams(null),
      "call in Teams": () => this.#session("call", { availability: "Busy", activity: "InACall" }),
      "call in Teams ends": () => this.#session("call", null),
      "meeting begins": () => {
        this.#session("meeting", { availability: "Busy", activity: "InAMeeting" });
      },
      "meeting ends": () => this.#session("meeting", null),
      "closes Teams": () => this.#session("client", null),
      "opens Teams": () => {
        this.#session("client", { availability: "Available", activity: "Available" });
      },
      "goes idle": () => this.#session("client", { availability: "Away", activity: "Away" }),
      "is back": () => {
        this.#session("client", { availability: "Available", activity: "Available" });
      },
      "chooses in Dynamics": () => {
        if (chance.happens(0.2)) this.chooseInDynamics("Away", LUNCH.id);
        else this.chooseInDynamics(chance.pick(["Available", "Busy", "DoNotDisturb", "Away"]));
      },
      "signs out": () => this.#world.dataverse.engine.logout(this.#row),
      "signs in": () => this.#world.dataverse.engine.login(this.#row),
      "conversation accepted": () => {
        this.#conversations += 1;
        this.#world.dataverse.engine.acceptConversation(this.#row, { units: 1 });
      },
      "conversation closed": () => {
        this.#conversations -= 1;
        this.#world.dataverse.engine.closeConversation(this.#row, { units: 1 });
      },
      "notification missed": () => this.#world.dataverse.engine.missNotification(this.#row),
      "call begins": () => this.callBegins(this.#newCall()),
      "call renewed": () => this.renews(this.#anyCall()),
      "call end lost": () => this.#calls.delete(chance.pick(this.#mortal)),
      "call ends": () => this.callEnds(this.#anyCall()),
      "shift ends": () => this.#shift(false),
      "shift begins": () => this.#shift(true),
      "status set by command": () => {
        const status = chance.pick(["Available", "Busy", "Away", "DoNotDisturb"]);
        this.commands({ type: "status.set", status });
      },
      "status set for a while": () => {
        const status = chance.pick(["Available", "Busy", "Away", "DoNotDisturb"]);
        this.commands({ type: "status.set", status, ttlSeconds: this.#someSeconds() });
      },
      "calls ended by command": () => {
        const status = chance.pick(["Available", "Busy", "Away"]);
        this.commands({ type: "status.set", status, endsHolds: true });
      },
      "command taken back": () => this.commands({ type: "status.released" }),
      "connection lost": () => this.losesConnection(),
      "connection back": () => this.isBack(),
      "chooses in both": () => {
        this.chooseInTeams(chance.pick(TEAMS_CHOICES));
        this.chooseInDynamics(chance.pick(["Available", "Busy", "DoNotDisturb", "Away"]));
      },
    };
    steps[deed]();
  }

  chooseInTeams(availability: (typeof TEAMS_CHOICES)[number] | null): void {
    const isNothing = availability === null && !this.#world.graph.person(this.#teams).preferred;
    if (isNothing) return;
    this.#world.graph.choose(this.#teams, availability);
    this.#sawInTeams();
    if (availability) this.#did(TEAMS, availability);
    // Under a session of ours it may show much later that nothing of hers is there any more.
    else this.#did(TEAMS, this.#isIdle ? "Away" : "Available");
  }

  chooseInDynamics(status: keyof typeof PRESENCES, presenceId: string = PRESENCES[status]): void {
    this.#world.dataverse.choose(this.#user, presenceId);
    this.#did(DYNAMICS, status);
  }

  callBegins(call: Call): string {
    this.#callNumber += 1;
    const hold = `call-${markOf(this.identity)}${this.#callNumber}`;
    this.#calls.set(hold, call);
    this.#tell({ ...call, type: "hold.started", hold });
    return hold;
  }

  /** The call is heard of again, and for so many seconds. */
  renews(hold: string, seconds?: number): void {
    const { source, ttlSeconds = seconds } = this.#calls.get(hold) ?? PHONE_CALL;
    const ttl = ttlSeconds === undefined ? {} : { ttlSeconds };
    this.#tell({ source, type: "hold.renewed", hold, ...ttl });
  }

  callEnds(hold: string): void {
    const { source } = this.#calls.get(hold) ?? PHONE_CALL;
    this.#calls.delete(hold);
    this.#world.checker.protection.ending(this.#user, hold);
    this.#tell({ source, type: "hold.ended", hold });
  }

  losesConnection(): void {
    this.#world.dataverse.engine.disconnect(this.#row);
  }

  /** Within two and a half minutes she finds what she left. */
  isBack(): void {
    this.#world.dataverse.engine.login(this.#row);
  }

  /** A connection that is lost for so short a time that nobody can read it. */
  blinks(): void {
    this.#world.dataverse.blinks(this.#user);
  }

  /** A supervisor says what she is. */
  commands(event: Pick<PartnerEvent, "type" | "status" | "ttlSeconds" | "endsHolds">): void {
    this.#tell({ ...event, source: DESK });
  }

  /** The end of the day before the end of the day: nothing lies over what she chooses next. */
  comesToRest(): void {
    for (const hold of this.#calls.keys()) this.callEnds(hold);
    if (this.#sessions.has("call")) this.does("call in Teams ends");
    if (this.#sessions.has("meeting")) this.does("meeting ends");
    if (!this.isSignedIn) this.does("connection back");
    while (this.#conversations > 0) this.does("conversation closed");
    if (!this.#inShift) this.does("shift begins");
    this.does("is back");
  }

  get #row() {
    return this.#world.dataverse.rep(this.#user);
  }

  #anyCall(): string {
    return this.#world.chance.pick([...this.#calls.keys()]);
  }

  /** Calls that end by themselves before the world is judged. */
  get #mortal(): readonly string[] {
    return [...this.#calls].filter(([, call]) => call.ttlSeconds).map(([hold]) => hold);
  }

  #newCall(): Call {
    const { chance } = this.#world;
    const source = chance.pick(["phone", "switchboard"] as const);
    const call = { source, status: chance.pick(CALLS) };
    return chance.happens(0.5) ? call : { ...call, ttlSeconds: this.#someSeconds() };
  }

  #someSeconds(): number {
    return this.#world.chance.between(TTL_SECONDS.least, TTL_SECONDS.most);
  }

  #shift(begins: boolean): void {
    this.#inShift = begins;
    this.#tell({ source: "planner", type: begins ? "shift.started" : "shift.ended" });
  }

  shiftEnds(): void {
    this.#shift(false);
  }

  shiftBegins(): void {
    this.#shift(true);
  }

  #tell(event: Omit<PartnerEvent, "rep">): void {
    const { partner, checker } = this.#world;
    const { protection } = checker;
    const whole = { ...event, rep: this.#user };
    const isLive = (): boolean => event.hold === undefined || this.#calls.has(event.hold);
    if (event.endsHolds) protection.overriding(whole.rep, "begins");
    const said = protection.said(whole.rep);
    partner.tell(whole, (result) => {
      if (event.endsHolds) protection.overriding(whole.rep, "over");
      if (result === "taken" && isLive()) checker.taken(whole, said);
    });
  }

  #session(
    kind: "client" | "call" | "meeting",
    pair: { readonly availability: string; readonly activity: string } | null,
  ): void {
    const isIdle = pair?.availability === "Away";
    const isNothing =
      kind === "client" && pair && this.#sessions.has(kind) && isIdle === this.#isIdle;
    if (isNothing) return;
    this.#world.graph.session(this.#teams, kind, pair);
    this.#sawInTeams();
    if (kind !== "client" || !pair) return;
    this.#isIdle = isIdle;
    this.#did(TEAMS, this.#isIdle ? "Away" : "Available");
  }

  /** What Teams shows after she did something there counts as hers, if she can have chosen it. */
  #sawInTeams(): void {
    const status = ACTIVITIES[this.#world.graph.shows(this.#teams).activity];
    if (status) this.#did(TEAMS, status);
  }

  #did(system: typeof TEAMS, status: Status): void {
    this.#world.checker.causes.did(this.identity.rep, system, status);
  }
}
