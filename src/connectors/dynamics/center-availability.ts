import { z } from "zod";
import type { CenterAnswer, CenterQuestion } from "../../availability/answer.ts";
import type { Dataverse, Row } from "./dataverse.ts";
import { malformed } from "./dataverse-error.ts";

/** Both calls want the version in the body, and the context as text that holds JSON. */
const API_VERSION = "1.0";
const TEXT = "192350000";
const INTEGER = "192350001";

/** Their DateTime.MinValue says "not set", DateTime.MaxValue says "never". */
const FIRST_REAL_YEAR = 1900;
const LAST_REAL_YEAR = 9000;

const number = z.number().nullish();
const date = z.string().nullish();
const answer = z.object({
  queueid: z.string().nullish(),
  isqueueavailable: z.boolean(),
  isagentavailable: z.boolean(),
  numberofexpertsavailableinqueue: number,
  averagewaittimeinseconds: number,
  averagewaittime: number,
  positioninqueue: number,
  starttimeofnextoperatinghour: date,
  endtimeofnextoperatinghour: date,
  nexttransitiontime: date,
});

/**
 * Asks CCaaS_GetRepresentativeAvailabilityBeforeConversation or …ForConversation. The application user must be
 * Omnichannel administrator. Throws `SystemError`.
 */
export async function askCenter(
  dataverse: Dataverse,
  question: CenterQuestion,
  signal: AbortSignal,
): Promise<CenterAnswer> {
  const isBefore = "workstreamId" in question;
  const name = isBefore ? "BeforeConversation" : "ForConversation";
  const body: Row = {
    ApiVersion: API_VERSION,
    ...(isBefore
      ? {
          LiveWorkStreamId: question.workstreamId,
          ...(question.engagement
            ? { ChannelEngagementContext: JSON.stringify(question.engagement) }
            : {}),
        }
      : { ConversationId: question.conversationId }),
    ...(question.context ? { CustomContextItems: contextItems(question.context) } : {}),
  };
  const path = `CCaaS_GetRepresentativeAvailability${name}`;
  const row = await dataverse.ask(path, { doing: { kind: "availability" }, body }, signal);
  return centerAnswerOf(row);
}

/** Their table of fields and their samples differ in case, so case is not looked at. */
function centerAnswerOf(row: Row): CenterAnswer {
  const lower = Object.fromEntries(Object.entries(row).map(([key, v]) => [key.toLowerCase(), v]));
  const parsed = answer.safeParse(lower);
  if (!parsed.success) throw malformed();
  const { data } = parsed;
  const minutes = data.averagewaittime ?? null;
  return {
    queueId: idOf(data.queueid),
    isOpen: data.isqueueavailable,
    hasRep: data.isagentavailable,
    repsAvailable: data.numberofexpertsavailableinqueue ?? null,
    averageWaitSeconds: data.averagewaittimeinseconds ?? (minutes === null ? null : minutes * 60),
    position: data.positioninqueue ?? null,
    opensAtMs: momentOf(data.starttimeofnextoperatinghour),
    closesAtMs: momentOf(data.endtimeofnextoperatinghour),
    changesAtMs: momentOf(data.nexttransitiontime),
  };
}

/** `null` for what stands for nothing: 0001-01-01 is unset, 9999-12-31 is never. */
function momentOf(text: string | null | undefined): number | null {
  const ms = Date.parse(text ?? "");
  if (Number.isNaN(ms)) return null;
  const year = new Date(ms).getUTCFullYear();
  return year >= FIRST_REAL_YEAR && year <= LAST_REAL_YEAR ? ms : null;
}

function idOf(text: string | null | undefined): string | null {
  const isNone = !text || /^[0-]+$/.test(text);
  return isNone ? null : text.toLowerCase();
}

function contextItems(context: Readonly<Record<string, string | number>>): string {
  const items = Object.entries(context).map(([name, value]) => [
    name,
    {
      value: String(value),
      isDisplayable: true,
      datatype: typeof value === "number" ? INTEGER : TEXT,
    },
  ]);
  return JSON.stringify(Object.fromEntries(items));
}
