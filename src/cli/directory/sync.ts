import { readConfig } from "../../config.ts";
import type { DynamicsAccount } from "../../directory/account.ts";
import { openDecisionBook, type DecisionBook } from "../../directory/decisions.ts";
import { EVERYBODY } from "../../directory/pauses.ts";
import { type RepId, repId, type SystemUserId, systemUserId } from "../../presence/identity.ts";
import { openStore } from "../../store.ts";
import { type Arguments, type Command, CommandError, EXIT, UsageError } from "../command.ts";
import { openTenant, requireStore } from "../tenant.ts";
import { faultOfText } from "./text.ts";

const HELP = `in: she takes part, whatever the scope says. out: she does not; give a --reason. default: the scope decides again.
pause: she rests, for --hours or until resume; what we set for her is withdrawn meanwhile, and nothing of hers is lost.
The running service follows within a minute, a pause sooner. A rep is named by her Dynamics user id, principal name or mail
address; "everybody" can pause and resume.`;

const ACTIONS = ["in", "out", "default", "pause", "resume"] as const;
type Action = (typeof ACTIONS)[number];
/** Pauses are looked at more often than who takes part. */
const FOLLOWS: Readonly<Record<Action, string>> = {
  in: "a minute",
  out: "a minute",
  default: "a minute",
  pause: "seconds",
  resume: "seconds",
};
const HOUR_MS = 3_600_000;
const MAX_HOURS = 24 * 365;

export const sync: Command = {
  name: "sync",
  takes: `<rep> ${ACTIONS.join("|")}`,
  positionals: { min: 2, max: 2 },
  summary: "let one rep take part, keep her out, or let her rest",
  help: HELP,
  options: {
    reason: { type: "string", value: "text", says: "why, for whoever asks later" },
    hours: { type: "string", value: "number", says: "how long a pause lasts" },
  },
  run: async (given, host) => {
    const [rep = "", word = ""] = given.positionals;
    const action = ACTIONS.find((known) => known === word);
    if (!action) throw new UsageError(`There is no ${word}: one of ${ACTIONS.join(", ")}.`);
    const reason = reasonOf(given, action);
    const hours = hoursOf(given, action);
    const config = readConfig(host.env);
    const tenant = openTenant(config, host);
    try {
      if (action === "pause" || action === "resume") await requireStore(config);
      const user = await whoIs(rep, action, () => tenant.dynamics.discover(host.signal));
      const engine = await openStore(config.database);
      try {
        const untilMs = hours === null ? null : host.nowMs() + hours * HOUR_MS;
        await decide(openDecisionBook(engine, host.nowMs), user, action, { reason, untilMs });
      } finally {
        await engine.close();
      }
      if (given.flag("json")) host.print(JSON.stringify({ user, action, reason, hours }));
      else {
        const whom = user === EVERYBODY ? "everybody" : user;
        host.print(`${whom}: ${action}. The service follows within ${FOLLOWS[action]}.`);
      }
      return EXIT.fine;
    } finally {
      await tenant.close();
    }
  },
};

async function decide(
  book: DecisionBook,
  user: SystemUserId,
  action: Action,
  { reason, untilMs }: { readonly reason: string; readonly untilMs: number | null },
): Promise<unknown> {
  switch (action) {
    case "in":
    case "out":
      return book.choose(user, { sync: action, reason });
    case "default":
      return book.unchoose(user);
    case "pause":
      return book.pause(repOf(user), { by: "an administrator", untilMs });
    case "resume":
      return book.resume(repOf(user));
  }
}

const repOf = (user: SystemUserId): RepId | typeof EVERYBODY =>
  user === EVERYBODY ? EVERYBODY : repId(user);

async function whoIs(
  given: string,
  action: Action,
  accounts: () => Promise<readonly DynamicsAccount[]>,
): Promise<SystemUserId> {
  const rep = given.trim().toLowerCase();
  if (rep !== "everybody") return findRep(await accounts(), rep);
  if (action === "pause" || action === "resume") return systemUserId(EVERYBODY);
  throw new UsageError("Everybody can only pause and resume; for the rest there is cli scope.");
}

/** What would count for nothing is refused: who asks for five hours means five. */
function hoursOf(given: Arguments, action: Action): number | null {
  const text = given.text("hours");
  if (text === null) return null;
  if (action !== "pause") throw new UsageError("--hours goes with pause only.");
  const hours = Number(text);
  if (hours > 0 && hours <= MAX_HOURS) return hours;
  throw new UsageError(`--hours must be a number above 0, up to ${MAX_HOURS}.`);
}

function reasonOf(given: Arguments, action: Action): string {
  const reason = given.text("reason")?.trim() ?? "";
  if (reason === "") {
    if (action === "out") throw new UsageError("Give a --reason for out.");
    return reason;
  }
  if (action !== "in" && action !== "out") {
    throw new UsageError("--reason goes with in and out only.");
  }
  const fault = faultOfText(reason);
  if (fault !== null) throw new UsageError(`--reason ${fault}.`);
  return reason;
}

function findRep(accounts: readonly DynamicsAccount[], wanted: string): SystemUserId {
  const found = accounts.filter(
    ({ user, principalName, mail }) =>
      user === wanted || principalName === wanted || mail === wanted,
  );
  const [only, ...others] = found;
  if (only && others.length === 0) return only.user;
  throw new CommandError(
    only ? "cli-rep-ambiguous" : "cli-rep-unknown",
    only
      ? "Give the Dynamics user id: several agents have that address."
      : 'Name an agent of Dynamics; "cli directory" lists them.',
  );
}
