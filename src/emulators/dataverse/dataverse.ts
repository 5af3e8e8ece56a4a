import { listen } from "../listener.ts";
import type { LoopbackTls } from "../tls.ts";
import { Callers, type Verify } from "./callers.ts";
import { AvailabilityApi } from "./availability-api.ts";
import { DeltaTokens } from "./change-tracking.ts";
import { Clock } from "./clock.ts";
import { ContactCenter, type Queue } from "./contact-center.ts";
import { Conversations } from "./conversations.ts";
import { Eligibility } from "./eligibility.ts";
import { answerControl, createControl, type DataverseControl } from "./control.ts";
import { PresenceEngine, type Rep } from "./engine.ts";
import type { Organization } from "./execution-context.ts";
import { Faults } from "./faults.ts";
import { PlatformFunctions } from "./functions.ts";
import { PresenceApi } from "./presence-api.ts";
import type { PresenceStatus } from "./presence.ts";
import { Projection } from "./projection.ts";
import { RegistrationApi } from "./registration-api.ts";
import { ServiceProtection } from "./protection.ts";
import { seededRandom } from "./random.ts";
import {
  type ApplicationUser,
  BUSINESS_UNIT_ID,
  type CustomPresence,
  type DataverseUser,
  Roster,
} from "./roster.ts";
import { Routing } from "./routing.ts";
import { Security } from "./security.ts";
import { DEFAULT_SETTINGS, type Settings } from "./settings.ts";
import { Tables } from "./tables.ts";
import { WebApi } from "./web-api.ts";
import { Webhooks } from "./webhooks.ts";

export type DataverseOptions = {
  readonly organizationId: string;
  readonly organizationName: string;
  readonly tenantId: string;
  /** Says whether a bearer token is good, and whose it is. */
  readonly verify: Verify;
  readonly users: readonly DataverseUser[];
  readonly applicationUsers: readonly ApplicationUser[];
  readonly customPresences: readonly CustomPresence[];
  readonly queues: readonly Queue[];
  readonly tls?: LoopbackTls;
  readonly port?: number;
  readonly nowMs?: () => number;
  /** How far `msdyn_agentstatus` is behind the engine; about a second in the published payloads. */
  readonly projectionDelayMs?: number;
  readonly projectionRetryMs?: number;
  /** Dataverse gives an endpoint 60 s. */
  readonly webhookTimeoutMs?: number;
  /** Where a 401 sends the client for a token. */
  readonly authorizationUri?: string;
  /** Seed of every random choice: delays, drops, duplicates. */
  readonly seed?: number;
  readonly settings?: Partial<Settings>;
  /** Whether the person with this Entra account could take nothing now, whatever Dynamics shows of her. */
  readonly isReallyBusy?: (azureObjectId: string) => boolean;
};

export type Dataverse = {
  readonly url: string;
  readonly control: DataverseControl;
  close(): Promise<void>;
};

/** The assignment engine of the published Update payload. */
const ENGINE_USER_ID = "d89254ff-9438-ef11-a315-000d3a5a54dc";

/**
 * Dynamics 365 Contact Center at the wire, as far as presence goes: the Dataverse Web API, the two
 * presence APIs, the assignment engine behind them, and the webhooks that tell of its writes.
 */
export async function startDataverse(options: DataverseOptions): Promise<Dataverse> {
  const clock = new Clock(options.nowMs);
  const nowMs = (): number => clock.nowMs();
  const random = seededRandom(options.seed ?? 1);
  const settings: Settings = { ...DEFAULT_SETTINGS, ...options.settings };
  const organization: Organization = {
    id: options.organizationId.toLowerCase(),
    name: options.organizationName,
    businessUnitId: BUSINESS_UNIT_ID,
    engineUserId: ENGINE_USER_ID,
  };
  let url = "";
  const tables = new Tables(nowMs);
  const security = new Security(tables, BUSINESS_UNIT_ID);
  const faults = new Faults();
  const protection = new ServiceProtection(nowMs);
  const presences = new Map<string, PresenceStatus>();
  const presenceOf = (id: string): PresenceStatus | undefined => presences.get(id);
  const callers = new Callers({
    verify: options.verify,
    tables,
    security,
    authorizationUri:
      options.authorizationUri ??
      `https://login.microsoftonline.com/${options.tenantId}/oauth2/authorize`,
    origin: () => url,
  });
  const webhooks = new Webhooks({
    clock,
    tables,
    random,
    organization,
    timeoutMs: options.webhookTimeoutMs ?? 60_000,
    host: () => new URL(url).host,
  });
  const projection = new Projection({
    clock,
    tables,
    webhooks,
    organization,
    delayMs: options.projectionDelayMs ?? 150,
    retryMs: options.projectionRetryMs ?? 500,
  });
  const onRepChange: ((rep: Rep) => void)[] = [(rep) => projection.enqueue(rep)];
  const engine = new PresenceEngine({
    nowMs,
    presenceOf,
    changed: (rep) => {
      for (const listener of onRepChange) listener(rep);
    },
  });
  const roster = new Roster({ tables, callers, security, engine, projection, presences });
  roster.seed(organization, options);
  const contactCenter = new ContactCenter(tables, engine);
  for (const queue of options.queues) contactCenter.putQueue(queue);
  contactCenter.showSettings(settings);
  const conversations = new Conversations(tables, nowMs);
  const eligibility = new Eligibility(engine, contactCenter, presenceOf);
  const reallyBusy = new Map<string, boolean>();
  const isReallyBusy = (userId: string): boolean => {
    const told = reallyBusy.get(userId);
    if (told !== undefined) return told;
    const account = tables.get("systemusers", userId)?.["azureactivedirectoryobjectid"];
    return typeof account === "string" && (options.isReallyBusy?.(account) ?? false);
  };
  const routing = new Routing({
    clock,
    engine,
    contactCenter,
    conversations,
    eligibility,
    settings,
    tables,
    isReallyBusy,
  });
  onRepChange.push(({ userId }) => routing.repChanged(userId));
  contactCenter.onChange = () => routing.reconsiderAll();
  const availabilityApi = new AvailabilityApi({
    tables,
    contactCenter,
    conversations,
    eligibility,
    settings,
    nowMs,
  });
  const presenceApi = new PresenceApi({ clock, engine, tables, faults, settings, presenceOf });
  const deltaTokens = new DeltaTokens(tables, settings, nowMs);
  const registrationApi = new RegistrationApi(tables, webhooks, settings);
  const webApi = new WebApi({
    clock,
    random,
    tables,
    callers,
    protection,
    faults,
    settings,
    presenceApi,
    availabilityApi,
    registrationApi,
    deltaTokens,
    functions: new PlatformFunctions({ tables, security, organization, nowMs }),
  });
  tables.start();
  const control = createControl({
    clock,
    engine,
    projection,
    roster,
    callers,
    security,
    contactCenter,
    routing,
    conversations,
    reallyBusy,
    deltaTokens,
    tables,
    registrationApi,
    presenceApi,
    presences,
    webhooks,
    webApi,
    faults,
    protection,
    settings,
  });

  const listener = await listen(
    (request) =>
      request.method === "POST" && request.url.pathname.startsWith("/control/")
        ? answerControl(control, request)
        : webApi.handle(request),
    { port: options.port, tls: options.tls },
  );
  url = listener.url;
  return {
    url,
    control,
    close: async () => {
      clock.close();
      webhooks.close();
      await listener.close();
    },
  };
}
