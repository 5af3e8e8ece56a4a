import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { launch, spawnService } from "./launch.ts";

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ people: makePeople(5), signedIn: true, tls: LOOPBACK_TLS });
});
afterAll(() => tenant.close());

const say = (url: string): Promise<Response> =>
  fetch(`${url}/api/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      type: "message",
      text: "help",
      channelId: "msteams",
      serviceUrl: "http://127.0.0.1:9/",
      from: { id: "29:x", aadObjectId: "00000000-0000-4000-8000-000000000000" },
      recipient: { id: "28:bot" },
      conversation: { id: "chat" },
    }),
  });

describe("the bot in the service", () => {
  test("[R220] is not there without an app id", async () => {
    await using service = await launch(tenant, { webhook: "none" });
    expect((await say(service.url)).status).toBe(404);
  });

  test("[R220] with an app id, asks everybody for a token", async () => {
    const env = { BOT_ID: tenant.clientId };
    await using service = await launch(tenant, { webhook: "none", env });
    const refused = await say(service.url);
    expect([refused.status, await refused.text()]).toEqual([401, '{"code":"unauthorized"}']);
  });

  test("[R220] on trial believes whoever calls, on this computer only", async () => {
    const programArguments = ["--local"];
    await using service = await launch(tenant, { webhook: "none", programArguments });
    expect((await say(service.url)).status).toBe(200);
    const child = spawnService(
      {
        TENANT_ID: tenant.tenantId,
        CLIENT_ID: tenant.clientId,
        CLIENT_SECRET: tenant.clientSecret,
        DATAVERSE_URL: tenant.dataverse.url,
        HOST: "0.0.0.0",
      },
      [],
      programArguments,
    );
    const [said, [code]] = await Promise.all([
      text(child.stderr as NodeJS.ReadableStream),
      once(child, "exit") as Promise<[number]>,
    ]);
    expect(code).toBe(1);
    expect(said).toContain("HOST must be a loopback address with --local");
  });
});
