import { isIPv6 } from "node:net";
import { type SystemName, systemName } from "./presence/identity.ts";

/** A sentence that ends "NAME …": what the value must be. It never quotes the value, which may be a secret. */
type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly must: string };

/** One kind of value: what it is called in the documentation, and how its text is read. */
export type Kind<Value> = { readonly name: string; readonly read: (text: string) => Read<Value> };

const ok = <Value>(value: Value): Read<Value> => ({ ok: true, value });
const bad = (must: string): { readonly ok: false; readonly must: string } => ({ ok: false, must });

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** True for a URL that only this computer can reach. */
export const isLoopback = (url: string): boolean => LOOPBACK.test(new URL(url).hostname);

/** True for an address to listen on that only this computer can reach. */
export const isLoopbackHost = (host: string): boolean => LOOPBACK.test(host) || host === "::1";

export const text: Kind<string> = { name: "text", read: ok };

export const port: Kind<number> = {
  name: "port",
  read: (given) => {
    const value = Number(given);
    const isPort = /^\d{1,5}$/.test(given) && value <= 65_535;
    return isPort ? ok(value) : bad("must be a port from 0 (any free one) to 65535");
  },
};

export const guid: Kind<string> = {
  name: "GUID",
  read: (given) => {
    const value = given.toLowerCase();
    return GUID.test(value) ? ok(value) : bad("must be a GUID, as the Entra admin center shows it");
  },
};

const ID = /^[a-z0-9][a-z0-9.-]{0,127}$/i;

/** A GUID as a rule; a tenant may also be named by one of its domains. */
export const entraId: Kind<string> = {
  name: "id",
  read: (given) =>
    ID.test(given)
      ? ok(given.toLowerCase())
      : bad("must be an id as the Entra admin center shows it: letters, digits, dots and hyphens"),
};

export const guids: Kind<readonly string[]> = {
  name: "GUIDs, comma separated",
  read: (given) => {
    const values = given.split(",").map((item) => item.trim().toLowerCase());
    return values.every((value) => GUID.test(value))
      ? ok(values)
      : bad("must be GUIDs, separated by commas");
  },
};

/** Who manages whom: members of one Entra group the reps in another; `null`: all reps. */
export type ScopeKind = { readonly managers: string; readonly reps: string | null };

const MOST_SCOPES = 19;

export const scopes: Kind<readonly ScopeKind[]> = {
  name: "managers=reps, comma separated",
  read: (given) => {
    const found: ScopeKind[] = [];
    for (const item of given.toLowerCase().split(",")) {
      const [managers = "", reps = "", ...more] = item.trim().split("=");
      if (!GUID.test(managers) || more.length > 0 || (reps !== "*" && !GUID.test(reps))) {
        return bad("must be pairs of Entra group ids, managers=reps, or managers=* for all reps");
      }
      found.push({ managers, reps: reps === "*" ? null : reps });
    }
    // Entra answers for 20 groups in one call, and one of them is that of the administrators.
    return found.length > MOST_SCOPES
      ? bad(`must name at most ${MOST_SCOPES} groups of managers`)
      : ok(found);
  },
};

/** The same for whoever holds a security role in Dynamics, by its name. */
export type RoleScopeKind = { readonly role: string; readonly reps: string | null };

export const roleScopes: Kind<readonly RoleScopeKind[]> = {
  name: "role=reps, comma separated",
  read: (given) => {
    const found: RoleScopeKind[] = [];
    for (const item of given.split(",")) {
      const [role = "", reps = "", ...more] = item.split("=").map((part) => part.trim());
      const isReps = reps === "*" || GUID.test(reps.toLowerCase());
      if (role === "" || more.length > 0 || !isReps) {
        return bad("must be pairs of a role's name and an Entra group id, role=reps, or role=*");
      }
      found.push({ role, reps: reps === "*" ? null : reps.toLowerCase() });
    }
    return ok(found);
  },
};

