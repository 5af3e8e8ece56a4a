import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { namedPeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import type { Visitor } from "../../src/story/playground.ts";
import { FakeTeams, ISSUER } from "../bot/teams.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { eventually, launch, type Service } from "../service/launch.ts";
import { Chat } from "./chat.ts";
import { type Answered, type Sender, SigningProxy } from "./signing-proxy.ts";

const MANAGERS = derivedGuid("group managers");
const ADMINS = derivedGuid("group admins");
const TEAM = derivedGuid("group team");
const FOREIGN_MANAGERS = derivedGuid("group foreign managers");
const OTHER_TEAM = derivedGuid("group other team");

const PEOPLE = namedPeople().users.flatMap(
  ({ fullname: name, azureObjectId: objectId, email, applicationId }): readonly Visitor[] =>
    objectId === null || applicationId ? [] : [{ name, objectId, email }],
);
const person = (name: string): Visitor => {
  const found = PEOPLE.find((visitor) => visitor.name === name);
  if (!found) throw new Error(`nobody is called ${name}`);
  return found;
};

/** Nadia is in Ingrid's team, Lars in Priya's; Gil is nobody's, but in the tenant. */
export const NADIA = person("Nadia Okonkwo");
export const PRIYA = person("Priya Raghunathan");
export const INGRID = person("Ingrid Solberg");
/** Nobody's manager, but she may have alerts. */
export const HANA = person("Hana Kobayashi");
const LARS = person("Lars Holmqvist");
export const GUEST: Visitor = {
  name: "Gil Guest",
  objectId: derivedGuid("guest"),
  email: "gil@other.example",
};
/** Where the console is, for those who paste a link to it; nobody goes there. */
export const CONSOLE_URL = "https://lockstep.contoso.example";
export const OTHER_TENANT = derivedGuid("another tenant");

/** The real service and an emulated tenant, behind a proxy that signs what is said to the bot as Teams would. */
export class Office {
  readonly tenant: Tenant;
  readonly proxy: SigningProxy;
  readonly #service: Service;
  readonly #teams: FakeTeams;

  private constructor(tenant: Tenant, service: Service, teams: FakeTeams, proxy: SigningProxy) {
    this.tenant = tenant;
    this.#service = service;
    this.#teams = teams;
    this.proxy = proxy;
  }

  static async open(): Promise<Office> {
    const tenant = await startTenant({
      signedIn: true,
      projectionDelayMs: 0,
      tls: LOOPBACK_TLS,
    });
    const { control } = tenant.graph;
    for (const { objectId } of PEOPLE) {
      control.setClient({ userId: objectId, availability: "Available" });
    }
    const { objectId: id, email: userPrincipalName, name: displayName } = GUEST;
    control.addUser({ id, userPrincipalName, displayName });
    control.setGroup({ groupId: MANAGERS, members: [INGRID.objectId] });
    control.setGroup({ groupId: TEAM, members: [NADIA.objectId] });
    control.setGroup({ groupId: FOREIGN_MANAGERS, members: [PRIYA.objectId] });
    control.setGroup({ groupId: ADMINS, members: [HANA.objectId] });
    control.setGroup({ groupId: OTHER_TEAM, members: [LARS.objectId] });
    const teams = await FakeTeams.open();
    const service = await launch(tenant, {
      env: {
        BOT_ID: tenant.clientId,
        BOT_METADATA_URL: `${teams.url}/metadata`,
        BOT_TOKEN_ISSUER: ISSUER,
        PUBLIC_URL: CONSOLE_URL,
        HOST: "127.0.0.1",
        BOT_SERVICE_HOSTS: "localhost,127.0.0.1",
        BOT_MANAGERS: `${MANAGERS}=${TEAM},${FOREIGN_MANAGERS}=${OTHER_TEAM}`,
        BOT_ADMINS: ADMINS,
      },
    });
    const target = `${service.url}/api/messages`;
    const proxy = await SigningProxy.start({ teams, appId: tenant.clientId, target });
    return new Office(tenant, service, teams, proxy);
  }

  /** The service's own address. */
  get url(): string {
    return this.#service.url;
  }

  /** What the bot answered to the last of a kind, since `from` of the proxy's answers; waits for one. */
  async answered(kind: string, from: number): Promise<Answered> {
    return eventually(`${kind} is answered`, () =>
      this.proxy.answers.findLast((answer, at) => at >= from && answer.kind === kind),
    );
  }

  /** What somebody shows, in Teams and in Dynamics. */
  shown(name: string): string {
    const user = this.tenant.people.users.find(({ fullname }) => fullname === name);
    const dynamics = this.tenant.dataverse.control.state({ userId: user?.systemUserId ?? "" });
    return JSON.stringify(dynamics);
  }

  /** Everything that the service has recorded of anybody's presence. */
  history(): ReturnType<Service["history"]> {
    return this.#service.history();
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.#service[Symbol.asyncDispose]();
    await this.#teams.close();
    await this.tenant.close();
  }

  /** Somebody as Teams names her; of this tenant, unless another one is given. */
  sender({ name, objectId }: Visitor, tenantId = this.tenant.tenantId): Sender {
    return { name, objectId, tenantId };
  }

  /** Lets somebody sit down in front of the Playground, of a tenant. */
  async sitDown(
    visitor: Visitor,
    tenantId = this.tenant.tenantId,
  ): Promise<{ readonly chat: Chat } & AsyncDisposable> {
    const folder = await mkdtemp(join(tmpdir(), "lockstep-e2e-"));
    const visitors = [visitor, ...PEOPLE.filter((other) => other.name !== visitor.name)];
    const chat = await Chat.open({ endpoint: this.proxy.url, tenantId, visitors, folder });
    return {
      chat,
      [Symbol.asyncDispose]: async () => {
        await chat.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  }
}
