import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OUT_OF_THE_BOX } from "../../src/connectors/dynamics/presences.ts";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { need } from "../integrations/debian.ts";
import { eventually, launch } from "./launch.ts";

const run = promisify(execFile);
const PAGE = join(import.meta.dirname, "../../docs/availability.md");
/** An AI agent, or a web shop. */
const ASKING = {
  clientId: "0c0c0c0c-1111-4222-8333-444444444444",
  secret: "the-secret-of-who-asks",
};

let tenant: Tenant;
beforeAll(async () => {
  for (const command of ["curl", "jq"]) await need(command);
  tenant = await startTenant({ people: makePeople(2), signedIn: true, tls: LOOPBACK_TLS });
  tenant.entra.control.putApp({
    clientId: ASKING.clientId,
    secrets: [{ value: ASKING.secret }],
    certificates: [],
    roles: ["Presence.Read"],
  });
}, 600_000);
afterAll(() => tenant.close());

/** The shell blocks of the page as they stand: the token, then one for each heading. */
async function blocks(): Promise<readonly string[]> {
  const page = await readFile(PAGE, "utf8");
  return [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, block = ""]) => block);
}

test("[R167, R205] the examples for an AI agent and for a customer run as the page shows them", async () => {
  await using service = await launch(tenant);
  const { control } = tenant.dataverse;
  const [queue] = tenant.people.queues;
  const queueId = queue?.id ?? "";
  const [token = "", queues = "", escalate = "", start = "", ...others] = await blocks();
  expect(others).toEqual([]);
  const env = {
    PATH: process.env["PATH"],
    CURL_CA_BUNDLE: join(dirname(service.databasePath), "ca.pem"),
    TENANT_ID: tenant.tenantId,
    CLIENT_ID: tenant.clientId,
    ASKING_CLIENT_ID: ASKING.clientId,
    ASKING_CLIENT_SECRET: ASKING.secret,
    PUBLIC_URL: service.url,
    QUEUE_ID: queueId,
    WORKSTREAM_ID: control.workstreamOf({ queueId }).id ?? "",
  };
  const says = async (block: string): Promise<string> => {
    const script = `set -e\n${token}\n${block}`.replaceAll(
      "https://login.microsoftonline.com",
      tenant.entra.url,
    );
    return (await run("sh", ["-c", script], { env })).stdout.trim();
  };
  const everybodyShows = (presenceId: string): void => {
    for (const { systemUserId } of tenant.people.users) {
      control.choose({ userId: systemUserId, presenceId });
    }
  };

  expect(JSON.parse(await says(queues))).toEqual({ queues: [{ id: queueId, name: queue?.name }] });
  expect(await says(escalate)).toBe("escalate");
  expect(await says(start)).toBe("show the chat button; about 0 s to wait");

  everybodyShows(OUT_OF_THE_BOX.Away);
  control.arrive({ queueId });
  await eventually("nobody is there", async () => (await says(escalate)) !== "escalate");
  expect(await says(escalate)).toBe("take a message, or try the next queue");
  await eventually("the one who waits is counted", async () =>
    /^everybody is busy; 1 are waiting$/.test(await says(start)),
  );
});
