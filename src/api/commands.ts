import { randomUUID } from "node:crypto";
import type { Engine, InboxEvent, RepDocument } from "../engine/engine.ts";
import { type HoldId, holdId, type RepId, type RepIdentity } from "../presence/identity.ts";
import type { RepEvent } from "../reconcile/event.ts";
import { covers, type Integration, type Kind } from "./integrations/integration.ts";
import type { HoldDetails } from "./hold-details.ts";
import { HoldPlaces } from "./hold-places.ts";
import type { ProblemCode } from "./problem.ts";
import type { Command } from "./schemas.ts";
import type { Planner } from "./shifts/planner.ts";
import { prefixOf } from "./view.ts";

export type CommandsOptions = {
  readonly engine: Pick<Engine, "accept">;
  readonly planner: Planner;
  readonly details: HoldDetails;
  readonly find: (id: string) => RepIdentity | null;
  readonly document: (rep: RepId) => RepDocument | null;
  readonly submit: (event: InboxEvent) => void;
  readonly nowMs: () => number;
};

/** Who commands, and the id under which it is taken: the same id again does nothing again. */
export type Commander = { readonly integration: Integration; readonly eventId: string };

export type Outcome =
  | {
      readonly ok: true;
      readonly result: "accepted" | "duplicate";
      /** When it ends by itself, if it does. */
      readonly untilMs: number | null;
    }
  | { readonly ok: false; readonly code: ProblemCode; readonly detail: string };

const KIND_OF: Readonly<Record<Command["op"], Kind>> = {
  putHold: "hold",
  endHold: "hold",
  setStatus: "status",
  releaseStatus: "status",
  putShift: "shift",
  endShift: "shift",
};

/**
 * Carries out one report, command or plan, alone or as an item of a bulk call. A rep whom the integration is not
 * bound to is answered as one who does not exist, so that nothing can be learned about her.
 */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #places: HoldPlaces;

  constructor(options: CommandsOptions) {
    this.#options = options;
    const { document, nowMs } = options;
    this.#places = new HoldPlaces({ holdsOf: (rep) => document(rep)?.rep.holds ?? {}, nowMs });
  }

  async apply(command: Command, by: Commander): Promise<Outcome> {
    const { integration } = by;
    const identity = this.#options.find(command.rep);
    if (!identity || !covers(integration, identity)) return UNKNOWN_REP;
    const kind = KIND_OF[command.op];
    const overrides = command.op === "setStatus" && command.endsHolds;
    const missing = [kind, ...(overrides ? (["override"] as const) : [])].find(
      (one) => !integration.kinds.has(one),
    );
    if (missing !== undefined) {
      const detail = `This integration is not bound to the kind ${missing}.`;
      return { ok: false, code: "api-kind-forbidden", detail };
    }
    try {
      return await this.#carryOut(command, by, identity);
    } catch {
      const detail = "It could not be stored. Send it again; with the same key, if it had one.";
      return { ok: false, code: "api-not-stored", detail };
    }
  }

  async #carryOut(command: Command, by: Commander, identity: RepIdentity): Promise<Outcome> {
    const { details, nowMs } = this.#options;
    const { integration } = by;
    switch (command.op) {
      case "putHold":
        return this.#putHold(command, by, identity);
      case "endHold": {
        const hold = this.#holdId(integration, command.hold);
        const ended = await this.#accept({ type: "hold.ended", hold }, by, identity, null);
        this.#places.free(integration, identity.rep, hold);
        await details.forget(hold);
        return ended;
      }
      case "setStatus": {
        const { status, ttlSeconds, endsHolds } = command;
        const untilMs = ttlSeconds === undefined ? null : nowMs() + ttlSeconds * 1000;
        const event: RepEvent = {
          type: "status.set",
          status,
          ...(untilMs === null ? {} : { untilMs }),
          ...(endsHolds ? { endsHolds } : {}),
        };
        return this.#accept(event, by, identity, untilMs);
      }
      case "releaseStatus": {
        const base = this.#options.document(identity.rep)?.rep.base;
        if (base?.origin !== integration.name || base.before === null) return NOT_YOURS;
        return this.#accept({ type: "status.released" }, by, identity, null);
      }
      case "putShift":
        return this.#plan(command, integration, identity);
      case "endShift": {
        const { rep } = identity;
        const { name } = integration;
        const key = { integration: name, rep, shift: command.shift };
        const there = await this.#options.planner.remove(key);
        return { ok: true, result: there ? "accepted" : "duplicate", untilMs: null };
      }
      default:
        return command satisfies never;
    }
  }

  async #putHold(
    command: Command & { readonly op: "putHold" },
    by: Commander,
    identity: RepIdentity,
  ): Promise<Outcome> {
    const { details, nowMs } = this.#options;
    const { integration } = by;
    const { rep } = identity;
    const hold = this.#holdId(integration, command.hold);
    if (!this.#places.take(integration, rep, hold)) return TOO_MANY_HOLDS;
    const untilMs = nowMs() + command.ttlSeconds * 1000;
    try {
      await details.put(hold, command.detail ?? null, untilMs);
      const event = { type: "hold.started", hold, status: command.status, untilMs } as const;
      return await this.#accept(event, by, identity, untilMs);
    } catch (error) {
      this.#places.leave(integration, rep, hold);
      throw error;
    }
  }

  async #plan(
    command: Command & { readonly op: "putShift" },
    { name, quota }: Integration,
    { rep }: RepIdentity,
  ): Promise<Outcome> {
    const { planner, nowMs } = this.#options;
    const { shift, fromMs, untilMs, status = null } = command;
    if (fromMs >= untilMs || untilMs <= nowMs()) {
      const detail = "expected untilMs after fromMs, and not over yet";
      return { ok: false, code: "api-input-malformed", detail };
    }
    if (
      !planner.knows({ integration: name, rep, shift }) &&
      planner.countOf(name) >= quota.shifts
    ) {
      const detail = `This integration may plan ${quota.shifts} shifts at a time.`;
      return { ok: false, code: "api-quota-reached", detail };
    }
    const plan = randomUUID();
    const planned = { integration: name, rep, shift, fromMs, untilMs, status, plan, begun: false };
    return { ok: true, result: await planner.put(planned), untilMs };
  }

  async #accept(
    event: RepEvent,
    { integration, eventId }: Commander,
    { rep }: RepIdentity,
    untilMs: number | null,
  ): Promise<Outcome> {
    const { engine, submit, nowMs } = this.#options;
    const receivedAtMs = nowMs();
    const inbox: InboxEvent = {
      id: eventId,
      source: integration.name,
      rep,
      receivedAtMs,
      body: event,
    };
    const result = await engine.accept(inbox);
    if (result === "accepted") submit(inbox);
    return { ok: true, result, untilMs };
  }

  #holdId({ name }: Integration, own: string): HoldId {
    return holdId(`${prefixOf(name)}${own}`);
  }
}

export const UNKNOWN_REP = {
  ok: false,
  code: "rep-unknown",
  detail: "No rep whom this integration may touch has that id.",
} as const;
const TOO_MANY_HOLDS = {
  ok: false,
  code: "api-quota-reached",
  detail: "This integration has as many calls on this rep as it may have: end one first.",
} as const;
const NOT_YOURS = {
  ok: false,
  code: "api-not-yours",
  detail: "What stands for this rep was not set by this integration.",
} as const;
