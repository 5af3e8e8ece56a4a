import { type Config, readConfig } from "../../config.ts";
import { createDataverse } from "../../connectors/dynamics/dataverse.ts";
import { createRegistrar } from "../../connectors/dynamics/registration.ts";
import {
  type Change,
  columnsOf,
  endpointNameOf,
  endpointsAt,
  fingerprintIn,
  fingerprintOf,
  isNamedLikeOurs,
  planRegistration,
  planRemoval,
  type RegisteredEndpoint,
  type StepMode,
  type Wanted,
} from "../../connectors/dynamics/registration-plan.ts";
import { credentialOf } from "../../sign-in.ts";
import {
  type Arguments,
  type Command,
  CommandError,
  EXIT,
  type Host,
  UsageError,
} from "../command.ts";
import { probeWebhook, type WebhookProbe } from "./probe.ts";

export const WEBHOOK_PATH = "/webhooks/dataverse";

const HELP = `Creates or repairs, in Dataverse, the service endpoint and its two steps (Create and Update of msdyn_agentstatus)
that tell this service when a rep's presence changes. Shows the plan; --yes carries it out. Run it as often as you like:
when everything is as it should be, nothing is done. The application user needs the role System Customizer meanwhile.

The steps are asynchronous: Dataverse calls us after the change is stored, about a second later, and nobody waits.
--sync makes Dataverse call us inside the transaction that changes a rep's presence. It is a little faster, but while
this service is slow or down that transaction waits up to a minute and is then rolled back, so that presence in Dynamics
stands still for everybody. Polling already covers what an asynchronous step loses; choose --sync only if you must.

To replace the secret: set DATAVERSE_WEBHOOK_KEY_NEXT and restart the service, which then takes both keys; run
register-webhook --rotate --yes; move the new key to DATAVERSE_WEBHOOK_KEY, remove DATAVERSE_WEBHOOK_KEY_NEXT, restart.`;

export const registerWebhook: Command = {
  name: "register-webhook",
  takes: "",
  positionals: { min: 0, max: 0 },
  summary: "register the webhook in Dataverse, repair it, rotate its key, or remove it",
  help: HELP,
  options: {
    yes: { type: "boolean", says: "carry the plan out" },
    sync: { type: "boolean", says: "synchronous steps: read the risk above first" },
    rotate: { type: "boolean", says: "let Dataverse send DATAVERSE_WEBHOOK_KEY_NEXT from now on" },
    remove: { type: "boolean", says: "take the endpoint and its steps away" },
    url: {
      type: "string",
      value: "address",
      says: `instead of PUBLIC_URL${WEBHOOK_PATH}`,
    },
  },
  run: async (given, host) => {
    const isRemoval = given.flag("remove");
    if (isRemoval && (given.flag("rotate") || given.flag("sync"))) {
      throw new UsageError("--remove goes with neither --rotate nor --sync.");
    }
    const config = readConfig(host.env);
    const dataverse = createDataverse({
      dataverseUrl: config.dataverseUrl,
      credential: credentialOf(config, host.nowMs),
      nowMs: host.nowMs,
    });
    try {
      const registrar = createRegistrar(dataverse);
      const endpoints = await registrar.read(host.signal);
      const url = addressOf(given, config);
      const key = isRemoval ? "" : keyOf(given, config, endpointsAt(url, endpoints));
      const wanted: Wanted = { url, key, mode: modeOf(given) };
      const planOf = (found: readonly RegisteredEndpoint[]): readonly Change[] =>
        isRemoval ? planRemoval(found, url) : planRegistration(found, wanted);
      const changes = planOf(endpoints);
      const notes = await notesOn(given, config, wanted, endpoints, host);
      const applies = given.flag("yes") && changes.length > 0;
      if (!given.flag("json")) host.print(described(changes, wanted, notes, applies));
      if (applies) {
        await registrar.apply(changes, wanted, host.signal);
        // Somebody may have done the same at the same time, and what stands between may answer 200 to anything.
        if (planOf(await registrar.read(host.signal)).length > 0) throw unfinished();
      }
      if (given.flag("json")) {
        const plan = changes.map((change) => ({ ...change, says: sayChange(change, wanted) }));
        host.print(
          JSON.stringify({ url, mode: wanted.mode, changes: plan, notes, applied: applies }),
        );
      } else if (applies) {
        host.print(isRemoval ? "Removed." : "Registered.");
      }
      return changes.length > 0 && !applies ? EXIT.warning : EXIT.fine;
    } finally {
      await dataverse.close();
    }
  },
};

const modeOf = (given: Arguments): StepMode => (given.flag("sync") ? "sync" : "async");

function addressOf(given: Arguments, { publicUrl }: Config): string {
  const url = given.text("url") ?? (publicUrl === null ? null : `${publicUrl}${WEBHOOK_PATH}`);
  if (url === null) {
    throw new CommandError(
      "cli-webhook-address-missing",
      "Set PUBLIC_URL to the address at which Dataverse reaches this service, or give --url.",
    );
  }
  // The key goes along with each call. An endpoint that is there already may be taken away, whatever it is.
  const isSafe =
    (isEncrypted(url) && !namesSomebody(url)) || (given.flag("remove") && URL.canParse(url));
  if (!isSafe) {
    throw new CommandError(
      "cli-webhook-address-malformed",
      "Give --url a whole address, without a user name or a password: https://…",
    );
  }
  return url;
}