const HOST = /^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$/;

/** Names or addresses, without a port. */
export const hosts: Kind<readonly string[]> = {
  name: "hosts, comma separated",
  read: (given) => {
    const names = given.split(",").map((name) => name.trim().toLowerCase());
    return names.every((name) => HOST.test(name) && (!name.includes(":") || isIPv6(name)))
      ? ok(names)
      : bad("must be host names or addresses without scheme and port, separated by commas");
  },
};

export const flag: Kind<boolean> = {
  name: "true or false",
  read: (given) => {
    if (given !== "true" && given !== "false") return bad("must be true or false");
    return ok(given === "true");
  },
};

/** Read into milliseconds. */
export const seconds: Kind<number> = {
  name: "seconds",
  read: (given) => {
    const value = Number(given);
    const isInRange = /^\d+(\.\d+)?$/.test(given) && value >= 0.1 && value <= 3600;
    return isInRange ? ok(Math.round(value * 1000)) : bad("must be seconds, from 0.1 to 3600");
  },
};

/** A base URL, read without its trailing slash. */
function urlOver(allowed: (url: URL) => string | null): (given: string) => Read<string> {
  return (given) => {
    const url = URL.parse(given);
    if (url === null) return bad("must be a URL, such as https://contoso.crm.dynamics.com");
    if (url.username || url.password) return bad("must not carry a user name or password");
    if (url.search || url.hash) return bad("must not have a query or a fragment");
    const objection = allowed(url);
    return objection === null ? ok(url.href.replace(/\/+$/, "")) : bad(objection);
  };
}

/** Where tokens are sent: never in the clear, not even on loopback, because the clients refuse it too. */
export const httpsUrl: Kind<string> = {
  name: "https URL",
  read: urlOver((url) =>
    url.protocol === "https:"
      ? null
      : "must be https, because tokens are sent to it; for a local emulator, trust its certificate with NODE_EXTRA_CA_CERTS",
  ),
};

export const publicUrl: Kind<string> = {
  name: "https URL (http on loopback)",
  read: urlOver((url) => {
    const isLocal = url.protocol === "http:" && LOOPBACK.test(url.hostname);
    if (url.protocol === "https:" || isLocal) return null;
    return "must be https, because Microsoft 365 calls nothing else; http is for loopback only";
  }),
};

export const instanceUrl: Kind<string> = {
  name: "http URL",
  read: urlOver(({ protocol }) =>
    /^https?:$/.test(protocol) ? null : "must be http:// or https://, before the host",
  ),
};

export const sharedKey: Kind<string> = {
  name: "text of at least 16 characters",
  read: (given) => {
    if (!/^[\x21-\x7e]*$/.test(given)) return bad("must be printable ASCII without spaces");
    return given.length >= 16 ? ok(given) : bad("must have at least 16 characters");
  },
};

/** Read into its bytes. */
export const cacheKey: Kind<Buffer> = {
  name: "Base64 of 32 bytes",
  read: (given) => {
    const key = Buffer.from(given, "base64");
    const isWhole = key.length === 32 && key.toString("base64") === given;
    return isWhole
      ? ok(key)
      : bad("must be the Base64 of 32 random bytes: openssl rand -base64 32");
  },
};

export type Database =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "postgres"; readonly url: string };

