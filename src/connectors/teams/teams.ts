import { type RepId, TEAMS, type TeamsUserId } from "../../presence/identity.ts";
import type { TeamsMapping } from "../../presence/mapping.ts";
import { type Connector, type Permit, type Sighting, SystemError } from "../connector.ts";
import type { Credential } from "../credential.ts";
import { createGraph, type Graph } from "./graph.ts";
import {
  DEFAULT_TEAMS_LEASES,
  type Operation,
  operationsOf,
  type TeamsLeases,
} from "./operations.ts";
import { createPresenceReader, type GraphPresence, IDS_PER_CALL, type Shown } from "./presences.ts";
import { SharedPosts } from "./shared-posts.ts";
import { teamsState } from "./state.ts";

export type TeamsConnectorOptions = {
  /** The root of the service: `https://graph.microsoft.com`. HTTPS only. */
  readonly graphUrl: string;
  /** The app's client id: Graph wants it as the name of the app's presence session. */
  readonly clientId: string;
  readonly credential: Credential;
  /** Another app registration that reads; without it the one that writes does both. */
  readonly readerCredential?: Credential;
  readonly mapping: TeamsMapping;
  /** Of the token, if it is not Graph's own. */
  readonly scope?: string;
  readonly leases?: Partial<TeamsLeases>;
  readonly timeoutMs?: number;
  readonly nowMs: () => number;
  /** A pair that we do not know, for example `Pondering/Deeply`: nothing follows from it, but count it. */
  readonly onUnknownState?: (native: string) => void;
  /** What each person of an answered read showed, for example `Busy/InACall`, and when the read left. */
  readonly onRead?: (shown: Iterable<Shown>, leftAtMs: number) => void;
  /** Part of a bulk read failed although the rest was answered. */
  readonly onPartialRead?: (error: SystemError) => void;
};

/** Microsoft's own pairs are about forty. */
const MAX_PAIRS = 1_000;

/** Teams through Microsoft Graph, with application permissions only. */
export function createTeamsConnector(options: TeamsConnectorOptions): Connector {
  const { credential, readerCredential = credential } = options;
  const reading = createGraph({ ...options, credential: readerCredential });
  const writing = new SharedPosts(createGraph(options), options.nowMs);
  return teamsOver({ reading, writing }, options);
}

/** The same, over given ways to Graph. */
export function teamsOver(
  ways: { readonly reading: Pick<Graph, "post">; readonly writing: Pick<Graph, "post"> },
  options: Omit<TeamsConnectorOptions, "graphUrl" | "credential" | "readerCredential">,
): Connector {
  const { clientId, mapping, nowMs, onUnknownState, onPartialRead, onRead } = options;
  const leases = { ...DEFAULT_TEAMS_LEASES, ...options.leases };
  const graph = ways.writing;
  const reader = createPresenceReader({
    graph: ways.reading,
    nowMs,
    ...(onPartialRead ? { onPartialRead } : {}),
  });

  /** Everybody shows one of a few pairs: each is made out once, and kept once for all who show it. */
  const sightings = new Map<string, Sighting>();

  function sighting(presence: GraphPresence): Sighting {
    const { sequenceNumber: sequence } = presence;
    const native = nativeOf(presence);
    const known = sightings.get(native) ?? firstSighting(presence, native);
    return sequence ? { ...known, sequence } : known;
  }

  function firstSighting({ availability, activity }: GraphPresence, native: string): Sighting {
    const state = teamsState(availability, activity, mapping);
    if (state === null) onUnknownState?.(native);
    const { status = null, automatic = null } = (state && mapping.reads[state]) ?? {};
    const seen = { status, automatic, native, sequence: null };
    // Both words are free text: a server may never run out of them.
    if (state !== null && sightings.size < MAX_PAIRS) sightings.set(native, seen);
    return seen;
  }

  async function perform(
    operation: Operation,
    userPath: string,
    signal: AbortSignal,
    permit: Permit | undefined,
  ): Promise<void> {
    const { action, body, mayBeGone } = operation;
    const path = `${userPath}/presence/${action}`;
    try {
      await graph.post({ path, body, appRole: "Presence.ReadWrite.All", permit }, signal);
    } catch (error) {
      const gone = error instanceof SystemError && error.code === "graph-user-not-found";
      if (!(gone && mayBeGone)) throw error;
    }
  }

  return {
    system: TEAMS,
    repsPerCall: IDS_PER_CALL,
    callsFor: (write) => operationsOf(write, mapping, { clientId, leases }).length,

    async read(reps, signal) {
      const leftAtMs = nowMs();
      const presences = await reader.read([...new Set(reps.map((rep) => rep.teamsUserId))], signal);
      const seen = new Map<RepId, Sighting>();
      for (const { rep, teamsUserId } of reps) {
        const presence = presences.get(teamsUserId);
        if (presence) seen.set(rep, sighting(presence));
      }
      onRead?.(shownIn(presences), leftAtMs);
      return seen;
    },

    async write(rep, write, signal, permit) {
      const userPath = `/users/${encodeURIComponent(rep.teamsUserId)}`;
      let applied = 0;
      for (const operation of operationsOf(write, mapping, { clientId, leases })) {
        try {
          await perform(operation, userPath, signal, permit);
        } catch (error) {
          throw applied > 0 && error instanceof SystemError ? halfApplied(error) : error;
        }
        applied += 1;
      }
    },
  };
}

const nativeOf = ({ availability, activity }: GraphPresence): string =>
  `${availability.slice(0, 64)}/${activity.slice(0, 64)}`;

function* shownIn(presences: ReadonlyMap<TeamsUserId, GraphPresence>): Iterable<Shown> {
  for (const [user, presence] of presences) yield [user, nativeOf(presence)];
}

/** One for each error: what stopped several writes at once is one error still. */
const halves = new WeakMap<SystemError, SystemError>();

/**
 * An earlier operation of the same write took effect, so whatever stopped the later one, nobody can say that
 * nothing happened, nor that nothing ever will.
 */
function halfApplied(error: SystemError): SystemError {
  const known = halves.get(error);
  if (known) return known;
  const { system, code, nextStep, retryAfterMs, detail } = error;
  const half = new SystemError({
    system,
    code,
    retry: "unavailable",
    nextStep,
    surelyNotApplied: false,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(detail === undefined ? {} : { detail }),
  });
  halves.set(error, half);
  return half;
}
