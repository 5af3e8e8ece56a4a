import { expect } from "vitest";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { SHARDS } from "../../src/fleet/shards.ts";
import type { PostgresServer } from "../engine/postgres-server.ts";
import { type Company, openCompany } from "../scenarios/company.ts";
import { PRESENCES } from "../scenarios/meaning.ts";
import { type Scene, sceneOf } from "../scenarios/scene.ts";
import type { Person } from "../scenarios/witness.ts";
import { Balancer } from "./balancer.ts";
import { eventually, launch, type Service, WEBHOOK_KEY } from "./launch.ts";
import { Reporter } from "./reporter.ts";

export const METRICS_KEY = "a-key-of-no-value-4711";
/** Enough that each of several instances has some of them. */
export const REPS = 12;

/**
 * A company whose service is several instances on a database of their own, behind a balancer. An instance that ends
 * because another took over from it is started again, as whatever runs a service does.
 */
export class Site implements AsyncDisposable {
  readonly #disposables: AsyncDisposable[];
  readonly company: Company;
  readonly first: Service;
  readonly balancer: Balancer;
  readonly reporter: Reporter;
  readonly url: string;
  /** Instances that were started again. */
  readonly startedAgain: Service[] = [];
  /** What each rep was set to in Dynamics, as it should be. */
  readonly #wanted: string[] = [];

  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    company: Company,
    balancer: Balancer,
    url: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.#env = env;
    this.company = company;
    this.first = company.service;
    this.balancer = balancer;
    this.url = url;
    this.reporter = new Reporter(balancer, company.people[0]?.dynamics ?? "");
    this.#disposables = [company, balancer];
    void this.#watchOver(this.first);
  }

  static async open(
    server: PostgresServer,
    database: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Site> {
    await server.sql(`CREATE DATABASE ${database}`);
    const url = server.url(database);
    const env = { METRICS_KEY, ...more };
    const company = await openCompany({
      reps: REPS,
      env: { ...env, DATABASE_URL: url },
      webhook: "none",
    });
    const balancer = await Balancer.open();
    balancer.between(company.service);
    company.tenant.dataverse.control.registerWebhook({
      url: `${balancer.url}/webhooks/dataverse`,
      headerName: "x-lockstep-key",
      headerValue: WEBHOOK_KEY,
      mode: "async",
    });
    return new Site(company, balancer, url, env);
  }

  /** Another instance, once it has its part of the reps, as one of so many. */
  async join(url = this.url, instances = 2): Promise<Service> {
    const env = { ...this.#env, DATABASE_URL: url };
    const joined = await launch(this.company.tenant, { env, webhook: "none" });
    this.#disposables.unshift(joined);
    void this.#watchOver(joined);
    await this.shared(instances);
    return joined;
  }

  async #watchOver(service: Service): Promise<void> {
    while ((await service.ended()) === 1) {
      this.startedAgain.push(service);
      service.begin();
    }
  }

  get scenes(): readonly Scene[] {
    return this.company.people.map((person) => sceneOf(this.company, person));
  }

  /** Everybody's call begins, or ends, and this comes to show everywhere. `meanwhile` happens right after. */
  async allCall(meanwhile?: () => unknown): Promise<void> {
    for (const scene of this.scenes) scene.calls();
    await meanwhile?.();
    await Promise.all(this.scenes.map((scene) => scene.shows("InACall", "Busy")));
    this.#wanted.push("Busy");
  }

  async allHangUp(meanwhile?: () => unknown): Promise<void> {
    for (const scene of this.scenes) scene.hangsUp();
    await meanwhile?.();
    await Promise.all(this.scenes.map((scene) => scene.shows("Available", "Available")));
    this.#wanted.push("Available");
  }

  /** Once nothing more is written: what each rep was set to in Dynamics, and what she should have been set to. */
  async written(
    people: readonly Person[],
  ): Promise<{ readonly is: string[][]; readonly should: string[][] }> {
    await this.company.quiet();
    const written = new Map(people.map(({ dynamics }) => [dynamics, [] as string[]]));
    for (const { agentId, presenceId } of this.company.tenant.dataverse.control.writes()) {
      const name = PRESENCES.find(([id]) => id === presenceId)?.[1] ?? presenceId;
      written.get(agentId)?.push(name);
    }
    const is = [...written.values()];
    return { is, should: is.map(() => this.#wanted) };
  }

  /** Who has how many shards. */
  async shares(): Promise<number[]> {
    const engine = await openPostgresEngine({ url: this.url, readOnly: true });
    const shares = new Map<string, number>();
    for (const { name, holder } of await engine.leases()) {
      if (name.startsWith("shard/")) shares.set(holder, (shares.get(holder) ?? 0) + 1);
    }
    await engine.close();
    return [...shares.values()];
  }

  /** Resolves once so many instances have a fair part of the shards each. */
  async shared(instances = 2): Promise<void> {
    await eventually(`${instances} instances share the shards`, async () => {
      const shares = await this.shares();
      const all = shares.reduce((sum, share) => sum + share, 0);
      const isFair = Math.max(...shares) === Math.ceil(SHARDS / instances);
      return shares.length === instances && all === SHARDS && isFair;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const disposable of this.#disposables) await disposable[Symbol.asyncDispose]();
  }
}

/** Nobody was set to anything twice, or to anything else. */
export async function expectOnceEach(site: Site, people = site.company.people): Promise<void> {
  const { is, should } = await site.written(people);
  expect(is).toEqual(should);
}
