import { z } from "zod";
import { type TeamsUserId, teamsUserId } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import type { Graph } from "./graph.ts";
import { malformed } from "./graph-error.ts";

/** One presence as Graph gives it. Both words are free text there, not enumerations. */
export type GraphPresence = {
  readonly id: string;
  readonly availability: string;
  readonly activity: string;
  /** Sorts as text, newest last. Not promised for bulk reads. */
  readonly sequenceNumber?: string | null | undefined;
};

/** What one person showed, for example `Busy/InACall`. */
export type Shown = readonly [user: TeamsUserId, native: string];

export type PresenceReaderOptions = {
  readonly graph: Pick<Graph, "post">;
  readonly nowMs: () => number;
  /** Part of a read failed although the rest was answered; what is missing was not observed. */
  readonly onPartialRead?: (error: SystemError) => void;
};

export type PresenceReader = {
  read(
    ids: readonly TeamsUserId[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<TeamsUserId, GraphPresence>>;
};

/** Microsoft: "cloudCommunications: getPresencesByUserId". */
export const IDS_PER_CALL = 650;
const CALLS_AT_ONCE = 4;
/** One bad id among 650 takes about 20 calls to find. */
const SPLITS_PER_READ = 128;
const BAD_ID_REST_MS = 10 * 60_000;

const collection = z.object({ value: z.array(z.unknown()) });
const presence = z.object({
  id: z.string(),
  availability: z.string(),
  activity: z.string(),
  sequenceNumber: z.string().nullish().catch(null),
});

/**
 * Reads presences in bulk. An id that makes Graph refuse a whole call is found by halving, left out for
 * ten minutes, and costs the others nothing.
 */
export function createPresenceReader(options: PresenceReaderOptions): PresenceReader {
  const { graph, nowMs, onPartialRead } = options;
  const restingSinceMs = new Map<TeamsUserId, number>();

  function isResting(id: TeamsUserId): boolean {
    const sinceMs = restingSinceMs.get(id);
    if (sinceMs === undefined) return false;
    // The clock may have been set back since.
    if (Math.abs(nowMs() - sinceMs) < BAD_ID_REST_MS) return true;
    restingSinceMs.delete(id);
    return false;
  }

  async function call(
    ids: readonly TeamsUserId[],
    signal: AbortSignal,
  ): Promise<readonly GraphPresence[]> {
    const text = await graph.post(
      {
        path: "/communications/getPresencesByUserId",
        body: { ids },
        appRole: "Presence.Read.All",
      },
      signal,
    );
    return parse(text);
  }

  return {
    async read(ids, signal) {
      const found = new Map<TeamsUserId, GraphPresence>();
      const suspects: TeamsUserId[] = [];
      const failures: SystemError[] = [];
      const queue = chunks(ids.filter((id) => !isResting(id)));
      let answered = 0;
      let splits = SPLITS_PER_READ;

      async function readOne(chunk: readonly TeamsUserId[]): Promise<void> {
        try {
          for (const one of await call(chunk, signal)) found.set(teamsUserId(one.id), one);
          answered += 1;
        } catch (error) {
          if (!(error instanceof SystemError)) throw error;
          const [only] = chunk;
          if (!isAboutAnId(error) || (chunk.length > 1 && splits === 0)) failures.push(error);
          else if (chunk.length === 1 && only) {
            suspects.push(only);
            if (error.code !== "graph-user-not-found") failures.push(error);
          } else {
            splits -= 1;
            const middle = Math.ceil(chunk.length / 2);
            queue.unshift(chunk.slice(0, middle), chunk.slice(middle));
          }
        }
      }

      async function work(): Promise<void> {
        for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
          if (failures.some(({ retry }) => retry === "throttled")) return;
          await readOne(chunk);
        }
      }

      await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
      const throttled = failures.find(({ retry }) => retry === "throttled");
      if (throttled) throw throttled;
      if (answered === 0 && failures[0]) throw failures[0];
      if (answered > 0) {
        for (const id of suspects) restingSinceMs.set(id, nowMs());
      }
      for (const failure of failures) onPartialRead?.(failure);
      return found;
    },
  };
}

/** 400 and 404 may be the fault of one id; nothing else can. */
function isAboutAnId({ code }: SystemError): boolean {
  return code === "graph-user-not-found" || code === "graph-rejected";
}

function chunks(ids: readonly TeamsUserId[]): (readonly TeamsUserId[])[] {
  const count = Math.ceil(ids.length / IDS_PER_CALL);
  return Array.from({ length: count }, (_, index) =>
    ids.slice(index * IDS_PER_CALL, (index + 1) * IDS_PER_CALL),
  );
}

/** An item that is no presence is left out: that rep was not observed, the others were. */
function parse(text: string): readonly GraphPresence[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformed();
  }
  const parsed = collection.safeParse(json);
  if (!parsed.success) throw malformed();
  return parsed.data.value.flatMap((item) => presence.safeParse(item).data ?? []);
}
