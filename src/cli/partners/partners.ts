import {
  type Binding,
  created,
  isName,
  OVERLAP_MS,
  revoked,
  rotated,
} from "../../api/integrations/administration.ts";
import {
  INTEGRATION_RECORD,
  type Kind,
  KINDS,
  type KeptIntegration,
  type Permission,
  PERMISSIONS,
  readKept,
} from "../../api/integrations/integration.ts";
import { readConfig } from "../../config.ts";
import type { Engine } from "../../engine/engine.ts";
import { openStore } from "../../store.ts";
import { type Arguments, type Command, CommandError, EXIT, UsageError } from "../command.ts";
import { textTable } from "../text-table.ts";
import { audited } from "./audit.ts";
import { quotaOf, QUOTAS } from "./quota.ts";

const HELP = `create prints the secret once: nobody can read it again. --app binds an Entra application instead, which needs no secret
of ours; until it is bound, an application reads by its app role and writes nothing.
--rep, --kind and --permission (each may be given again) bind it; without them it may touch every rep, say everything, read and write.
--rate and --quota limit it: ${QUOTAS.map(({ name, usually }) => `${name} (${usually})`).join(", ")}.
rotate prints a new secret; the old one serves on for --overlap hours (24). revoke ends both at once. The service follows within
seconds. A partner of the setting PARTNERS gives way to one of the same name here.
audit shows what an integration, or everybody, reported and set in the last --hours (24; a plan counts when it comes), and what was done with it.`;

/** Which options mean something to an action; any other is refused, or she who gives it believes that it counts. */
const OPTIONS: Readonly<Record<Action, readonly string[]>> = {
  create: ["app", "rep", "kind", "permission", "rate", "quota"],
  rotate: ["overlap"],
  revoke: [],
  list: [],
  audit: ["hours"],
};
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ACTIONS = ["create", "rotate", "revoke", "list", "audit"] as const;
type Action = (typeof ACTIONS)[number];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const partners: Command = {
  name: "partners",
  takes: "create|rotate|revoke <name>, list, or audit [<name>]",
  positionals: { min: 1, max: 2 },
  summary: "let other applications in, each as far as it is bound",
  help: HELP,
  options: {
    app: { type: "string", value: "client id", says: "the Entra application that it comes as" },
    rep: { type: "string", value: "id", multiple: true, says: "a rep whom it may see and touch" },
    kind: { type: "string", value: KINDS.join("|"), multiple: true, says: "what it may say" },
    permission: { type: "string", value: PERMISSIONS.join("|"), multiple: true, says: "or both" },
    rate: { type: "string", value: "requests a minute", says: "how often it may ask" },
    quota: { type: "string", value: "what=number", multiple: true, says: "how much it may have" },
    overlap: { type: "string", value: "hours", says: "how long the old secret serves on" },
    hours: { type: "string", value: "hours", says: "how far back the audit goes" },
  },
  run: async (given, host) => {
    const [action, name] = given.positionals;
    const known = ACTIONS.find((candidate) => candidate === action);
    if (!known) throw new UsageError(`partners takes ${ACTIONS.join(", ")}.`);
    if (known !== "audit" && (known === "list") !== (name === undefined)) {
      throw new UsageError("create, rotate and revoke take one name; list takes none.");
    }
    requireMeant(given, known);
    const binding = bindingOf(given);
    const overlapMs = hoursOf("overlap", given.text("overlap"), OVERLAP_MS);
    const sinceMs = host.nowMs() - hoursOf("hours", given.text("hours"), DAY_MS);
    const config = readConfig(host.env);
    const engine = await openStore(config.database);
    try {
      if (known === "list") {
        host.print(listed(await allOf(engine), given.flag("json")));
        return EXIT.fine;
      }
      if (known === "audit") {
        const query = { name: name ?? null, sinceMs, asJson: given.flag("json") };
        host.print(await audited(engine, await allOf(engine), query));
        return EXIT.fine;
      }
      const next = await change(engine, known, name ?? "", {
        binding,
        overlapMs,
        nowMs: host.nowMs(),
      });
      const secret = known === "revoke" ? null : (next.secrets.at(-1)?.secret ?? null);
      if (given.flag("json")) host.print(JSON.stringify({ name, secret }));
      else if (secret !== null) host.print(secret);
      else
        host.say(
          known === "revoke" ? "It may do nothing any more." : "It may come with its token.",
        );
      if (known === "create") host.say(`${boundTo(next)}.`);
      return EXIT.fine;
    } finally {
      await engine.close();
    }
  },
};

async function allOf(engine: Engine): Promise<ReadonlyMap<string, KeptIntegration>> {
  const records = await engine.kept(INTEGRATION_RECORD);
  const read = records.map(({ id, body }) => [id, readKept(body)] as const);
  return new Map(read.flatMap(([id, body]) => (body ? [[id, body] as const] : [])));
}

