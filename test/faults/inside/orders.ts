import { createInterface } from "node:readline";
import { isMainThread } from "node:worker_threads";

type Order = (argument: string) => void;

const orders = new Map<string, Order>();
if (isMainThread) {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const [name = "", argument = ""] = line.split(" ");
    const order = orders.get(name);
    if (!order) throw new Error(`nobody here knows the order ${name}`);
    order(argument);
    process.stdout.write(`${JSON.stringify({ msg: "done", order: line })}\n`);
  });
  // Only the service decides how long it lives.
  process.stdin.unref();
}

/** Obeys a line on standard input: the order's name, and at most one argument after a space. */
export function obey(name: string, order: Order): void {
  orders.set(name, order);
}
