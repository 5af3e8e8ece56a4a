import { knownTable } from "./schema.ts";
import { dateText, type Tables } from "./tables.ts";

export type Conversation = {
  readonly id: string;
  readonly workstreamId: string;
  readonly queueId: string;
  /** What is known of the customer, by context item. */
  readonly context: ReadonlyMap<string, string>;
  readonly state: "waiting" | "offered" | "active" | "wrapUp" | "closed";
  readonly arrivedAtMs: number;
  readonly agentId: string | null;
  readonly assignedAtMs: number | null;
  readonly acceptedAtMs: number | null;
  readonly wrapUpAtMs: number | null;
  readonly closedAtMs: number | null;
  readonly handleMs: number;
  readonly wrapUpMs: number;
};

const STATUS = { waiting: 1, offered: 1, active: 2, wrapUp: 5, closed: 4 } as const;
/** How far back the average wait looks. Microsoft does not say. */
const AVERAGE_OVER_MS = 3_600_000;

/** The conversations of the organisation, and their rows (`msdyn_ocliveworkitem`). */
export class Conversations {
  readonly #tables: Tables;
  readonly #nowMs: () => number;
  readonly #byId = new Map<string, Conversation>();
  /** Those that nobody has yet, by queue, in the order they came. */
  readonly #waiting = new Map<string, Map<string, Conversation>>();
  readonly #waits = new Map<string, { readonly atMs: number; readonly waitMs: number }[]>();

  constructor(tables: Tables, nowMs: () => number) {
    this.#tables = tables;
    this.#nowMs = nowMs;
  }

  get(id: string): Conversation | undefined {
    return this.#byId.get(id);
  }

  all(): readonly Conversation[] {
    return [...this.#byId.values()];
  }

  /** Those nobody has accepted, oldest first; one that was missed keeps its place. */
  waitingIn(queueId: string): readonly Conversation[] {
    const waiting = [...(this.#waiting.get(queueId)?.values() ?? [])];
    return waiting.toSorted((a, b) => a.arrivedAtMs - b.arrivedAtMs);
  }

  /** Seconds that those accepted in the last hour had waited on average; 0 when there were none. */
  averageWaitSeconds(queueId: string): number {
    const sinceMs = this.#nowMs() - AVERAGE_OVER_MS;
    const recent = (this.#waits.get(queueId) ?? []).filter(({ atMs }) => atMs >= sinceMs);
    if (recent.length === 0) return 0;
    const sumMs = recent.reduce((sum, { waitMs }) => sum + waitMs, 0);
    return Math.round(sumMs / recent.length / 1000);
  }

  put(conversation: Conversation): void {
    const { id, queueId, state } = conversation;
    const before = this.#byId.get(id);
    this.#byId.set(id, conversation);
    const waiting = this.#waiting.get(queueId) ?? new Map<string, Conversation>();
    this.#waiting.set(queueId, waiting);
    if (state === "waiting" || state === "offered") waiting.set(id, conversation);
    else waiting.delete(id);
    if (state === "active" && before?.state !== "active") this.#noteWait(conversation);
    this.#write(conversation);
  }

  forgetAll(): void {
    for (const id of this.#byId.keys()) this.#tables.remove("msdyn_ocliveworkitems", id);
    this.#byId.clear();
    this.#waiting.clear();
    this.#waits.clear();
  }

  #noteWait({ queueId, arrivedAtMs }: Conversation): void {
    const atMs = this.#nowMs();
    const waits = this.#waits.get(queueId) ?? [];
    waits.push({ atMs, waitMs: atMs - arrivedAtMs });
    this.#waits.set(
      queueId,
      waits.filter((wait) => wait.atMs >= atMs - AVERAGE_OVER_MS),
    );
  }

  #write(conversation: Conversation): void {
    const { id, queueId, workstreamId, agentId, state } = conversation;
    const on = (atMs: number | null): string | null => (atMs === null ? null : dateText(atMs));
    this.#tables.put(knownTable("msdyn_ocliveworkitems"), {
      activityid: id,
      subject: `Conversation ${id.slice(0, 8)}`,
      msdyn_title: `Conversation ${id.slice(0, 8)}`,
      msdyn_channel: 192360000,
      _msdyn_cdsqueueid_value: queueId,
      _msdyn_liveworkstreamid_value: workstreamId,
      _msdyn_activeagentid_value: agentId,
      msdyn_activeagentassignedon: on(conversation.assignedAtMs),
      msdyn_isagentaccepted: conversation.acceptedAtMs !== null,
      msdyn_isagentsession: agentId !== null,
      msdyn_startedon: on(conversation.arrivedAtMs),
      msdyn_wrapupinitiatedon: on(conversation.wrapUpAtMs),
      msdyn_closedon: on(conversation.closedAtMs),
      msdyn_transfercount: 0,
      statecode: state === "closed" ? 1 : 0,
      statuscode: STATUS[state],
    });
  }
}
