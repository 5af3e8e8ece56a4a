import { afterAll, beforeAll, expect, it } from "vitest";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { PATIENT } from "./graph-tenant.ts";
import { openEndpoint, type NotificationEndpoint } from "./notification-endpoint.ts";
import { resourceFor } from "./subscriber.ts";

const PEOPLE = 10_000;
const PER_SUBSCRIPTION = 650;
const SHARDS = Math.ceil(PEOPLE / PER_SUBSCRIPTION);
const REDIRECT_URI = "https://lockstep.example/connect/teams";

let tenant: Tenant;
let endpoint: NotificationEndpoint;

beforeAll(async () => {
  endpoint = await openEndpoint();
  tenant = await startTenant({
    people: makePeople(PEOPLE),
    subscriberAccounts: SHARDS,
    redirectUris: [REDIRECT_URI],
  });
  tenant.graph.control.setPush(PATIENT);
  setDefaultCACertificates([...getCACertificates(), tenant.caPem]);
});

afterAll(() => Promise.all([tenant.close(), endpoint.close()]));

async function signIn(upn: string): Promise<string> {
  const base = `${tenant.entra.url}/${tenant.tenantId}/oauth2/v2.0`;
  const client = {
    client_id: tenant.clientId,
    redirect_uri: REDIRECT_URI,
    scope: "Presence.Read.All",
  };
  const asking = { ...client, response_type: "code", login_hint: upn };
  const page = await fetch(`${base}/authorize?${new URLSearchParams(asking).toString()}`, {
    redirect: "manual",
  });
  const answer = await fetch(`${base}/token`, {
    method: "POST",
    body: new URLSearchParams({
      ...client,
      grant_type: "authorization_code",
      client_secret: tenant.clientSecret,
      code: new URL(page.headers.get("location") ?? "").searchParams.get("code") ?? "",
    }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function subscribe(upn: string, ids: readonly string[]): Promise<string> {
  const answer = await fetch(`${tenant.graph.url}/v1.0/subscriptions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await signIn(upn)}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({
      changeType: "updated",
      notificationUrl: endpoint.url,
      resource: resourceFor(ids),
      expirationDateTime: new Date(Date.now() + 50 * 60_000).toISOString(),
    }),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  return ((await answer.json()) as { id: string }).id;
}

it("tells every change of 10 000 people over 16 subscriptions, also while half of them are silent", async () => {
  const { control } = tenant.graph;
  const ids = control.states().map(({ userId }) => userId);
  expect(ids).toHaveLength(PEOPLE);
  const shards: string[] = [];
  for (const [index, { upn }] of tenant.subscribers.entries()) {
    const from = index * PER_SUBSCRIPTION;
    shards.push(await subscribe(upn, ids.slice(from, from + PER_SUBSCRIPTION)));
  }
  expect(shards).toHaveLength(16);
  for (const userId of ids) control.setClient({ userId, availability: "Busy" });
  await control.deliveriesSettled();
  expect(new Set(endpoint.users())).toEqual(new Set(ids));
  expect(endpoint.users()).toHaveLength(PEOPLE);

  endpoint.forget();
  const silent = shards.filter((_, index) => index % 2 === 0);
  for (const subscriptionId of silent) control.silence({ subscriptionId });
  for (const userId of ids) control.setClient({ userId, availability: "Away" });
  await control.deliveriesSettled();
  const heard = ids.filter((_, index) => Math.floor(index / PER_SUBSCRIPTION) % 2 === 1);
  expect(new Set(endpoint.users())).toEqual(new Set(heard));
});
