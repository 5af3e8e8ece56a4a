import { expect, it } from "vitest";
import { eventually } from "./dataverse-caller.ts";
import { GraphTenant } from "./graph-tenant.ts";
import { openEndpoint } from "./notification-endpoint.ts";
import { Subscriber } from "./subscriber.ts";

it("a notification that is due later, or again, comes by itself on a clock that runs", async () => {
  const tenant = await GraphTenant.start(Date.now);
  await using endpoint = await openEndpoint();
  try {
    const userId = tenant.addUser();
    await new Subscriber(tenant).subscribe(endpoint.url, [userId]);
    tenant.graph.control.setPush({ delayMinMs: 20, delayMaxMs: 40, retryBaseMs: 20 });
    endpoint.behaviour.statuses.push(500);
    tenant.graph.control.setClient({ userId, availability: "Busy" });
    await eventually(() => (endpoint.posted.length === 2 ? true : undefined));
    expect(endpoint.users()).toEqual([userId, userId]);
  } finally {
    await tenant.close();
  }
});
