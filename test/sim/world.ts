import type { RepIdentity } from "../../src/presence/identity.ts";
import { createPolicy } from "../../src/policy.ts";
import { DEFAULT_MAPPINGS, type Mappings } from "../../src/presence/mapping.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import { Chance } from "./chance.ts";
import { Checker } from "./checker.ts";
import type { Climate, Fault, Odds } from "./climate.ts";
import { SimulatedDataverse } from "./dataverse.ts";
import { Platter } from "./disk.ts";
import type { Drive } from "./drive.ts";
import { SimulatedGraph } from "./graph.ts";
import { Journal } from "./journal.ts";
import { Line } from "./line.ts";
import { SimulatedPartner } from "./partner.ts";
import { identityOf, ServiceProcess } from "./process.ts";
import { Timeline } from "./timeline.ts";

/** What the deadline of an orchestrator is: then it kills. */
const STOP_WITHIN_MS = 30_000;

/** One simulated company, its systems, its disk, and the service that looks after it. */
export class World {
  readonly mappings: Mappings;
  readonly policy: Policy;
  readonly climate: Climate;
  readonly drive: Drive;
  readonly chance: Chance;
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly graph: SimulatedGraph;
  readonly dataverse: SimulatedDataverse;
  readonly platter = new Platter();
  readonly checker: Checker;
  readonly partner: SimulatedPartner;
  readonly people: readonly RepIdentity[];
  readonly processes: ServiceProcess[] = [];
  isDiskFull = false;
  /** How far the machine's clock is ahead. */
  skewMs = 0;
  /** Nothing goes wrong any more. */
  isCalm = false;
  #started = 0;

  constructor(seed: number, climate: Climate, drive: Drive) {
    this.climate = climate;
    this.mappings = climate.mappings ?? DEFAULT_MAPPINGS;
    this.policy = createPolicy(this.mappings);
    this.drive = drive;
    this.chance = new Chance(seed);
    this.timeline = new Timeline(this.chance);
    const { chance, timeline } = this;
    this.journal = new Journal(() => timeline.nowMs);
    const parts = { timeline, chance, journal: this.journal, odds: climate.odds };
    this.graph = new SimulatedGraph(parts, new Line(parts), climate.versioned);
    this.dataverse = new SimulatedDataverse(parts, new Line(parts));
    this.people = Array.from({ length: climate.reps }, (_, at) =>
      identityOf(`a0000000-0000-4000-8000-${String(at + 1).padStart(12, "0")}`),
    );
    this.checker = new Checker(this);
    this.partner = new SimulatedPartner(this);
    for (const { systemUserId, teamsUserId } of this.people) {
      this.graph.join(teamsUserId);
      this.dataverse.join(systemUserId, climate.capacityUnits);
    }
    this.graph.onWrite = (id, action) => this.journal.tell(`graph: ${action} ${id}`);
    this.dataverse.onWrite = (id, to) => this.journal.tell(`dataverse: ${id} <- ${to}`);
    this.dataverse.onHint = (_userId, body, delayMs) => {
      timeline.after(delayMs, () => this.#hint(body));
    };
  }

  /** True if this goes wrong now. Costs nothing where it cannot. */
  strikes(fault: Fault): boolean {
    const odds: Odds = this.climate.odds;
    const probability = this.isCalm ? 0 : (odds[fault] ?? 0);
    const struck = probability > 0 && this.chance.happens(probability);
    if (struck && fault.startsWith("disk")) this.journal.fault(fault);
    return struck;
  }

  startProcess(): ServiceProcess {
    this.#started += 1;
    const process = new ServiceProcess(this, `process ${this.#started}`, this.skewMs);
    this.processes.push(process);
    this.journal.tell(`${process.name}: starts`);
    void process.boot();
    return process;
  }

  /** An instance that died is started again by whoever watches over it. */
  processEnded(process: ServiceProcess): void {
    this.processes.splice(this.processes.indexOf(process), 1);
    this.checker.processEnded(process);
    this.timeline.after(this.chance.between(1, this.climate.restartMs), () => {
      if (this.processes.length < this.climate.instances) this.startProcess();
    });
  }

  stopInOrder(process: ServiceProcess): void {
    if (!process.isOpen) return;
    void process.stop();
    this.timeline.after(STOP_WITHIN_MS, () => {
      if (process.isAlive()) process.crash("crash at rest");
    });
  }

  /** Where a balancer sends a request. */
  anyProcess(): ServiceProcess | null {
    const open = this.processes.filter(({ isOpen }) => isOpen);
    return open.length === 0 ? null : this.chance.pick(open);
  }

  /** Everything works from now on, and every clock is right. */
  calmDown(): void {
    this.isCalm = true;
    this.isDiskFull = false;
    const calm: Odds = {};
    this.graph.odds = this.dataverse.odds = calm;
    this.graph.line.odds = this.dataverse.line.odds = calm;
    this.graph.line.unclog();
    this.dataverse.line.unclog();
    this.dataverse.lagMs = 1_000;
    while (this.processes.length < this.climate.instances) this.startProcess();
  }

  #hint(body: Buffer): void {
    const process = this.anyProcess();
    if (process) this.checker.webhook(process, body);
  }
}
