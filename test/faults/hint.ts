import { readFile } from "node:fs/promises";
import type { Person } from "../scenarios/witness.ts";
import { type Service, WEBHOOK_KEY } from "../service/launch.ts";

const UPDATE = await readFile(
  new URL("../fixtures/msdyn_agentstatus.update.async.json", import.meta.url),
  "utf8",
);
const WHO_IT_IS_ABOUT = /97c90b02-4e38-ef11-a315-000d3a5a54dc/gi;

/** What Dataverse posts when the row of this person changes; by itself, so that nothing else is timed. */
export async function sendHint(
  { url }: Pick<Service, "url">,
  { dynamics }: Pick<Person, "dynamics">,
  key = WEBHOOK_KEY,
): Promise<number> {
  const response = await fetch(`${url}/webhooks/dataverse`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-lockstep-key": key },
    body: UPDATE.replaceAll(WHO_IT_IS_ABOUT, dynamics),
  });
  await response.body?.cancel();
  return response.status;
}
