import { TEAMS } from "../../src/presence/identity.ts";
import type { Status } from "../../src/presence/status.ts";
import { join } from "../../src/presence/status.ts";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import { LONGEST_LAG_MS } from "./dataverse.ts";
import { CLIENT_ID } from "./graph.ts";
import { lostConnection, overlap } from "./overlap.ts";
import type { SimulatedPerson } from "./people.ts";
import type { World } from "./world.ts";

/** After the last fault: what is remembered longest (a pause between retries, a spent budget) is over by then. */
const SETTLE_MS = 12 * 60_000;
const QUIET_MS = 10 * 60_000;
/** One change, on a good day: a poll, a settled write, and the release of the other system after it. */
const CHANGE_MS = 25_000;

const IN_DYNAMICS: Readonly<Record<string, Status>> = {
  [PRESENCE_ID.available]: "Available",
  [PRESENCE_ID.busy]: "Busy",
  [PRESENCE_ID.doNotDisturb]: "DoNotDisturb",
  [PRESENCE_ID.away]: "Away",
  [PRESENCE_ID.inactive]: "Away",
  [PRESENCE_ID.offline]: "Offline",
};

export type Shown = { readonly teams: string; readonly dynamics: Status };
/** What each system must show for one status, where nothing lies over it. */
const EXPECTED: Readonly<
  Record<"Available" | "Away" | "Busy" | "DoNotDisturb" | "InACall", Shown>
> = {
  Available: { teams: "Available", dynamics: "Available" },
  Away: { teams: "Away", dynamics: "Away" },
  Busy: { teams: "Busy", dynamics: "Busy" },
  DoNotDisturb: { teams: "DoNotDisturb", dynamics: "DoNotDisturb" },
  InACall: { teams: "InACall", dynamics: "Busy" },
};
type Known = keyof typeof EXPECTED;

/**
 * The liveness half. Faults stop, people rest; then the service has to become quiet, and what people do from here on
 * must show everywhere, in time, at the cost of one write for each system that is to change.
 */
export class Finale {
  readonly #world: World;
  readonly #people: readonly SimulatedPerson[];
  readonly #run: (forMs: number) => Promise<void>;

  constructor(
    world: World,
    people: readonly SimulatedPerson[],
    run: (forMs: number) => Promise<void>,
  ) {
    this.#world = world;
    this.#people = people;
    this.#run = run;
  }

