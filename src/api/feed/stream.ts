import type { StoredHistoryEntry } from "../../engine/engine.ts";
import type { StreamSink } from "../../http/route.ts";
import { cloudEventOf } from "./cloud-event.ts";
import type { Feed } from "./feed.ts";
import { followedKind } from "./interest.ts";

/** Proxies cut what is silent for half a minute. */
const HEARTBEAT_MS = 15_000;
/** A token is good for about so long; whoever may still listen then comes back with a new one. */
const LIFE_MS = 3_600_000;
const PAGE = 200;

type Following = {
  readonly feed: Feed;
  readonly after: number;
  readonly source: string;
  readonly nowMs: () => number;
  /** Finds out what `concerns` needs to know. */
  readonly prepare: () => Promise<void>;
  /** Whether this reader wants the entry, and may have it now. */
  readonly concerns: (entry: StoredHistoryEntry) => boolean;
  readonly stands: () => boolean;
};

/**
 * Server-sent events from a position on (WHATWG HTML, "Server-sent events"). The id of an event is its position in
 * the history, so `Last-Event-ID` resumes without a gap; a heartbeat moves it on past what was filtered out.
 */
export async function follow(sink: StreamSink, following: Following): Promise<void> {
  const { feed, source, nowMs, prepare, concerns, stands } = following;
  const untilMs = nowMs() + LIFE_MS;
  let position = following.after;
  let toldAtMs = nowMs();
  if (!(await sink.write("retry: 2000\n\n"))) return;
  while (!sink.signal.aborted && stands() && nowMs() < untilMs) {
    const page = await feed.read(position, PAGE);
    const last = page.at(-1);
    let text = "";
    // However much happens that this reader is not told of, the line must not be silent.
    const leftMs = HEARTBEAT_MS - silentMs(toldAtMs, nowMs());
    let isLate = leftMs <= 0;
    if (last) {
      position = last.position;
      await prepare();
      // Who was revoked meanwhile is told nothing of what happened since.
      const told = stands() ? page.filter(concerns) : [];
      text = told.map((entry) => frameOf(entry, source)).join("");
    } else if (!isLate) {
      isLate = !(await feed.more(position, leftMs, sink.signal));
    }
    if (text === "" && !isLate) continue;
    if (!(await sink.write(text === "" ? `: still here\nid: ${position}\n\n` : text))) return;
    toldAtMs = nowMs();
  }
}

/** A clock that was set back must not make the silence longer. */
const silentMs = (sinceMs: number, nowMs: number): number => Math.abs(nowMs - sinceMs);

function frameOf(entry: StoredHistoryEntry, source: string): string {
  const data = JSON.stringify(cloudEventOf(entry, source));
  return `id: ${entry.position}\nevent: ${followedKind(entry)}\ndata: ${data}\n\n`;
}
