import {
  type Finding,
  fine,
  found,
  refused,
  skipped,
  type Subject,
  type Tried,
} from "./finding.ts";
import { PLACE } from "./places.ts";

/** What answers at the messaging endpoint when nobody has signed the message. */
export type BotProbe = { readonly status: number } | { readonly reason: string };

export type BotProbes = {
  readonly isSet: boolean;
  /** `null` when the bot has an application of its own, whose secret is not ours to try. */
  readonly token: Tried<string>;
  /** `null` when PUBLIC_URL is not set. */
  readonly endpoint: BotProbe | null;
};

export function checkBot({ isSet, token, endpoint }: BotProbes): Finding {
  const subject: Subject = { check: "bot", tried: "sign in as the bot, and call its endpoint" };
  if (!isSet) return skipped(subject, "BOT_ID is not set: there is no bot");
  if (token !== null && !token.ok) return refused(subject, "failure", token.failure);
  if (endpoint === null) {
    return found(subject, "warning", {
      cameBack: "PUBLIC_URL is not set: Teams reaches no bot",
      next: "Set PUBLIC_URL, and put its /api/messages into the bot's registration as messaging endpoint.",
      where: `${PLACE.settings}; ${PLACE.bot}`,
    });
  }
  if ("reason" in endpoint) {
    return found(subject, "failure", {
      cameBack: `no answer (${endpoint.reason})`,
      next: "Start the service, and make PUBLIC_URL reach it from the internet over HTTPS.",
      where: PLACE.service,
    });
  }
  // Nobody signed our message, so refusing it is right.
  if (endpoint.status === 401 || endpoint.status === 403) {
    return fine(subject, "it answers, and asks who we are");
  }
  return found(subject, "failure", {
    cameBack: `status ${endpoint.status} for a message that nobody signed`,
    next: "Let PUBLIC_URL lead to this service; it serves /api/messages once BOT_ID is set there.",
    where: PLACE.service,
  });
}
