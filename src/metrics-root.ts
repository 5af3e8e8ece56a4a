import type {
  BatchObservableResult,
  Counter,
  Histogram,
  Meter,
  ObservableCallback,
  ObservableGauge,
} from "@opentelemetry/api";
import type { SystemError } from "./connectors/connector.ts";
import type { HistoryEntry } from "./engine/engine.ts";
import { metricsRoute } from "./http/metrics.ts";
import type { Route } from "./http/route.ts";
import { DYNAMICS, type SystemName, TEAMS } from "./presence/identity.ts";
import { statusOf } from "./reconcile/resolve.ts";
import type { Sync } from "./sync-root.ts";

/** What is looked at when somebody asks; nothing of it costs anything until then. */
type Watched = {
  readonly own: Sync["own"];
  readonly paces: Sync["paces"];
  readonly sweeps: Sync["sweeps"];
  readonly isReady: () => boolean;
  readonly nowMs: () => number;
};

/** What happens, counted. The names of all metrics and their labels are in docs/operations.md. */
export type Metrics = {
  /** What a rep's commit made durable. */
  committed(history: readonly HistoryEntry[]): void;
  failed(error: SystemError): void;
  webhook(result: string): void;
  /** A request got its answer, so many milliseconds after its head had come. */
  served(route: string, status: number, tookMs: number): void;
  watch(watched: Watched): void;
  readonly routes: readonly Route[];
};

const nothing = (): void => undefined;
const UNCOUNTED: Metrics = {
  committed: nothing,
  failed: nothing,
  webhook: nothing,
  served: nothing,
  watch: nothing,
  routes: [],
};

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * OpenTelemetry counts, and `GET /metrics` shows it to whoever has `key`. Without a key nothing is counted, and the
 * library is not even loaded. No label holds an id of a rep or a name.
 */
export async function createServiceMetrics(key: string | null): Promise<Metrics> {
  if (key === null) return UNCOUNTED;
  const [{ MeterProvider, MetricReader }, { PrometheusSerializer }] = await Promise.all([
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/exporter-prometheus"),
  ]);
  /** Collects when it is asked; the library's own exporter would open a port. */
  class AskedReader extends MetricReader {
    protected override async onForceFlush(): Promise<void> {}
    protected override async onShutdown(): Promise<void> {}
  }
  const reader = new AskedReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("lockstep");
  const serializer = new PrometheusSerializer("", false, undefined, true, true);
  const exposition = async (): Promise<string> =>
    serializer.serialize((await reader.collect()).resourceMetrics);
  return {
    ...counting(meter),
    watch: (watched) => {
      watchReps(meter, watched);
      watchService(meter, watched);
    },
    routes: [metricsRoute({ key, exposition })],
  };
}

function counting(meter: Meter): Omit<Metrics, "routes" | "watch"> {
  const count = (name: string, description: string): Counter =>
    meter.createCounter(`lockstep_${name}`, { description });
  const time = (name: string, description: string): Histogram =>
    meter.createHistogram(`lockstep_${name}_seconds`, {
      description,
      unit: "s",
      advice: { explicitBucketBoundaries: SECONDS },
    });
  const readings = count(
    "readings",
    "Readings that said something new, by what they were taken for",
  );
  const decisions = count("decisions", "Times that a rep's status became this one");
  const writes = count("writes", "Writes recorded, which then left");
  const refused = count("writes_refused", "Writes that a system did not take, or did not answer");
  const holds = count("holds", "Times that automatic writes were held, or a fight began or ended");
  const events = count("events", "Events and commands acted on");
  const errors = count("system_errors", "Calls to a system that failed, by code");
  const webhooks = count("webhooks", "Webhooks of Dataverse, by what came of them");
  const delay = time("change_to_write", "From a change's being seen to the record of its write");
  const requests = time("request", "From a request's head to its answer");

  const tell = ({ kind, atMs, cause, detail }: HistoryEntry): void => {
    const { system, status } = detail;
    switch (kind) {
      case "reading":
        readings.add(1, labels({ system, classification: detail["classification"] }));
        break;
      case "intent":
        decisions.add(1, labels({ status }));
        break;
      case "write":
        writes.add(1, labels({ system, status, renewal: detail["renewal"] }));
        if (cause && detail["renewal"] !== true) {
          delay.record(Math.max(0, atMs - cause.atMs) / 1_000, labels({ system }));
        }
        break;
      case "answer":
        refused.add(1, labels({ system, outcome: detail["outcome"], code: detail["code"] }));
        break;
      case "held":
        holds.add(1, labels({ system }));
        break;
      case "event":
        events.add(1, labels({ source: detail["source"], type: detail["type"] }));
        break;
    }
  };
  return {
    committed: (history) => history.forEach(tell),
    failed: ({ system, code, retry }) => errors.add(1, { system, code, retry }),
    webhook: (result) => webhooks.add(1, { result }),
    served: (route, status, tookMs) =>
      requests.record(Math.max(0, tookMs) / 1_000, labels({ route, status })),
  };
}

