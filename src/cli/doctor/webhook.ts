import {
  type Change,
  fingerprintIn,
  fingerprintOf,
  type RegisteredEndpoint,
} from "../../connectors/dynamics/registration-plan.ts";
import type { WebhookProbe } from "../webhook/probe.ts";
import { type Finding, fine, found, refused, skipped, type Tried } from "./finding.ts";
import { PLACE } from "./places.ts";

const WITHOUT = "Without a webhook, polling alone carries the changes.";

export type Registered = {
  readonly endpoint: RegisteredEndpoint | null;
  /** What register-webhook would do. */
  readonly changes: readonly Change[];
};

export function checkRegistered(tried: Tried<Registered>, isSet: boolean): Finding {
  const subject = { check: "webhook-registered", tried: "look for our webhook in Dataverse" };
  if (!isSet) return skipped(subject, `PUBLIC_URL or DATAVERSE_WEBHOOK_KEY is not set. ${WITHOUT}`);
  if (tried === null) return skipped(subject, "the application user comes first");
  if (!tried.ok) return refused(subject, "warning", tried.failure);
  const { endpoint, changes } = tried.value;
  if (endpoint === null) {
    return found(subject, "warning", {
      cameBack: "it is not there",
      next: `Register it. ${WITHOUT}`,
      where: PLACE.webhook,
    });
  }
  if (changes.length === 0) return fine(subject, "the endpoint and both steps");
  return found(subject, "warning", {
    cameBack: changes.flatMap(faultsOf).join("; "),
    next: "Repair it.",
    where: PLACE.webhook,
  });
}

function faultsOf(change: Change): readonly string[] {
  switch (change.kind) {
    case "update endpoint":
      return change.why;
    case "update step":
      return change.why.map((fault) => `step for ${change.message}: ${fault}`);
    case "create step":
      return [`there is no step for ${change.message}`];
    case "delete step":
      return [`a step too many: ${change.why}`];
    case "delete endpoint":
      return ["the endpoint is there twice"];
    case "create endpoint":
      return ["it is not there"];
  }
}

export function checkReachable(
  probe: WebhookProbe | null,
  address: { readonly usualPort: boolean },
): Finding {
  const subject = {
    check: "webhook-reachable",
    tried: "call the webhook's address from here, without a key",
  };
  if (probe === null) return skipped(subject, "PUBLIC_URL is not set");
  if (probe.kind === "no answer") {
    return found(subject, "failure", {
      cameBack: `no answer (${probe.reason})`,
      next: "Start the service, and make PUBLIC_URL reach it from the internet over HTTPS.",
      where: PLACE.service,
    });
  }
  if (probe.kind !== "wrong key") {
    const what = probe.kind === "accepted" ? "it takes anybody" : `status ${probe.status}`;
    return found(subject, "failure", {
      cameBack: `somebody else answers there: ${what}`,
      next: "Let PUBLIC_URL lead to this service, with the path as it is.",
      where: PLACE.service,
    });
  }
  if (!address.usualPort) {
    return found(subject, "warning", {
      cameBack: "the service answers, on a port that Dataverse does not call",
      next: "Serve PUBLIC_URL on port 443: Dataverse calls 80 and 443 only.",
      where: PLACE.service,
    });
  }
  return fine(subject, "the service answers, and asks for the key");
}

/** `probe` was made with the key that Dataverse should send. */
export function checkKey(
  probe: WebhookProbe | null,
  registeredAs: string | null,
  keys: readonly string[],
): Finding {
  const subject = {
    check: "webhook-secret",
    tried: "call the webhook with our key, and compare the key that is registered",
  };
  if (keys.length === 0) return skipped(subject, `DATAVERSE_WEBHOOK_KEY is not set. ${WITHOUT}`);
  if (probe === null) return skipped(subject, "PUBLIC_URL is not set");
  if (probe.kind === "wrong key") {
    return found(subject, "failure", {
      cameBack: "the running service refuses the key that is set here",
      next: "Give the service and this command the same DATAVERSE_WEBHOOK_KEY, and restart the service.",
      where: PLACE.settings,
    });
  }
  if (probe.kind !== "accepted") return skipped(subject, "reaching the webhook comes first");
  const registered = registeredAs === null ? null : fingerprintIn(registeredAs);
  if (registeredAs !== null && !keys.map(fingerprintOf).some((known) => known === registered)) {
    return found(subject, "failure", {
      cameBack:
        registered === null
          ? "the service takes our key; which key Dataverse sends, nobody knows"
          : "the service takes our key; Dataverse sends another",
      next: "Register the webhook again, with the key that the service takes.",
      where: PLACE.webhook,
    });
  }
  return fine(subject, keys.length > 1 ? "right; two keys live" : "right");
}
