import { type Connector, SystemError } from "../../src/connectors/connector.ts";
import type { Commit, Engine, RepDocument } from "../../src/engine/engine.ts";
import { EngineError } from "../../src/engine/engine-error.ts";
import {
  DYNAMICS,
  type RepId,
  type RepIdentity,
  type SystemName,
  TEAMS,
} from "../../src/presence/identity.ts";
import { isRoutable } from "../../src/presence/status.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import type { Rep } from "../../src/reconcile/rep.ts";
import { Causes } from "./causes.ts";
import { Violation } from "./journal.ts";
import { Manners } from "./manners.ts";
import { markOf, type PartnerEvent } from "./partner.ts";
import type { ServiceProcess } from "./process.ts";
import { Protection, type Said } from "./protection.ts";
import type { World } from "./world.ts";

/** How often the compare-and-set of another instance may cost a turn; the words are the controller's own. */
const CONFLICT = /another writer changed/;

/**
 * Watches the service from outside: what leaves it, what comes back, what is on the platter, what it was told and
 * what it promised. It judges by the truth of the world, never by what the service believes. The first promise that
 * is broken stays.
 */
export class Checker {
  violation: Violation | null = null;
  readonly causes: Causes;
  readonly protection: Protection;
  readonly manners: Manners;
  /** Writes that left and are no renewals, by rep. */
  readonly writes = new Map<RepId, number>();
  /** Reps of whom a write to Teams may have been cut in half, or may have landed long after. */
  readonly cutInHalf = new Set<RepId>();
  readonly #world: World;
  readonly #promised = new Set<string>();
  readonly #unanswered = new Map<ServiceProcess, Set<string>>();
  readonly #removed = new Set<RepId>();

  constructor(world: World) {
    this.#world = world;
    const broken = (invariant: string, says: string): void => this.broken(invariant, says);
    this.causes = new Causes(world.journal, broken);
    this.protection = new Protection(world.timeline, world.journal, broken);
    const { pace, reps } = world.climate;
    this.manners = new Manners(world.timeline, { ...pace, reps }, world.journal, broken);
    world.platter.onCommit = (before, after, commit) => this.#committed(before, after, commit);
    world.platter.onRemove = (rep) => {
      this.#removed.add(rep);
      this.protection.left(rep);
      world.journal.tell(`removed ${rep}`);
      const left = world.people.find((identity) => identity.rep === rep);
      if (!left || !world.graph.hasOurs(left.teamsUserId)) return;
      // A session of which the service knows nothing, because a write was cut in half: a known limit of docs/SPEC.md.
      if (this.cutInHalf.has(rep)) world.graph.letGo(left.teamsUserId);
      else broken("P1 convergence", `${rep} was forgotten with our entry in Teams`);
    };
  }

  broken(invariant: string, says: string): void {
    if (this.violation) return;
    this.violation = new Violation(invariant, says);
    this.#world.journal.tell(`VIOLATION ${invariant}: ${says}`);
  }