function watchReps(meter: Meter, { own }: Watched): void {
  const gauge = (name: string, description: string): ObservableGauge =>
    meter.createObservableGauge(`lockstep_${name}`, { description });
  const crew = gauge("reps", "Reps, by the status that they have");
  const behind = gauge("reps_behind", "Reps to whom a write of ours is on its way, by system");
  const fights = gauge("reps_fought_over", "Reps whom another automation keeps changing");
  const look = (result: BatchObservableResult): void => {
    const byStatus = new Map<string, number>();
    const byLag = new Map<SystemName, number>([TEAMS, DYNAMICS].map((system) => [system, 0]));
    let fought = 0;
    for (const { rep } of own.identities()) {
      const known = own.document(rep)?.rep;
      if (!known) continue;
      const status = statusOf(known);
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      if (known.fight) fought += 1;
      for (const [system, lagging] of byLag) {
        if (known.systems[system]?.pending) byLag.set(system, lagging + 1);
      }
    }
    for (const [status, some] of byStatus) result.observe(crew, some, { status });
    for (const [system, some] of byLag) result.observe(behind, some, { system });
    result.observe(fights, fought);
  };
  meter.addBatchObservableCallback(look, [crew, behind, fights]);
}

function watchService(meter: Meter, { paces, sweeps, isReady, nowMs }: Watched): void {
  const gauge = (name: string, description: string, look: ObservableCallback): void =>
    meter.createObservableGauge(name, { description }).addCallback(look);
  const systems = [
    [TEAMS, [...new Set([paces.teams, paces.teamsReads])], sweeps.teams],
    [DYNAMICS, [paces.dynamics], sweeps.dynamics],
  ] as const;
  gauge("lockstep_ready", "1 once the directory and both systems were read", (result) =>
    result.observe(isReady() ? 1 : 0),
  );
  gauge("lockstep_read_age_seconds", "Since the last poll left that read everybody", (result) => {
    for (const [system, , { lastReadAtMs }] of systems) {
      if (lastReadAtMs > 0) result.observe((nowMs() - lastReadAtMs) / 1_000, { system });
    }
  });
  gauge("lockstep_requests_waiting", "Requests that wait for a system's limit", (result) => {
    for (const [system, limits] of systems) {
      const waiting = limits.reduce((sum, pace) => sum + pace.waiting, 0);
      result.observe(waiting, { system });
    }
  });
  gauge("lockstep_paused", "1 while a system asked for silence", (result) => {
    for (const [system, limits] of systems) {
      const isPaused = limits.some((pace) => pace.isPaused);
      result.observe(isPaused ? 1 : 0, { system });
    }
  });
  gauge("process_resident_memory_bytes", "Memory of this process", (result) =>
    result.observe(process.memoryUsage.rss()),
  );
  const cpu = { description: "CPU that this process used" };
  meter.createObservableCounter("process_cpu_seconds", cpu).addCallback((result) => {
    const { user, system } = process.cpuUsage();
    result.observe((user + system) / 1_000_000);
  });
}

/** Only what is there. */
function labels(
  given: Readonly<Record<string, string | number | boolean | null | undefined>>,
): Record<string, string> {
  const there = Object.entries(given).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(there.map(([name, value]) => [name, String(value)]));
}