async function change(
  engine: Engine,
  action: "create" | "rotate" | "revoke",
  name: string,
  given: { readonly binding: Binding; readonly overlapMs: number; readonly nowMs: number },
): Promise<KeptIntegration> {
  const { binding, overlapMs, nowMs } = given;
  const known = (await allOf(engine)).get(name);
  let next: KeptIntegration;
  if (action === "create") {
    if (!isName(name)) {
      const must = "up to 32 lower-case letters, digits and hyphens, no system's name, not app-…";
      throw new CommandError("cli-partner-name", `Choose another name: ${must}.`);
    }
    if (known && known.revokedAtMs === null) {
      throw new CommandError(
        "cli-partner-known",
        "There is one of that name: rotate or revoke it.",
      );
    }
    requireFree(binding.appId, await allOf(engine));
    next = created(binding, nowMs, known);
  } else {
    if (!known || (action === "rotate" && known.revokedAtMs !== null)) {
      throw new CommandError(
        "cli-partner-unknown",
        "There is none of that name: see cli partners list.",
      );
    }
    next = action === "rotate" ? rotated(known, overlapMs, nowMs) : revoked(known, nowMs);
  }
  await engine.keep({ kind: INTEGRATION_RECORD, id: name, body: next, expiresAtMs: null });
  return next;
}

function requireMeant(given: Arguments, action: Action): void {
  const isGiven = (option: string): boolean =>
    given.text(option) !== null || given.list(option).length > 0;
  const odd = Object.values(OPTIONS)
    .flat()
    .find((option) => isGiven(option) && !OPTIONS[action].includes(option));
  if (odd === undefined) return;
  const after = action === "rotate" ? " To bind it otherwise, revoke it and create it anew." : "";
  throw new UsageError(`--${odd} means nothing to ${action}.${after}`);
}

function bindingOf(given: Arguments): Binding {
  const reps = [...new Set(given.list("rep").map((id) => id.toLowerCase()))];
  if (!reps.every((id) => GUID.test(id)))
    throw new UsageError("--rep takes the id of a rep, a GUID.");
  const appId = given.text("app");
  if (appId !== null && !GUID.test(appId)) throw new UsageError("--app takes a client id, a GUID.");
  return {
    appId,
    permissions: someOf<Permission>("permission", given.list("permission"), PERMISSIONS),
    kinds: someOf<Kind>("kind", given.list("kind"), KINDS),
    reps: reps.length > 0 ? reps : null,
    quota: quotaOf(given.text("rate"), given.list("quota")),
  };
}

/** Those that were named, or all. */
function someOf<Item extends string>(
  option: string,
  given: readonly string[],
  all: readonly Item[],
): readonly Item[] {
  const found = all.filter((item) => given.includes(item));
  if (given.some((item) => !all.some((one) => one === item))) {
    throw new UsageError(`--${option} takes ${all.join(", ")}.`);
  }
  return found.length > 0 ? found : all;
}

function hoursOf(option: string, text: string | null, usuallyMs: number): number {
  if (text === null) return usuallyMs;
  if (!/^\d{1,4}$/.test(text)) throw new UsageError(`--${option} takes whole hours.`);
  return Number(text) * HOUR_MS;
}

/** Two integrations cannot come as one application: nobody could say which of them asks. */
function requireFree(appId: string | null, all: ReadonlyMap<string, KeptIntegration>): void {
  const taken = [...all].find(
    ([, one]) => appId !== null && one.appId === appId.toLowerCase() && one.revokedAtMs === null,
  );
  if (!taken) return;
  const nextStep = `The application comes as ${taken[0]} already: revoke that first.`;
  throw new CommandError("cli-partner-application-known", nextStep);
}

/** What it may do, as it stands in the list. */
function boundTo({ permissions, kinds, reps }: KeptIntegration): string {
  return `It may ${permissions.join(" and ")} ${whomOf(reps)}; of the kinds ${kinds.join(", ")}`;
}

function whomOf(reps: readonly string[] | null): string {
  if (reps === null) return "every rep";
  return reps.length === 1 ? "1 rep" : `${reps.length} reps`;
}

function listed(all: ReadonlyMap<string, KeptIntegration>, asJson: boolean): string {
  const rows = [...all].map(([name, one]) => ({
    name,
    comesAs: one.appId ?? "signature",
    permissions: one.permissions,
    kinds: one.kinds,
    reps: one.reps,
    quota: one.quota,
    secrets: one.secrets.length,
    revokedAtMs: one.revokedAtMs,
  }));
  if (asJson) return JSON.stringify(rows);
  if (rows.length === 0) return "Nobody but the partners of the setting PARTNERS.";
  const lines = rows.map(({ name, comesAs, permissions, kinds, reps, revokedAtMs }) => [
    name,
    revokedAtMs === null ? comesAs : "revoked",
    permissions.join("+"),
    kinds.join("+"),
    whomOf(reps),
  ]);
  const heading = ["name", "comes as", "may", "kinds", "reps"];
  return textTable([heading, ...lines], { width: 100 });
}
