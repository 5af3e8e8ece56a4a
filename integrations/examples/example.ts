// Reports a call, reads the rep, and reports the call's end. LOCKSTEP_URL, LOCKSTEP_SECRET (whsec_…), REP
import { createHmac, randomUUID } from "node:crypto";

const { LOCKSTEP_URL = "", LOCKSTEP_SECRET = "", REP = "" } = process.env;
const api = `${LOCKSTEP_URL.replace(/\/$/, "")}/api/v1`;
const key = Buffer.from(LOCKSTEP_SECRET.replace("whsec_", ""), "base64");

async function ask(method: string, path: string, body?: string): Promise<void> {
  const [id, at] = [randomUUID(), String(Math.floor(Date.now() / 1000))];
  const digest = createHmac("sha256", key)
    .update(`${id}.${at}.${body ?? ""}`)
    .digest("base64");
  const headers = new Headers(body ? { "content-type": "application/json" } : {});
  headers.set("webhook-id", id);
  headers.set("webhook-timestamp", at);
  headers.set("webhook-signature", `v1,${digest}`);
  const answer = await fetch(`${api}${path}`, { method, headers, body });
  console.log(await answer.text());
  if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}`);
}

await ask("PUT", `/reps/${REP}/holds/example`, '{"status":"InACall","ttlSeconds":60}');
await ask("GET", `/reps/${REP}`);
await ask("DELETE", `/reps/${REP}/holds/example`);
