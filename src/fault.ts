import { ConfigError } from "./config.ts";
import { EngineError } from "./engine/engine-error.ts";
import { PolicyError } from "./policy.ts";

/** What may be logged of a fault: its name and code. Never its message, which may quote what it choked on. */
export function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}

/** What an operator can act on: our own words, or the operating system's. A stack only where we are at fault. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof PolicyError) return `${error.code}: ${error.message}`;
  const isOurs = [ConfigError, EngineError].some((kind) => error instanceof kind);
  return isOurs || "syscall" in error ? error.message : (error.stack ?? error.message);
}