  /** The engine as one process sees it, with an eye on what it asks to be stored. */
  engineFor(process: ServiceProcess, engine: Engine): Engine {
    const commit: Engine["commit"] = (wanted) => {
      this.protection.decided(process, wanted, this.#world.platter.documents);
      return engine.commit(wanted);
    };
    return new Proxy(engine, {
      get: (target, name) =>
        name === "commit" ? commit : (Reflect.get(target, name) as Engine[keyof Engine]),
    });
  }

  /** A connector as one process has it, with an eye on every call that leaves and on what it brings. */
  connectorFor(process: ServiceProcess, connector: Connector): Connector {
    const { system } = connector;
    return {
      system,
      read: async (reps, signal) => {
        this.manners.leaves(process, system, "read");
        const departure = this.protection.departs();
        if (system !== TEAMS) return connector.read(reps, signal);
        const { graph } = this.#world;
        const { seen, truth } = await graph.reading(() => connector.read(reps, signal));
        this.protection.cameBack(process, departure, truth, reps, seen);
        return seen;
      },
      write: async (identity, write, signal) => {
        this.#writeLeaves(process, identity, write);
        const unanswered = this.#unanswered.get(process) ?? new Set<string>();
        this.#unanswered.set(process, unanswered.add(`${identity.rep} ${system}`));
        if (this.#world.strikes("crash while a write leaves")) {
          // The last thing that it did.
          void connector.write(identity, write, signal).catch(() => undefined);
          process.crash("crash while a write leaves");
          return new Promise<never>(() => undefined);
        }
        try {
          await connector.write(identity, write, signal);
        } catch (error) {
          if (system === TEAMS) this.cutInHalf.add(identity.rep);
          throw error;
        } finally {
          unanswered.delete(`${identity.rep} ${system}`);
        }
      },
    };
  }

  systemErrorFor(process: ServiceProcess): (error: SystemError) => void {
    return ({ system, code, retryAfterMs }) => {
      this.#world.journal.tell(`${process.name}: ${code}`);
      if (retryAfterMs !== undefined) this.manners.silence(process, system, retryAfterMs);
    };
  }

  /** What the service reports as nobody's doing but its own. A store that fails, or a lost race, is not that. */
  fault(process: ServiceProcess, error: unknown): void {
    const says = error instanceof Error ? error.message : String(error);
    this.#world.journal.tell(`${process.name}: fault ${says}`);
    if (error instanceof EngineError || error instanceof SystemError) return;
    if (error instanceof Error && CONFLICT.test(error.message)) return;
    const stack = error instanceof Error ? error.stack : "";
    this.broken("P10 liveness", `a fault of our own: ${says} ${stack}`);
  }

  /** The handler is called, and must have answered 200, without a call to anybody, before it waits for anything. */
  webhook(process: ServiceProcess, body: Buffer): void {
    const calls = this.manners.calls;
    const answered = process.webhook(body);
    if (this.manners.calls !== calls) {
      this.broken("P12 harmless webhook", "a call left from the webhook's own stack");
    }
    this.#world.journal.checked("P12");
    void answered.then(({ status }) => {
      if (status !== 200) this.broken("P12 harmless webhook", `it was answered ${status}`);
    });
  }

  promised(key: string): void {
    this.#promised.add(key);
    this.#world.journal.checked("P8");
    if (this.#world.platter.inbox.has(key)) return;
    this.broken("P8 no promise is lost", `${key} was promised, and is not on the disk`);
  }

  taken(event: PartnerEvent, said: Said): void {
    this.protection.taken(event, said);
  }

  processEnded(process: ServiceProcess): void {
    for (const key of this.#unanswered.get(process) ?? []) {
      const [rep = "", system] = key.split(" ");
      if (system === TEAMS) this.cutInHalf.add(rep as RepId);
    }
    this.#unanswered.delete(process);
  }

  /** When the world is quiet: every promise was kept exactly once. */
  atRest(): void {
    for (const key of this.#promised) {
      const inboxed = this.#world.platter.inbox.get(key);
      if (!inboxed) this.broken("P8 no promise is lost", `${key} is gone`);
      else if (!inboxed.settled) this.broken("P8 no promise is lost", `${key} was never acted on`);
      else if (!inboxed.removed && !this.causes.wasTaken(key)) {
        this.broken("P8 no promise is lost", `${key} counts as settled, and was never taken`);
      }
    }
  }

  #writeLeaves(process: ServiceProcess, identity: RepIdentity, write: Write): void {
    const { rep } = identity;
    const { system, intent, shows, renewal } = write;
    const { journal, platter } = this.#world;
    this.#isHerself(identity);
    journal.tell(`${process.name}: ${rep} ${system} <- ${shows} (intent ${intent})`);
    journal.checked("P9");
    if (!renewal) this.writes.set(rep, (this.writes.get(rep) ?? 0) + 1);
    this.manners.leaves(process, system, "write");
    const document = platter.documents.get(rep);
    if (!document) {
      if (this.#removed.has(rep)) this.broken("P14 identity", `a write for ${rep}, who has left`);
      else this.broken("P9 durable before send", `nothing is stored about ${rep}`);
      return;
    }
    const pending = document.rep.systems[system]?.pending;
    const isRecorded =
      pending?.intent === intent && pending.status === shows && pending.ackTick === null;
    if (!isRecorded) {
      this.broken("P9 durable before send", `${system} <- ${shows} has no record on the disk`);
    }
    if (this.#unanswered.get(process)?.has(`${rep} ${system}`)) {
      this.broken("P9 one write at a time", `a second write to ${system} before an answer`);
    }
    if (system === DYNAMICS && isRoutable(shows)) journal.checked("P13");
  }

  #committed(before: RepDocument | null, after: RepDocument, commit: Commit): void {
    const { identity, rep } = after;
    const { journal } = this.#world;
    journal.tell(`stored ${identity.rep} generation ${after.generation} intent ${rep.intent}`);
    journal.checked("P6");
    this.#isHerself(identity);
    for (const hold of Object.keys(rep.holds)) {
      if (hold.includes(markOf(identity))) continue;
      this.broken("P14 identity", `${identity.rep} has ${hold}, which is a call of somebody else`);
    }
    this.#overlaps(rep, Object.keys(before?.rep.holds ?? {}).length > 0, commit);
    if (before) this.#monotone(before, after);
    this.causes.committed(identity.rep, commit.history);
    this.protection.stored(commit);
  }

  /** Her accounts are the ones that she has in the world, whatever was stored of her. */
  #isHerself(identity: RepIdentity): void {
    this.#world.journal.checked("P14");
    const truth = this.#world.people.find(({ rep }) => rep === identity.rep);
    const isHerself =
      truth?.teamsUserId === identity.teamsUserId && truth.systemUserId === identity.systemUserId;
    if (!isHerself) this.broken("P14 identity", `${identity.rep} has accounts of somebody else`);
  }

