import { isIP } from "node:net";
import { createLockstep } from "../client.ts";
import { Bridge } from "./bridge.ts";
import { Watcher } from "./watcher.ts";

const TTL_SECONDS = 180;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function refuse(what: string): never {
  say(`${what}; see README.md`);
  process.exit(64);
}

function need(name: string): string {
  const value = process.env[name]?.trim() ?? "";
  return value === "" ? refuse(`${name} is missing`) : value;
}

/** Packets are compared with it by address, so a name would silence everybody. */
function addressIn(name: string): { readonly host: string; readonly port: number } {
  const [, host = "", port = ""] = /^\[?([^[\]]+)\]?:(\d{1,5})$/.exec(need(name)) ?? [];
  if (isIP(host) === 0 || Number(port) > 65_535) {
    refuse(`${name} must be an address, not a name, with a port: 10.0.0.5:5060`);
  }
  return { host, port: Number(port) };
}

const reps = new Map(
  need("LINES")
    .split(",")
    .map((item): [string, string] => {
      const [line = "", rep = ""] = item.split("=").map((part) => part.trim());
      if (line === "" || rep === "") refuse("LINES must be pairs, line=rep, separated by commas");
      return [line, rep];
    }),
);

const bridge = new Bridge({
  lockstep: createLockstep({ url: need("LOCKSTEP_URL"), secret: need("LOCKSTEP_SECRET") }),
  reps,
  ttlSeconds: TTL_SECONDS,
  onRefused: (what, status) => say(`Lockstep answered ${status} to the ${what} of a line`),
});
const watcher = new Watcher({
  pbx: addressIn("PBX"),
  local: addressIn("LOCAL"),
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
