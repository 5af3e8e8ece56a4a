import { subscribe } from "node:diagnostics_channel";
import { Controller } from "../../../src/controller/controller.ts";
import { WorkQueue } from "../../../src/controller/work-queue.ts";
import { Writer } from "../../../src/controller/writer.ts";
import { around } from "./around.ts";
import { aroundCommit, beforeStatement } from "./disk.ts";
import { shared } from "./shared.ts";

/** A line between two steps of the service. Between them, kill -9 must lose nothing and double nothing. */
export type Failpoint =
  | "pending-durable"
  | "sent-unanswered"
  | "batch-unanswered"
  | "answered-unrecorded"
  | "in-group-commit"
  | "committed-untold"
  | "event-durable"
  | "starting"
  | "roster-changing"
  | "stopping";

const [armed, nth = "1"] = (process.env["FAILPOINT"] ?? "").split(":");
const left = shared("failpoint", Number(nth));

/** The process ends here, the n-th time that it passes the failpoint it was given. */
function pass(failpoint: Failpoint): void {
  if (failpoint !== armed) return;
  if (Atomics.sub(left, 0, 1) <= 1) process.kill(process.pid, "SIGKILL");
}

around(
  Writer.prototype,
  "send",
  (send) =>
    function sendPast(this: Writer, rep, write, onAnswer) {
      pass("pending-durable");
      send.call(this, rep, write, (answer) => {
        pass("answered-unrecorded");
        onAnswer(answer);
      });
    },
);

type Sent = { readonly request?: { readonly path?: string; readonly body?: unknown } };

subscribe("undici:request:bodySent", (message) => {
  const { path = "", body } = (message as Sent).request ?? {};
  // One turn later, so that the bytes have been handed to the operating system.
  const past = (failpoint: Failpoint) => setImmediate(() => pass(failpoint));
  if (/\/presence\/|ModifyAgentPresence/.test(path)) past("sent-unanswered");
  // Accounts are looked up in batches as well.
  if (path.endsWith("/$batch") && String(body).includes("/presence/")) past("batch-unanswered");
});

aroundCommit.before.push(() => pass("in-group-commit"));
aroundCommit.after.push((statements) => {
  pass("committed-untold");
  if (statements.some((sql) => sql.startsWith("INSERT INTO inbox"))) pass("event-durable");
  if (statements.some((sql) => sql.startsWith("DELETE FROM rep"))) pass("roster-changing");
});
beforeStatement.push(() => pass("starting"));

let started = false;
around(
  Controller.prototype,
  "start",
  (start) =>
    async function startPast(this: Controller) {
      pass("starting");
      await start.call(this);
      pass("starting");
      started = true;
    },
);
around(
  Controller.prototype,
  "adopt",
  (adopt) =>
    function adoptPast(this: Controller, identity) {
      if (started) pass("roster-changing");
      adopt.call(this, identity);
    },
);
around(
  Controller.prototype,
  "detach",
  (detach) =>
    function detachPast(this: Controller, rep) {
      detach.call(this, rep);
      pass("roster-changing");
    },
);
around(
  WorkQueue.prototype,
  "drain",
  (drain) =>
    async function drainPast(this: WorkQueue<unknown>) {
      pass("stopping");
      await drain.call(this);
      pass("stopping");
    },
);