  /** What of several truths at once has really come about; `talked`: there was a call before. */
  #overlaps({ holds }: Rep, talked: boolean, { history }: Commit): void {
    const { journal } = this.#world;
    const calls = Object.values(holds);
    if (new Set(calls.map(({ source }) => source)).size > 1) {
      journal.overlap("calls of several sources");
    }
    if (new Set(calls.map(({ status }) => status)).size > 1) {
      journal.overlap("calls of different strengths");
    }
    for (const { kind, cause } of history) {
      if (kind !== "intent" || !cause) continue;
      const told = cause.eventId !== undefined;
      const during = calls.length > 0;
      if (cause.kind === "shift" && cause.status === "Offline" && during) {
        journal.overlap("shift ended during a call");
      }
      if (cause.kind === "command" && during) journal.overlap("command during a call");
      if (cause.kind === "command" && talked && !during) journal.overlap("calls ended by command");
      if (cause.kind === "hold expired") journal.overlap("call ended by itself");
      if (cause.kind !== "command ended") continue;
      journal.overlap(told ? "command taken back" : "command ended by itself");
    }
  }

  #monotone(before: RepDocument, after: RepDocument): void {
    const { rep } = before.identity;
    if (after.rep.intent < before.rep.intent || after.rep.tick < before.rep.tick) {
      this.broken("P6 monotone", `${rep} went back from intent ${before.rep.intent}`);
    }
    if (JSON.stringify(before.identity) !== JSON.stringify(after.identity)) {
      this.broken("P14 identity", `${rep} changed her accounts`);
    }
    for (const system of [TEAMS, DYNAMICS] as readonly SystemName[]) {
      const [a, b] = [before.rep.systems[system]?.sequence, after.rep.systems[system]?.sequence];
      if (a != null && (b == null || b < a)) {
        this.broken("P6 monotone", `${rep} believed an older read of ${system}`);
      }
    }
  }
}