const POSTGRES_PARAMETERS = ["host", "sslmode", "sslrootcert", "sslcert", "sslkey"];

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A URL that names a role must have a host, also where a socket stands for it. */
const NO_HOST = /^(postgres(?:ql)?:\/\/[^/?#]*@)(?=[:/])/;

function postgresUrl(given: string): Read<Database> {
  const whole = given.replace(NO_HOST, "$1localhost");
  const url = URL.parse(whole);
  if (url === null) return bad("must be a URL: postgres://role:password@host:5432/database");
  const wishes = url.searchParams;
  const isNamed = whole === given && url.hostname !== "";
  if (!isNamed && !wishes.has("host")) return bad("must name the host of the database server");
  if (!url.username) return bad("must name the role that signs in to the database server");
  if (!/^\/[^/]+$/.test(url.pathname)) return bad("must name the database, after the host and a /");
  if ([...wishes.keys()].some((name) => !POSTGRES_PARAMETERS.includes(name))) {
    return bad(`must have no other parameters than ${POSTGRES_PARAMETERS.join(", ")}`);
  }
  // A name there would be reached without TLS, whatever else is said of it.
  if (!(wishes.get("host") ?? "/").startsWith("/")) {
    return bad(
      "must have the directory of a local socket in ?host=, and the name of a server before the /",
    );
  }
  if (![url.username, url.password, url.pathname].every(isPercentEncoded)) {
    return bad("must have every % in it written as %25, such as one in a password");
  }
  if (!["disable", "verify-full"].includes(wishes.get("sslmode") ?? "verify-full")) {
    return bad("must have sslmode=verify-full, or disable on a network that nobody else is on");
  }
  return ok({ kind: "postgres", url: whole });
}

export const database: Kind<Database> = {
  name: "sqlite:path, or postgres://role:password@host/database",
  read: (given) => {
    if (/^postgres(ql)?:/.test(given)) return postgresUrl(given);
    const path = given.startsWith("sqlite:") ? given.slice("sqlite:".length) : "";
    if (path === ":memory:")
      return bad("must be a file: what is in memory is lost with the process");
    return path
      ? ok({ kind: "sqlite", path })
      : bad("must be sqlite: and a path, or a postgres:// URL");
  },
};

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const logLevel: Kind<LogLevel> = {
  name: LOG_LEVELS.join(", "),
  read: (given) => {
    const level = LOG_LEVELS.find((candidate) => candidate === given);
    return level ? ok(level) : bad(`must be one of ${LOG_LEVELS.join(", ")}`);
  },
};

/** A partner and the keys it may sign with: two while one replaces the other. */
export type PartnerKeys = { readonly name: SystemName; readonly keys: readonly Buffer[] };

/** `name=whsec_…`, or `name=whsec_…|whsec_…`; several partners separated by commas. */
export const partners: Kind<readonly PartnerKeys[]> = {
  name: "name=whsec_…, comma separated",
  read: (given) => {
    const found: PartnerKeys[] = [];
    for (const item of given.split(",")) {
      const [, name = "", secrets = ""] = /^\s*([^=]*)=(.*?)\s*$/.exec(item) ?? [];
      if (!/^[a-z][a-z0-9-]{0,31}$/.test(name)) {
        return bad("must name each partner in lower-case letters, digits and hyphens, before a =");
      }
      const number = found.length + 1;
      if (name === "teams" || name === "dynamics") {
        return bad("must not give a partner the name of a system");
      }
      if (found.some((partner) => partner.name === name)) {
        return bad(`must give partner ${number} a name of its own`);
      }
      const keys = secrets.split("|").map(keyOf);
      if (keys.length > 2 || !keys.every((key) => key !== null)) {
        return bad(
          `must give partner ${number} one or two secrets: whsec_ and the Base64 of 24 to 64 bytes`,
        );
      }
      found.push({ name: systemName(name), keys });
    }
    const all = found.flatMap((partner) => partner.keys.map((key) => key.toString("base64")));
    if (new Set(all).size < all.length) {
      return bad("must not give a secret twice: it is how one partner is told from another");
    }
    return ok(found);
  },
};

function keyOf(secret: string): Buffer | null {
  const base64 = secret.startsWith("whsec_") ? secret.slice("whsec_".length) : "";
  const key = Buffer.from(base64, "base64");
  const isCanonical = key.toString("base64").replace(/=+$/, "") === base64.replace(/=+$/, "");
  return isCanonical && key.length >= 24 && key.length <= 64 ? key : null;
}
