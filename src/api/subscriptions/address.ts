import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";

/** Why nothing may be sent to an address, as a sentence for the one who gave it. */
export class AddressForbidden extends Error {
  constructor(message: string) {
    super(message);
    this.name = "AddressForbidden";
  }
}

/** IANA, "IPv4 Special-Purpose Address Registry": what is no address of somebody on the Internet. */
const SPECIAL_IPV4: readonly (readonly [network: string, bits: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];
/** Of IPv6 only global unicast is public, without what carries an IPv4 address or is for documents. */
const SPECIAL_IPV6: readonly (readonly [network: string, bits: number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const special = new BlockList();
for (const [network, bits] of SPECIAL_IPV4) special.addSubnet(network, bits, "ipv4");
for (const [network, bits] of SPECIAL_IPV6) special.addSubnet(network, bits, "ipv6");
const global = new BlockList();
global.addSubnet("2000::", 3, "ipv6");

export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, "ipv4");
  return family === 6 && global.check(address, "ipv6") && !special.check(address, "ipv6");
}

type Address = { readonly address: string; readonly family: number };
export type Resolve = (host: string) => Promise<readonly Address[]>;

const resolveByName: Resolve = (host) => lookup(host, { all: true, verbatim: true });

/**
 * Says where a host is, and refuses one that is inside: if any of its addresses is not public, all are refused,
 * because a name server may answer the next question differently. Whoever connects uses the answer itself and
 * does not ask again. `allowed` names hosts that may be inside.
 */
export function createLocator(
  allowed: ReadonlySet<string>,
  resolve: Resolve = resolveByName,
): Resolve {
  return async (host) => {
    const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
    const family = isIP(bare);
    const found = family === 0 ? await resolved(resolve, bare) : [{ address: bare, family }];
    if (!allowed.has(bare) && !found.every(({ address }) => isPublic(address))) {
      throw new AddressForbidden("the host has an address that is not public");
    }
    return found;
  };
}

async function resolved(resolve: Resolve, host: string): Promise<readonly Address[]> {
  const found = await resolve(host).catch(() => []);
  if (found.length === 0) throw new AddressForbidden("the host has no address");
  return found;
}

/** The parsed URL of a subscription. Throws `AddressForbidden`. */
export function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") throw new AddressForbidden("expected an https URL");
  if (url.username !== "" || url.password !== "") {
    throw new AddressForbidden("expected no user name or password in the URL");
  }
  return url;
}
