import type { ConfigProblem } from "../../config.ts";
import { type Finding, fine, found, refused, skipped, type Tried } from "./finding.ts";
import { PLACE } from "./places.ts";

/** Entra gives assertions five minutes, and partners' signatures have as many. */
const SKEW_WARNING_MS = 30_000;
const SKEW_FAILURE_MS = 300_000;
const CERTIFICATE_WARNING_DAYS = 30;
const DAY_MS = 86_400_000;

export function checkSettings(problems: readonly ConfigProblem[]): Finding {
  const subject = { check: "settings", tried: "read the settings from the environment" };
  if (problems.length === 0) return fine(subject, "complete");
  return found(subject, "failure", {
    cameBack: problems.map(({ name, must }) => `${name} ${must}`).join("; "),
    next: `Set ${problems.map(({ name }) => name).join(", ")}.`,
    where: PLACE.settings,
  });
}

/** Only asked when the policy was refused, or its file cannot be read. */
export function checkPolicy(refusal: string): Finding {
  const subject = { check: "policy", tried: "read the policy" };
  return found(subject, "failure", {
    cameBack: refusal,
    next: "Correct the file that POLICY_FILE names, or take the variable away.",
    where: PLACE.policy,
  });
}

/** `skewMs`: how far this computer is ahead of theirs. */
export function checkClock(tried: Tried<{ readonly skewMs: number | null }>): Finding {
  const subject = { check: "clock", tried: "compare this computer's clock with Entra's" };
  if (tried === null) return skipped(subject, "the settings come first");
  if (!tried.ok) return refused(subject, "warning", tried.failure);
  const { skewMs } = tried.value;
  if (skewMs === null) return skipped(subject, "Entra's answer has no date");
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const cameBack = seconds === 0 ? "equal" : `${seconds} s ${skewMs > 0 ? "ahead" : "behind"}`;
  if (Math.abs(skewMs) < SKEW_WARNING_MS) return fine(subject, cameBack);
  const level = Math.abs(skewMs) < SKEW_FAILURE_MS ? "warning" : "failure";
  return found(subject, level, {
    cameBack,
    next: "Let this computer take its time from a time server (NTP).",
    where: PLACE.clock,
  });
}

export function checkToken(
  resource: "Microsoft Graph" | "Dataverse",
  means: string,
  tried: Tried<string>,
): Finding {
  const subject = {
    check: resource === "Dataverse" ? "sign-in-dynamics" : "sign-in-teams",
    tried: `sign in to ${resource} with ${means}`,
  };
  if (tried === null) return skipped(subject, "the settings come first");
  if (!tried.ok) return refused(subject, "failure", tried.failure);
  return fine(subject, `a token, after ${tried.tookMs} ms`);
}

export function checkCertificate(
  tried: Tried<{ readonly expiresAtMs: number }>,
  nowMs: number,
): Finding {
  const subject = { check: "certificate", tried: "look at how long the certificate lasts" };
  if (tried === null) return skipped(subject, "we do not sign in with a certificate");
  if (!tried.ok) return refused(subject, "failure", tried.failure);
  const days = Math.floor((tried.value.expiresAtMs - nowMs) / DAY_MS);
  if (days >= CERTIFICATE_WARNING_DAYS) return fine(subject, `${days} days`);
  return found(subject, days < 0 ? "failure" : "warning", {
    cameBack: days < 0 ? "it is over" : `${days} days`,
    next: "Make a new certificate, upload it, and put it into the file that CLIENT_CERTIFICATE_PATH names.",
    where: PLACE.credentials,
  });
}

/** The file in which the service keeps what must survive, opened for reading only. */
export function checkStore(tried: Tried<unknown>): Finding {
  const subject = { check: "store", tried: "open the store for reading" };
  if (tried === null) return skipped(subject, "the settings come first");
  if (tried.ok) return fine(subject, "it can be read, or the service has yet to make it");
  return found(subject, "failure", {
    cameBack: tried.failure.code,
    next: tried.failure.nextStep,
    where: "the file or folder that DATABASE_URL names",
  });
}
