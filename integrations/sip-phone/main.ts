import { createLockstep } from "../client.ts";
import { Bridge } from "./bridge.ts";
import { Watcher } from "./watcher.ts";

const TTL_SECONDS = 180;

function need(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is missing; see README.md`);
  return value;
}

const hostAndPort = (text: string): { readonly host: string; readonly port: number } => {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
};

const reps = new Map(
  need("LINES")
    .split(",")
    .map((item): [string, string] => {
      const [line = "", rep = ""] = item.trim().split("=");
      return [line, rep];
    }),
);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const bridge = new Bridge({
  lockstep: createLockstep({ url: need("LOCKSTEP_URL"), secret: need("LOCKSTEP_SECRET") }),
  reps,
  ttlSeconds: TTL_SECONDS,
  onRefused: (what, status) => say(`Lockstep answered ${status} to the ${what} of a line`),
});
const watcher = new Watcher({
  pbx: hostAndPort(need("PBX")),
  local: hostAndPort(need("LOCAL")),
  lines: [...reps.keys()],
  onChange: (line, change) => bridge.take(line, change),
  onTrouble: (line, why) => say(`line ${line}: ${why}; it is subscribed to again`),
});
await watcher.start();
say(`watching ${reps.size} lines`);

const stop = (): void => {
  watcher.stop();
  void bridge.stop();
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
