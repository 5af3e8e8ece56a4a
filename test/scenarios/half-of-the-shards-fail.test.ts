import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { eventually, launch } from "../service/launch.ts";
import { connectAccount } from "./browser.ts";
import { dynamicsClass, teamsClass } from "./meaning.ts";
import type { Person } from "./witness.ts";

const PUBLIC_URL = "https://lockstep.example";
const ACCOUNTS = 16;
const REPS = 10_000;
/** Of each shard so many change at once: what Dynamics takes in seconds, at 15 writes a second. */
const CHANGING = 4;

/** Five ways to fail, over and over; a subscription is what the emulator says of one. */
const FAILURES: readonly ((tenant: Tenant, one: Subscribed) => void)[] = [
  ({ graph }, { id }) => graph.control.silence({ subscriptionId: id }),
  ({ graph }, { id }) => graph.control.removeSubscription({ subscriptionId: id }),
  ({ entra, graph }, { id, creatorId }) => {
    entra.control.revokeRefreshTokens({ oid: creatorId });
    graph.control.removeSubscription({ subscriptionId: id });
  },
  ({ graph }, { id }) =>
    graph.control.sendLifecycle({ subscriptionId: id, event: "subscriptionRemoved" }),
  ({ graph }, { id }) =>
    graph.control.sendLifecycle({ subscriptionId: id, event: "unheardOf", times: 3 }),
];
type Subscribed = ReturnType<Tenant["graph"]["control"]["subscriptions"]>[number];

test("[R141] 10 000 reps in 16 shards stay in step while half of the shards fail", async () => {
  const tenant = await startTenant({
    people: makePeople(REPS),
    signedIn: true,
    tls: LOOPBACK_TLS,
    redirectUris: [`${PUBLIC_URL}/connect/teams/callback`],
    subscriberAccounts: ACCOUNTS,
  });
  const { graph, dataverse, entra, subscribers } = tenant;
  const people = tenant.people.users.flatMap(({ azureObjectId, systemUserId }): Person[] =>
    azureObjectId === null ? [] : [{ teams: azureObjectId, dynamics: systemUserId }],
  );
  for (const { teams: userId } of people)
    graph.control.setClient({ userId, availability: "Available" });
  const byTeams = new Map(people.map((person) => [person.teams, person]));

  const isInStep = ({ teams, dynamics }: Person): boolean => {
    const { availability, activity } = graph.control.state({ userId: teams });
    const { basePresence } = dataverse.control.state({ userId: dynamics });
    return teamsClass(availability, activity) === dynamicsClass(basePresence);
  };

  try {
    await using service = await launch(tenant, {
      env: {
        PUBLIC_URL,
        HOST: "127.0.0.1",
        CACHE_KEY: randomBytes(32).toString("base64"),
        SUBSCRIBER_ACCOUNTS: subscribers.map(({ oid }) => oid).join(),
        TEAMS_POLL_SECONDS: "5",
        DYNAMICS_POLL_SECONDS: "60",
      },
    });
    graph.control.setIngress({ origin: PUBLIC_URL, to: service.url });
    for (const { oid } of subscribers) {
      entra.control.setPresent({ account: oid });
      expect(await connectAccount(service)).toContain("The account is connected");
    }
    const announced = (): ReadonlySet<unknown> =>
      new Set(service.lines.filter(({ code }) => code === "push-live").map(({ shard }) => shard));
    await eventually("every shard is announced", () => announced().size === ACCOUNTS);
    const shards = graph.control.subscriptions();
    expect(shards.map(({ userIds }) => userIds.length).reduce((a, b) => a + b)).toBe(REPS);

    const failing = shards.filter((_shard, index) => index % 2 === 0);
    for (const [index, shard] of failing.entries()) {
      FAILURES[index % FAILURES.length]?.(tenant, shard);
    }
    const changing = shards.flatMap(({ userIds }) =>
      userIds.slice(0, CHANGING).flatMap((userId) => byTeams.get(userId) ?? []),
    );
    expect(changing).toHaveLength(ACCOUNTS * CHANGING);
    for (const availability of ["Busy", "Available"]) {
      for (const { teams: userId } of changing) graph.control.setManual({ userId, availability });
      await eventually(`everybody is ${availability} in Dynamics`, () => changing.every(isInStep), {
        deadlineMs: 90_000,
      });
    }
    expect(people.filter((person) => !isInStep(person))).toEqual([]);
    await service.stop();
  } finally {
    await tenant.close();
  }
});
