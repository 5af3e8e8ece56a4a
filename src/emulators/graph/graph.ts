import { answerControl } from "../entra/command.ts";
import type { Entra } from "../entra/entra.ts";
import { listen } from "../listener.ts";
import type { LoopbackTls } from "../tls.ts";
import { Push, type PushOptions } from "../subscription/push.ts";
import { catchUp, type Backend } from "./backend.ts";
import { createClock } from "./clock.ts";
import { createGraphControl, type GraphControl } from "./control.ts";
import { Faults } from "./fault.ts";
import { Journal } from "./journal.ts";
import { People, type ChangeListener, type NewPerson } from "./person.ts";
import { answerApi } from "./service.ts";
import { Throttle } from "./throttle.ts";

export type GraphOptions = {
  readonly tenantId: string;
  readonly users: readonly NewPerson[];
  readonly verify: Entra["verify"];
  /** Signs the tokens by which rich notifications prove their sender; without it there are none. */
  readonly mintToken?: PushOptions["mintToken"];
  readonly tls?: LoopbackTls;
  readonly port?: number;
  readonly nowMs?: () => number;
};

export type Graph = {
  /** Without a version: clients append /v1.0. */
  readonly url: string;
  readonly control: GraphControl;
  /** Calls `listener` for every change of what Graph shows; those by expiry at the next call that notices. */
  onChange(listener: ChangeListener): void;
  close(): Promise<void>;
};

/**
 * An emulator of Microsoft Graph for presence, its subscriptions, and the directory of users. It
 * keeps every source of a user's presence apart and combines them as Teams does, because a service that
 * writes presence lives or dies by what a write does not change.
 */
export async function startGraph(options: GraphOptions): Promise<Graph> {
  const { users, nowMs = Date.now } = options;
  const clock = createClock(nowMs);
  const { tenantId, mintToken } = options;
  const push = new Push({ tenantId, mintToken, now: () => clock.now() });
  const backend: Backend = {
    clock,
    push,
    people: new People(),
    journal: new Journal(),
    throttle: new Throttle(),
    faults: new Faults(),
    bulkReads: { sequenceNumbers: true, unknownUsers: "omit" },
    groups: new Map(),
    late: [],
  };
  backend.people.onChange((userId, availability, activity, _, atMs) =>
    push.changed(userId, { availability, activity }, atMs),
  );
  push.onTick(() => catchUp(backend));
  for (const user of users) backend.people.add(user, backend.clock.now());
  const control = createGraphControl(backend);
  const verify = ofTenant(options.verify, options.tenantId);
  const listener = await listen(
    async (request) =>
      (await answerControl(control, request)) ?? (await answerApi(backend, verify, request)),
    options,
  );
  return {
    url: listener.url,
    control,
    onChange: (changed) => backend.people.onChange(changed),
    close: async () => {
      await Promise.all([push.close(), listener.close()]);
    },
  };
}

function ofTenant(verify: Entra["verify"], tenantId: string): Entra["verify"] {
  return async (token) => {
    const verified = await verify(token);
    return verified.ok && verified.tenantId.toLowerCase() === tenantId.toLowerCase()
      ? verified
      : { ok: false };
  };
}
