import { createHash } from "node:crypto";

export const STEP_MESSAGES = ["Create", "Update"] as const;
export type StepMessage = (typeof STEP_MESSAGES)[number];
export type StepMode = "async" | "sync";

/** How the webhook should be registered. */
export type Wanted = { readonly url: string; readonly key: string; readonly mode: StepMode };

export type RegisteredStep = {
  readonly id: string;
  readonly name: string;
  /** `null`: a message or a table that is none of ours. */
  readonly message: StepMessage | null;
  readonly mode: StepMode;
  readonly stage: number;
  readonly enabled: boolean;
  /** Sorted; empty: every column. */
  readonly columns: readonly string[];
};

export type RegisteredEndpoint = {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** Whether it is a webhook that carries its secret in a header. */
  readonly sendsHeader: boolean;
  readonly steps: readonly RegisteredStep[];
};

/** One request to Dataverse. `why` is what is wrong now, for the person who is asked to agree. */
export type Change =
  | { readonly kind: "create endpoint" }
  | { readonly kind: "update endpoint"; readonly id: string; readonly why: readonly string[] }
  | { readonly kind: "delete endpoint"; readonly id: string; readonly name: string }
  | { readonly kind: "create step"; readonly message: StepMessage }
  | {
      readonly kind: "update step";
      readonly id: string;
      readonly message: StepMessage;
      readonly why: readonly string[];
    }
  | {
      readonly kind: "delete step";
      readonly id: string;
      readonly name: string;
      readonly why: string;
    };

export const POST_OPERATION = 40;
const NAME = "Lockstep presence webhook";

/** Who signs in and out changes what can be written, so that column counts as well. */
const COLUMNS = ["msdyn_currentpresenceid", "msdyn_isagentloggedin"] as const;

/** Filtering attributes narrow an Update; Dataverse refuses them on a Create. */
export const columnsOf = (message: StepMessage): readonly string[] =>
  message === "Update" ? COLUMNS : [];

export const stepNameOf = (message: StepMessage): string => `${NAME}: msdyn_agentstatus ${message}`;

/**
 * Eight hex digits that tell one key from another and give nothing of it away. Dataverse lets nobody read the secret
 * of an endpoint, so its name says which key it was registered with.
 */
export function fingerprintOf(key: string): string {
  return createHash("sha256").update(`lockstep webhook key\0${key}`).digest("hex").slice(0, 8);
}

export const endpointNameOf = (key: string): string => `${NAME} (key ${fingerprintOf(key)})`;

/** `null` for an endpoint that was registered by hand: nobody knows which key it sends. */
export function fingerprintIn(name: string): string | null {
  return /\(key ([0-9a-f]{8})\)$/.exec(name)?.[1] ?? null;
}

/** Whether an endpoint was made by this command, at whatever address. */
export const isNamedLikeOurs = ({ name }: RegisteredEndpoint): boolean => name.startsWith(NAME);

/**
 * The ours among what is registered: those at our address. An endpoint with our name at another address may well
 * belong to another instance, and is left alone.
 */
export function endpointsAt(
  url: string,
  endpoints: readonly RegisteredEndpoint[],
): readonly RegisteredEndpoint[] {
  return endpoints.filter((endpoint) => sameAddress(endpoint.url, url));
}

/**
 * What has to be done, in this order, so that exactly the wanted webhook is registered. Pure. Empty when it is:
 * applying a plan and planning again gives nothing.
 */
export function planRegistration(
  endpoints: readonly RegisteredEndpoint[],
  wanted: Wanted,
): readonly Change[] {
  const [kept, ...copies] = endpointsAt(wanted.url, endpoints);
  const removals = copies.flatMap(removalOf);
  if (!kept) {
    const steps = STEP_MESSAGES.map((message): Change => ({ kind: "create step", message }));
    return [{ kind: "create endpoint" }, ...steps];
  }
  const faults = faultsOfEndpoint(kept, wanted);
  const repair: Change[] =
    faults.length > 0 ? [{ kind: "update endpoint", id: kept.id, why: faults }] : [];
  return [...repair, ...stepChanges(kept.steps, wanted), ...removals];
}

/** What has to be done so that nothing of it is left. */
export function planRemoval(
  endpoints: readonly RegisteredEndpoint[],
  url: string,
): readonly Change[] {
  return endpointsAt(url, endpoints).flatMap(removalOf);
}

/** A step holds its endpoint: it goes first. */
function removalOf({ id, name, steps }: RegisteredEndpoint): readonly Change[] {
  return [
    ...steps.map((step): Change => ({
      kind: "delete step",
      id: step.id,
      name: step.name,
      why: "its endpoint goes",
    })),
    { kind: "delete endpoint", id, name },
  ];
}

function stepChanges(steps: readonly RegisteredStep[], wanted: Wanted): readonly Change[] {
  const changes: Change[] = [];
  for (const message of STEP_MESSAGES) {
    const [step, ...copies] = steps.filter((one) => one.message === message);
    if (!step) changes.push({ kind: "create step", message });
    const faults = step ? faultsOfStep(step, message, wanted) : [];
    if (step && faults.length > 0) {
      changes.push({ kind: "update step", id: step.id, message, why: faults });
    }
    for (const { id, name } of copies) {
      changes.push({ kind: "delete step", id, name, why: "it is there twice" });
    }
  }
  for (const { id, name, message } of steps) {
    if (message !== null) continue;
    const why = "it tells of something that is not presence";
    changes.push({ kind: "delete step", id, name, why });
  }
  return changes;
}

function faultsOfEndpoint(endpoint: RegisteredEndpoint, wanted: Wanted): readonly string[] {
  const faults: string[] = [];
  const registered = fingerprintIn(endpoint.name);
  if (!endpoint.sendsHeader) faults.push("its secret is not sent in a header");
  if (registered === null) faults.push("nobody knows which key it sends");
  else if (registered !== fingerprintOf(wanted.key)) faults.push("it sends another key");
  return faults;
}

function faultsOfStep(
  step: RegisteredStep,
  message: StepMessage,
  wanted: Wanted,
): readonly string[] {
  const faults: string[] = [];
  if (step.mode !== wanted.mode) faults.push(`it is ${MODE_WORDS[step.mode]}`);
  if (step.stage !== POST_OPERATION) faults.push("it runs before the change is made");
  if (!step.enabled) faults.push("it is disabled");
  const columns = columnsOf(message).join(", ");
  if (step.columns.join(", ") !== columns) faults.push(`its columns are not ${columns || "all"}`);
  return faults;
}

const MODE_WORDS: Readonly<Record<StepMode, string>> = {
  async: "asynchronous",
  sync: "synchronous",
};

function sameAddress(a: string, b: string): boolean {
  const [left, right] = [URL.parse(a), URL.parse(b)];
  return left !== null && right !== null && left.href === right.href;
}
