import { z } from "zod";
import { SystemError } from "../connector.ts";
import type { Dataverse, Row } from "./dataverse.ts";
import { malformed } from "./dataverse-error.ts";

/** What the contact centre itself says of one rep at this moment. Her name is left out: others know it. */
export type RepDetail = {
  /** Dynamics system user id, lower-case. */
  readonly user: string;
  /** msdyn_presenceid, lower-case. Key on this, never on the text. */
  readonly presenceId: string;
  /** As the organization words it, possibly translated; empty when it is not told. */
  readonly presenceText: string;
  /** When she signed in: not when her presence changed. `null` when it is not told. */
  readonly signedInAtMs: number | null;
  /** Browsers and tabs in which she is signed in. */
  readonly browserSessions: number;
  readonly allowedChannels: readonly string[];
  readonly disabledChannels: readonly string[];
};

/** Whom to ask for, by whichever of her ids is known. */
export type RepKey = { readonly systemUserId: string } | { readonly entraObjectId: string };

const texts = z.array(z.string()).nullish().catch(null);
const answer = z.object({
  AgentId: z.string(),
  PresenceId: z.string(),
  CurrentPresenceStatusInfo: z.unknown(),
  Timestamp: z.coerce.number().nullish().catch(null),
  ActiveBrowserSessions: z.coerce.number().nullish().catch(null),
  AllowedChannels: texts,
  DisabledChannels: texts,
});

const NAME = "CCaaS_GetPresence";

/**
 * CCaaS_GetPresence for one rep, in her name. Throws `SystemError`.
 *
 * Its limits: it answers for the caller only, so the application user must be Delegate and the rep an agent or a
 * supervisor; each call counts against the rep's own 6000 requests in five minutes; it tells when she signed in and
 * not since when she has her presence; one rep a call. Reading everybody is what msdyn_agentstatuses is for.
 */
export async function readRepDetail(
  dataverse: Dataverse,
  key: RepKey,
  signal: AbortSignal,
): Promise<RepDetail> {
  const headers: Record<string, string> =
    "systemUserId" in key
      ? { mscrmcallerid: key.systemUserId }
      : { callerobjectid: key.entraObjectId };
  const asked = { doing: { kind: "rep detail" } as const, headers };
  try {
    return detailOf(await dataverse.ask(`${NAME}(ApiVersion='1.0')`, asked, signal));
  } catch (error) {
    // The reference page shows no parameter, Microsoft's own tool passes one: a server may want either.
    if (!(error instanceof SystemError) || error.retry !== "rejected") throw error;
    return detailOf(await dataverse.ask(NAME, asked, signal));
  }
}

function detailOf(row: Row): RepDetail {
  const parsed = answer.safeParse(row);
  if (!parsed.success) throw malformed();
  const { data } = parsed;
  return {
    user: data.AgentId.toLowerCase(),
    presenceId: data.PresenceId.toLowerCase(),
    presenceText: textOf(data.CurrentPresenceStatusInfo),
    signedInAtMs: data.Timestamp ? data.Timestamp * 1000 : null,
    browserSessions: data.ActiveBrowserSessions ?? 0,
    allowedChannels: data.AllowedChannels ?? [],
    disabledChannels: data.DisabledChannels ?? [],
  };
}

const named = z.object({ presenceText: z.string() });

/** Text as documented; an object, or text that holds one, as the runtime behind it gave. */
function textOf(info: unknown): string {
  if (typeof info !== "string") return named.safeParse(info).data?.presenceText ?? "";
  if (!info.startsWith("{")) return info;
  try {
    return named.safeParse(JSON.parse(info)).data?.presenceText ?? info;
  } catch {
    return info;
  }
}