function unfinished(): CommandError {
  return new CommandError(
    "cli-webhook-unfinished",
    "Run the command again: Dataverse took each request, and shows something else. Somebody may have run it at the same time.",
  );
}

/**
 * Once the next key is registered it stays, until it has become the first: a plain repair in the middle of a
 * rotation must not turn it back.
 */
function keyOf(
  given: Arguments,
  { dataverseWebhookKeys: [key, next] }: Config,
  registered: readonly RegisteredEndpoint[],
): string {
  if (key === undefined) {
    throw new CommandError(
      "cli-webhook-key-missing",
      "Set DATAVERSE_WEBHOOK_KEY, here and for the service: at least 16 random characters.",
    );
  }
  if (given.flag("rotate")) {
    if (next !== undefined) return next;
    throw new CommandError(
      "cli-webhook-next-key-missing",
      "Set DATAVERSE_WEBHOOK_KEY_NEXT, here and for the service, and restart the service first.",
    );
  }
  const inUse = registered.map(({ name }) => fingerprintIn(name));
  return next !== undefined && inUse.includes(fingerprintOf(next)) ? next : key;
}

/** What the person should know before she agrees. Refuses what would do harm. */
async function notesOn(
  given: Arguments,
  { dataverseWebhookKeys, dataverseUrl }: Config,
  { url, key, mode }: Wanted,
  endpoints: readonly RegisteredEndpoint[],
  { signal }: Host,
): Promise<readonly string[]> {
  const others = endpoints.filter(
    (endpoint) => isNamedLikeOurs(endpoint) && !endpointsAt(url, [endpoint]).length,
  );
  const notes = others.map(
    (endpoint) =>
      `Another endpoint with our name calls ${endpoint.url}; it is left alone. Take it away with --remove --url.`,
  );
  if (given.flag("remove")) return notes;
  if (!hasUsualPort(url) && !isOnLoopback(dataverseUrl)) {
    notes.push("Dataverse calls ports 80 and 443 only: this address will be refused.");
  }
  const probe = await probeWebhook(url, key, signal);
  if (probe.kind === "accepted") notes.push("The service answers there, and takes this key.");
  else if (mode === "sync" || given.flag("rotate")) throw unsafe(probe);
  else notes.push(`${sayProbe(probe)} Until that is mended, Dataverse's calls are lost.`);
  if (mode === "sync") {
    notes.push(
      "Synchronous: while this service is down, reps' presence changes in Dynamics are rolled back.",
    );
  }
  const [, next] = dataverseWebhookKeys;
  if (next !== undefined && key === next) {
    notes.push(
      "Afterwards: move DATAVERSE_WEBHOOK_KEY_NEXT to DATAVERSE_WEBHOOK_KEY and restart the service.",
    );
  }
  return notes;
}

function unsafe(probe: WebhookProbe): CommandError {
  return new CommandError(
    "cli-webhook-not-taken",
    `${sayProbe(probe)} Start the service with this key first; nothing was changed.`,
  );
}

function sayProbe(probe: WebhookProbe): string {
  switch (probe.kind) {
    case "accepted":
      return "The service takes this key.";
    case "wrong key":
      return "The service that answers there refuses this key.";
    case "somebody else":
      return `What answers there is not this service's webhook (status ${probe.status}).`;
    case "no answer":
      return `Nothing answers there (${probe.reason}).`;
  }
}

function described(
  changes: readonly Change[],
  wanted: Wanted,
  notes: readonly string[],
  applies: boolean,
): string {
  const head = `Webhook at ${wanted.url}`;
  const plan = changes.map((change) => `  - ${sayChange(change, wanted)}`);
  const foot = applies ? "Carrying it out …" : "Nothing was changed. Give --yes to carry it out.";
  const body = plan.length > 0 ? [...plan, foot] : ["  as it should be: nothing to do"];
  return [head, ...notes.map((note) => `  ! ${note}`), ...body].join("\n");
}

function sayChange(change: Change, { key, mode }: Wanted): string {
  switch (change.kind) {
    case "create endpoint":
      return `create the service endpoint "${endpointNameOf(key)}", with its key in a header`;
    case "update endpoint":
      return `repair the service endpoint: ${change.why.join("; ")}`;
    case "delete endpoint":
      return `delete the service endpoint "${change.name}"`;
    case "create step": {
      const columns = columnsOf(change.message).join(", ");
      const when = columns ? `, when one of ${columns} is written` : "";
      return `create the ${mode} step for ${change.message} of msdyn_agentstatus${when}`;
    }
    case "update step":
      return `repair the step for ${change.message}: ${change.why.join("; ")}`;
    case "delete step":
      return `delete the step "${change.name}": ${change.why}`;
  }
}

export function hasUsualPort(url: string): boolean {
  return ["", "80", "443"].includes(new URL(url).port);
}

function isEncrypted(url: string): boolean {
  const { protocol } = URL.parse(url) ?? {};
  return protocol === "https:" || (protocol === "http:" && isOnLoopback(url));
}

function namesSomebody(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}

export function isOnLoopback(url: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname);
}
