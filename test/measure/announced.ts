/**
 * Measures what change notifications are worth: `node test/measure/announced.ts [seconds]`. The real service
 * against the emulated tenant on this computer, 1 000 reps, Dynamics following Teams; without an account at the
 * default poll, and with two accounts at a poll of a minute. Prints one line of JSON for each. The emulated
 * notifications leave at once: Microsoft's own delay (10 s on average, a minute at most) comes on top. At last one
 * subscription falls silent, and what that costs is printed too. About six minutes.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { connectAccount } from "../scenarios/browser.ts";
import { quantiles, type Started, startService, until } from "./service.ts";

const PUBLIC_URL = "https://lockstep.example";
const REPS = 1_000;
const CHANGES_PER_SECOND = 2;
const SECONDS = Number(process.argv[2] ?? 60);
async function measure(name: string, accounts: number, pollSeconds: string): Promise<void> {
  const tenant = await startTenant({
    people: makePeople(REPS),
    signedIn: true,
    tls: LOOPBACK_TLS,
    redirectUris: [`${PUBLIC_URL}/connect/teams/callback`],
    subscriberAccounts: 2,
  });
  const { graph, dataverse, entra } = tenant;
  const reps = tenant.people.users.flatMap(({ azureObjectId, systemUserId }) =>
    azureObjectId === null ? [] : [{ teams: azureObjectId, dynamics: systemUserId }],
  );
  for (const { teams: userId } of reps)
    graph.control.setClient({ userId, availability: "Available" });
  const service = await startService(tenant, {
    PUBLIC_URL,
    CACHE_KEY: randomBytes(32).toString("base64"),
    SUBSCRIBER_ACCOUNTS: tenant.subscribers.map(({ oid }) => oid).join(),
    TEAMS_POLL_SECONDS: pollSeconds,
  });
  graph.control.setIngress({ origin: PUBLIC_URL, to: service.url });
  for (const { oid } of tenant.subscribers.slice(0, accounts)) {
    entra.control.setPresent({ account: oid });
    await connectAccount(service);
  }
  await until(
    () =>
      accounts === 0 ||
      new Set(service.lines.filter(({ code }) => code === "push-live").map(({ shard }) => shard))
        .size === accounts,
  );
  await sleep(3_000);

  const restedAt = { graph: graph.control.requests().total, dataverse: requestsOf(tenant) };
  await sleep(60_000);
  const atRest = {
    graphCallsPerMinute: graph.control.requests().total - restedAt.graph,
    dataverseCallsPerMinute: requestsOf(tenant) - restedAt.dataverse,
  };

  const chosen = new Map<string, number>();
  for (const { teams: userId, dynamics } of reps.slice(0, SECONDS * CHANGES_PER_SECOND)) {
    chosen.set(dynamics, Date.now());
    graph.control.setManual({ userId, availability: "Busy" });
    await sleep(1_000 / CHANGES_PER_SECOND);
  }
  const writes = await until(() => {
    const journal = dataverse.control.writes().filter(({ agentId }) => chosen.has(agentId));
    return new Set(journal.map(({ agentId }) => agentId)).size === chosen.size ? journal : null;
  });
  const latencies = [...chosen].map(([dynamics, atMs]) => {
    const first = writes.find(({ agentId }) => agentId === dynamics);
    return (first?.atMs ?? 0) - atMs;
  });
  process.stdout.write(
    `${JSON.stringify({ name, reps: REPS, ...atRest, changes: latencies.length, ...quantiles(latencies) })}\n`,
  );
  if (accounts > 0) await lose(tenant, service, reps.at(-1));
  await service.stop();
  await tenant.close();
}

/** One subscription falls silent without a word: how late a change of its reps is written, and what it takes to mend. */
async function lose(
  { graph, dataverse }: Tenant,
  service: Started,
  rep: { readonly teams: string; readonly dynamics: string } | undefined,
): Promise<void> {
  const shard = graph.control
    .subscriptions()
    .find(({ userIds }) => userIds.includes(rep?.teams ?? ""));
  if (!rep || !shard) throw new Error("nobody watches the last rep");
  graph.control.silence({ subscriptionId: shard.id });
  const before = graph.control.requests().byOperation;
  const lostAtMs = Date.now();
  graph.control.setManual({ userId: rep.teams, availability: "Busy" });
  const write = await until(() =>
    dataverse.control
      .writes()
      .find(({ agentId, atMs }) => agentId === rep.dynamics && atMs >= lostAtMs),
  );
  const said = await until(() => service.lines.find(({ code }) => code === "push-silent"));
  await until(() => {
    const now = graph.control.subscriptions();
    return now.length === 2 && now.every(({ id }) => id !== shard.id);
  });
  const mendedMs = Date.now() - lostAtMs;
  // Whoever was in the shard is read after it.
  await sleep(2_000);
  const after = graph.control.requests().byOperation;
  const calls = Object.fromEntries(
    Object.entries(after)
      .map(([operation, count]) => [
        operation,
        count - (before[operation as keyof typeof before] ?? 0),
      ])
      .filter(([, count]) => count !== 0),
  );
  const silentMinutes = said["silentMinutes"];
  const writtenMs = write.atMs - lostAtMs;
  process.stdout.write(
    `${JSON.stringify({ name: "a subscription fell silent", writtenMs, mendedMs, silentMinutes, calls })}\n`,
  );
}

function requestsOf({ dataverse }: Tenant): number {
  return Object.values(dataverse.control.requests()).reduce((sum, count) => sum + count, 0);
}

await measure("polled every 5 s", 0, "5");
await measure("announced, polled every 60 s", 2, "60");
