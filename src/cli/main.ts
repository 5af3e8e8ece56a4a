import { runCli } from "./cli.ts";

/** The process around a command: its streams, its environment, and Ctrl+C. */
const abort = new AbortController();
process.once("SIGINT", () => abort.abort());
process.once("SIGTERM", () => abort.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  nowMs: Date.now,
  print: (text) => void process.stdout.write(`${text}\n`),
  say: (text) => void process.stderr.write(text.endsWith("\r") ? text : `${text}\n`),
  watched: process.stderr.isTTY,
  signal: abort.signal,
});