  async play(): Promise<void> {
    const { chance, checker, climate } = this.#world;
    this.#world.calmDown();
    for (const person of this.#people) person.comesToRest();
    await this.#run(SETTLE_MS);
    checker.atRest();
    this.#callsAreOver();
    this.#leasesEnd();
    // A shift end leaves her Offline in Dynamics, and nothing is written there until she is back. And what the engine
    // showed by itself hides a choice of what was there before: a known limit of docs/SPEC.md.
    for (const person of this.#people) {
      if (this.#shown(person).dynamics !== "Available") person.chooseInDynamics("Available");
    }
    await this.#run(CHANGE_MS + climate.pollMs);
    for (const { identity } of this.#people) {
      if (this.#world.platter.documents.has(identity.rep)) continue;
      checker.broken("P10 liveness", `nobody looks after ${identity.rep}`);
    }

    const first = chance.pick(["Busy", "DoNotDisturb", "Away"] as const);
    const other = first === "Busy" ? "DoNotDisturb" : "Busy";
    await this.#after("P1 convergence", 1, (person) => {
      // What she shows already is no choice that anybody could see.
      const status = this.#shown(person).dynamics === first ? other : first;
      person.chooseInDynamics(status);
      return status;
    });
    const inTeams = chance.happens(0.5);
    await this.#after("P1 convergence", 1, (person) => {
      if (inTeams) person.chooseInTeams(null);
      else person.chooseInDynamics("Available");
      return "Available";
    });
    const calls = new Map<SimulatedPerson, string>();
    await this.#after("P13 protection", 2, (person) => {
      calls.set(person, person.callBegins({ source: "phone", status: "InACall" }));
      return "InACall";
    });
    await this.#after("P1 convergence", 2, (person) => {
      person.callEnds(calls.get(person) ?? "");
      return "Available";
    });
    await overlap(this.#people, chance, (mostWrites, act, waitMs) =>
      this.#after("P1 overlapping truth", mostWrites, act, waitMs),
    );
    if (climate.pollMs <= CHANGE_MS / 4) {
      await lostConnection((mostWrites, act) => this.#after("P1 lost connection", mostWrites, act));
      await this.#crossing();
    }
    await this.#quiet();
    checker.atRest();
  }

  /** Two choices of which neither system was shown the other: the less available stands, whichever is read first. */
  async #crossing(): Promise<void> {
    const { chance, graph, dataverse } = this.#world;
    // Nothing is read or written while she makes them.
    graph.line.clog();
    dataverse.line.clog();
    const wanted = new Map<SimulatedPerson, Known>();
    for (const person of this.#people) {
      const [a, b] = chance.pick([
        ["Busy", "DoNotDisturb"],
        ["Away", "Busy"],
        ["Busy", "Away"],
        ["DoNotDisturb", "Away"],
        ["DoNotDisturb", "Busy"],
      ] as const);
      person.chooseInTeams(a);
      person.chooseInDynamics(b);
      wanted.set(person, join(a, b) as Known);
    }
    await this.#run(LONGEST_LAG_MS);
    await this.#after("P7 crossing choices", 2, (person) => wanted.get(person) ?? "Available");
  }

  async #quiet(): Promise<void> {
    const { checker } = this.#world;
    const before = this.#people.map((person) => this.#writesOf(person));
    await this.#run(QUIET_MS);
    for (const [at, person] of this.#people.entries()) {
      const writes = this.#writesOf(person) - (before[at] ?? 0);
      this.#world.journal.checked("P15");
      if (writes === 0) continue;
      checker.broken("P15 quiescence", `${writes} writes for ${person.identity.rep} for nothing`);
    }
  }

  /** Everybody does the same kind of thing, and each must come to show what `act` says, for so many writes. */
  async #after(
    invariant: string,
    mostWrites: number,
    act: (person: SimulatedPerson) => Known | Shown,
    waitMs = 0,
  ): Promise<void> {
    const { checker, journal, climate } = this.#world;
    // What is asked for here may cost its writes over the whole life as well.
    checker.causes.inputs += this.#people.length;
    const began = this.#people.map((person) => {
      const writes = this.#writesOf(person);
      const wanted = act(person);
      const expected = typeof wanted === "string" ? EXPECTED[wanted] : wanted;
      const says = `${expected.teams}/${expected.dynamics}`;
      journal.tell(`finale: ${person.identity.rep} should come to show ${says}`);
      return { person, writes, expected, says };
    });
    this.#world.graph.line.unclog();
    this.#world.dataverse.line.unclog();
    await this.#run(waitMs + CHANGE_MS + 3 * climate.pollMs);
    for (const { person, writes, expected, says } of began) {
      if (this.#isHeld(person)) continue;
      const { teams, dynamics } = this.#shown(person);
      journal.checked(invariant.slice(0, invariant.indexOf(" ")));
      journal.checked("P10");
      // Dynamics has one word for both: Away there agrees with a Be right back that was chosen before.
      const inTeams = teams === "BeRightBack" ? "Away" : teams;
      if (inTeams !== expected.teams || dynamics !== expected.dynamics) {
        const { rep } = person.identity;
        checker.broken(invariant, `${rep} is ${teams}/${dynamics}, and should be ${says}`);
      }
      const spent = this.#writesOf(person) - writes;
      journal.checked("P2");
      if (spent <= mostWrites * climate.instances) continue;
      checker.broken("P2 bounded writes", `${spent} writes for one change, not ${mostWrites}`);
    }
  }

  #shown({ identity }: SimulatedPerson): Shown {
    const { activity } = this.#world.graph.shows(identity.teamsUserId);
    const { presenceId } = this.#world.dataverse.rep(identity.systemUserId);
    return { teams: activity, dynamics: IN_DYNAMICS[presenceId] ?? "Away" };
  }

  /** Lost ends included: nothing was heard of any call for longer than it may last. */
  #callsAreOver(): void {
    const { platter, checker } = this.#world;
    for (const { identity, rep } of platter.documents.values()) {
      const [call] = Object.keys(rep.holds);
      if (call) checker.broken("P10 liveness", `${identity.rep} is still held by ${call}`);
    }
  }

  #writesOf({ identity }: SimulatedPerson): number {
    return this.#world.checker.writes.get(identity.rep) ?? 0;
  }

  /**
   * A known limit of docs/SPEC.md: a write to Teams that was cut in half may leave a session of ours of which the
   * service knows nothing. It ends with its lease; here it ends now, so that everything else can still be judged.
   */
  #leasesEnd(): void {
    const { graph, checker, journal, platter } = this.#world;
    for (const { identity } of this.#people) {
      const isOurs = graph.person(identity.teamsUserId).sessions.has(`app:${CLIENT_ID}`);
      const { systems } = platter.documents.get(identity.rep)?.rep ?? {};
      const isKnown = systems?.[TEAMS]?.cover === "session";
      if (!isOurs || isKnown || !checker.cutInHalf.has(identity.rep)) continue;
      journal.tell(`${identity.rep}: a session of ours was left behind`);
      graph.endSession(identity.teamsUserId);
    }
  }

  /** Her write budget is spent, and the service says so. */
  #isHeld({ identity }: SimulatedPerson): boolean {
    const rep = this.#world.platter.documents.get(identity.rep)?.rep;
    return (rep?.heldUntilMs ?? 0) > this.#world.timeline.nowMs - 2 * CHANGE_MS;
  }
}
