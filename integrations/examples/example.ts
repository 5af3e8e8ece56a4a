// Reports a call, reads the rep, and reports the call's end. LOCKSTEP_URL, LOCKSTEP_SECRET (whsec_…), REP
import { createHmac, randomUUID } from "node:crypto";

const { LOCKSTEP_URL = "", LOCKSTEP_SECRET = "", REP = "" } = process.env;
const key = Buffer.from(LOCKSTEP_SECRET.replace("whsec_", ""), "base64");

async function ask(method: string, path: string, body = ""): Promise<void> {
  const id = randomUUID();
  const at = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64");
  const signed = {
    "webhook-id": id,
    "webhook-timestamp": at,
    "webhook-signature": `v1,${signature}`,
  };
  const headers = body ? { ...signed, "content-type": "application/json" } : signed;
  const answer = await fetch(`${LOCKSTEP_URL}/api/v1${path}`, {
    method,
    headers,
    ...(body ? { body } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}`);
  console.log(await answer.text());
}

await ask("PUT", `/reps/${REP}/holds/example`, '{"status":"InACall","ttlSeconds":60}');
await ask("GET", `/reps/${REP}`);
await ask("DELETE", `/reps/${REP}/holds/example`);
