import { makePeople, type People } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { type Changes, eventually, launch, type Service } from "../service/launch.ts";
import { type Person, Witness } from "./witness.ts";

export type CompanyOptions = {
  readonly reps?: number;
  readonly people?: People;
  readonly env?: Changes | ((tenant: Tenant) => Changes);
  readonly nodeArguments?: readonly string[];
  readonly programArguments?: readonly string[];
  readonly webhook?: "sync" | "async" | "none";
  /** What the service finds when it starts; by default everybody is at work and free. */
  readonly before?: (tenant: Tenant) => void;
  /** Nobody is looked at: some of them are in states that the oracle has no word for. */
  readonly unwatched?: boolean;
};

/** An emulated tenant with everybody at work, and the real service beside it. */
export type Company = {
  readonly tenant: Tenant;
  readonly service: Service;
  readonly people: readonly Person[];
  readonly witness: Witness;
  /** Accepted writes in both systems, whoever made them: the service is the only application. */
  writes(): number;
  /**
   * Resolves once neither system has changed or been written to for `CALM_MS` in which the service went on asking them:
   * sooner if all is as it should be. The deadline is a safety net: a world that never rests fails the story.
   */
  quiet(asItShouldBe?: () => boolean): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Longer than it takes a write to be confirmed, and a lost hint to be made up for by a poll. */
const CALM_MS = 7_000;
const BREATH_MS = 1_500;
const LOOK_MS = 200;
/** Who has asked neither system for so long is held up: nothing changes then, and nothing is calm. Polls come each second. */
const ASKS_WITHIN_MS = 2_500;
const DEADLINE_MS = 240_000;

export async function openCompany(options: CompanyOptions = {}): Promise<Company> {
  const { env = {}, nodeArguments = [], programArguments = [], webhook } = options;
  const tenant = await startTenant({
    people: options.people ?? makePeople(options.reps ?? 200),
    signedIn: true,
    tls: LOOPBACK_TLS,
  });
  const { graph, dataverse } = tenant;
  let service: Service | null = null;
  let people: readonly Person[];
  let witness: Witness;
  try {
    people = goToWork(tenant);
    options.before?.(tenant);
    service = await launch(tenant, {
      env: typeof env === "function" ? env(tenant) : env,
      nodeArguments,
      programArguments,
      ...(webhook ? { webhook } : {}),
    });
    witness = new Witness(tenant, options.unwatched ? [] : people);
  } catch (error) {
    await service?.[Symbol.asyncDispose]();
    await tenant.close();
    throw error;
  }
  const writes = (): number => graph.control.writes().length + dataverse.control.writes().length;
  const asks = (): number =>
    Object.values(dataverse.control.requests()).reduce(
      (sum, of) => sum + of,
      graph.control.requests().total,
    );

  return {
    tenant,
    service,
    people,
    witness,
    writes,
    async quiet(asItShouldBe = () => false) {
      let [count, asked, calmMs] = [writes(), asks(), 0];
      let [changedAtMs, askedAtMs, lookedAtMs] = [witness.changedAtMs(), Date.now(), Date.now()];
      await eventually(
        "the world is quiet",
        () => {
          const nowMs = Date.now();
          const now = [writes(), asks(), witness.changedAtMs()] as const;
          if (now[1] !== asked) askedAtMs = nowMs;
          if (now[0] !== count || now[2] !== changedAtMs) calmMs = 0;
          // The systems live in this process: while it was held up, they could not change either.
          else if (nowMs - askedAtMs < ASKS_WITHIN_MS)
            calmMs += Math.min(nowMs - lookedAtMs, 2 * LOOK_MS);
          [count, asked, changedAtMs] = now;
          lookedAtMs = nowMs;
          return calmMs > CALM_MS || (calmMs > BREATH_MS && asItShouldBe());
        },
        { deadlineMs: DEADLINE_MS, everyMs: LOOK_MS },
      );
      witness.lookAtAll();
    },
    async [Symbol.asyncDispose]() {
      witness.close();
      await service[Symbol.asyncDispose]();
      await tenant.close();
    },
  };
}

/** Opens everybody's Teams client. Who is no person, has left, or is new here and unknown to routing stays at home. */
function goToWork({ people, graph }: Tenant): readonly Person[] {
  const reps = people.users.flatMap((user): Person[] => {
    const { azureObjectId, systemUserId, applicationId, isDisabled, provisioned = true } = user;
    if (azureObjectId === null || applicationId || isDisabled || !provisioned) return [];
    return [{ teams: azureObjectId, dynamics: systemUserId }];
  });
  for (const { teams } of reps) {
    graph.control.setClient({ userId: teams, availability: "Available" });
  }
  return reps;
}
