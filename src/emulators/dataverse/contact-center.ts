import { type OperatingHours, seedTimeZones, writeOperatingHours } from "./calendars.ts";
import type { Load, PresenceEngine } from "./engine.ts";
import { doesNotExist } from "./error.ts";
import { BASE_PRESENCE, PRESENCE_ID } from "./presence.ts";
import { derivedGuid } from "./roster.ts";
import { knownTable } from "./schema.ts";
import type { Settings } from "./settings.ts";
import type { Row, Tables } from "./tables.ts";

export type Queue = {
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
  /** Lower is served first. */
  readonly priority?: number;
  readonly operatingHourId?: string | null;
};

/** Where conversations come from, and which reps may get them. */
export type Workstream = {
  readonly id: string;
  readonly name: string;
  /** The queue when no rule matches. */
  readonly queueId: string;
  /** Base presences (`msdyn_allowedpresences`). */
  readonly allowedPresences: readonly number[];
  readonly load: Load;
  /** Route-to-queue rules: the first whose context item has the value. */
  readonly routes: readonly {
    readonly item: string;
    readonly value: string;
    readonly queueId: string;
  }[];
};

export type CapacityProfile = {
  readonly id: string;
  readonly name: string;
  readonly maxUnits: number;
  readonly blocking: boolean;
};

/** What the admin center proposes for a new workstream. The presences are our guess. */
const DEFAULT_UNITS = 30;
const DEFAULT_ALLOWED = [BASE_PRESENCE.available, BASE_PRESENCE.busy];
const UNIT_BASED = 192350000;
const PROFILE_BASED = 192360000;

/** Queues, workstreams, memberships, hours and capacity, as an administrator has set them up. */
export class ContactCenter {
  readonly #tables: Tables;
  readonly #engine: PresenceEngine;
  readonly #workstreams = new Map<string, Workstream>();
  readonly #members = new Map<string, Set<string>>();
  readonly #queuesOf = new Map<string, Set<string>>();
  /** Called when something that routing looks at has been set up differently. */
  onChange: () => void = () => undefined;
  #revision = 0;

  constructor(tables: Tables, engine: PresenceEngine) {
    this.#tables = tables;
    this.#engine = engine;
    seedTimeZones(tables);
  }

  /** Goes up with every change of how the contact center is set up. */
  get revision(): number {
    return this.#revision;
  }

  /** Adds or replaces a queue. A new one gets a workstream of its own, so that work can come in. */
  putQueue({ id, name, members, priority = 1, operatingHourId = null }: Queue): void {
    const isNew = !this.#members.has(id);
    this.#tables.put(knownTable("queues"), {
      queueid: id,
      name,
      msdyn_isomnichannelqueue: true,
      msdyn_isdefaultqueue: false,
      msdyn_queuetype: 192350000,
      msdyn_priority: priority,
      msdyn_assignmentstrategy: 192350003,
      _msdyn_operatinghourid_value: operatingHourId,
      queueviewtype: 0,
      statecode: 0,
      statuscode: 1,
    });
    for (const member of this.membersOf(id)) this.removeMember(id, member);
    for (const member of members) this.addMember(id, member.toLowerCase());
    this.#changed();
    if (!isNew) return;
    this.putWorkstream({
      id: derivedGuid(`workstream ${id}`),
      name: `${name} chat`,
      queueId: id,
      allowedPresences: DEFAULT_ALLOWED,
      load: { units: DEFAULT_UNITS },
      routes: [],
    });
  }

  setQueueHours(queueId: string, operatingHourId: string | null): void {
    const row = this.#tables.get("queues", queueId);
    if (!row) throw doesNotExist("queue", queueId);
    this.#tables.put(knownTable("queues"), {
      ...row,
      _msdyn_operatinghourid_value: operatingHourId,
    });
    this.#changed();
  }

  addMember(queueId: string, userId: string): void {
    const members = this.#members.get(queueId) ?? new Set();
    this.#members.set(queueId, members.add(userId));
    const queues = this.#queuesOf.get(userId) ?? new Set();
    this.#queuesOf.set(userId, queues.add(queueId));
    this.#tables.put(knownTable("queuememberships"), {
      queuemembershipid: derivedGuid(`membership ${queueId} ${userId}`),
      queueid: queueId,
      systemuserid: userId,
    });
    this.#changed();
  }

  removeMember(queueId: string, userId: string): void {
    this.#members.get(queueId)?.delete(userId);
    this.#queuesOf.get(userId)?.delete(queueId);
    const id = derivedGuid(`membership ${queueId} ${userId}`);
    this.#tables.remove("queuememberships", id);
  }

  putWorkstream(workstream: Workstream): void {
    const { id, name, queueId, allowedPresences, load } = workstream;
    this.#workstreams.set(id, workstream);
    this.#tables.put(knownTable("msdyn_liveworkstreams"), {
      msdyn_liveworkstreamid: id,
      msdyn_name: name,
      msdyn_streamsource: 192360000,
      msdyn_direction: 0,
      msdyn_enablevoicev2: false,
      msdyn_workdistributionmode: 192350000,
      msdyn_capacityformat: load.profileId === undefined ? UNIT_BASED : PROFILE_BASED,
      msdyn_capacityrequired: load.units,
      msdyn_allowedpresences: allowedPresences.join(","),
      _msdyn_defaultqueue_value: queueId,
      statecode: 0,
      statuscode: 1,
    });
    this.#changed();
    const pairId = derivedGuid(`workstream profile ${id}`);
    this.#tables.remove("msdyn_liveworkstreamcapacityprofiles", pairId);
    if (load.profileId === undefined) return;
    this.#tables.put(knownTable("msdyn_liveworkstreamcapacityprofiles"), {
      msdyn_liveworkstreamcapacityprofileid: pairId,
      msdyn_name: name,
      _msdyn_workstream_id_value: id,
      _msdyn_capacityprofile_id_value: load.profileId,
    });
  }

  putOperatingHours(hours: OperatingHours): void {
    writeOperatingHours(this.#tables, hours);
    this.#changed();
  }

  putCapacityProfile({ id, name, maxUnits, blocking }: CapacityProfile): void {
    this.#tables.put(knownTable("msdyn_capacityprofiles"), {
      msdyn_capacityprofileid: id,
      msdyn_name: name,
      msdyn_defaultmaxunits: maxUnits,
      msdyn_blockassignment: blocking,
      statecode: 0,
      statuscode: 1,
    });
  }

  /** Gives a rep a profile; without a limit of her own, the profile's. */
  giveCapacityProfile(userId: string, profileId: string, ownLimit?: number): void {
    const profile = this.#tables.get("msdyn_capacityprofiles", profileId);
    if (!profile) throw doesNotExist("msdyn_capacityprofile", profileId);
    const rep = this.#engine.rep(userId);
    if (!rep) throw doesNotExist("systemuser", userId);
    const name = this.#nameOf(userId);
    const maxUnits = ownLimit ?? Number(profile["msdyn_defaultmaxunits"]);
    const bookableresourceid = derivedGuid(`bookable resource ${userId}`);
    this.#tables.put(knownTable("bookableresources"), {
      bookableresourceid,
      name,
      _userid_value: userId,
      statecode: 0,
      statuscode: 1,
    });
    this.#tables.put(knownTable("msdyn_bookableresourcecapacityprofiles"), {
      msdyn_bookableresourcecapacityprofileid: derivedGuid(`rep profile ${userId} ${profileId}`),
      msdyn_name: `${name}: ${String(profile["msdyn_name"])}`,
      _msdyn_bookableresourceid_value: bookableresourceid,
      _msdyn_capacityprofileid_value: profileId,
      msdyn_maxunits: maxUnits,
    });
    const blocking = profile["msdyn_blockassignment"] === true;
    this.#engine.setProfile(rep, { profileId, maxUnits, blocking });
  }

  /** The organisation's switches for missed and rejected notifications, as a row. */
  showSettings(settings: Settings): void {
    this.#tables.put(knownTable("msdyn_omnichannelconfigurations"), {
      msdyn_omnichannelconfigurationid: derivedGuid("omnichannel configuration"),
      msdyn_name: "Omnichannel configuration",
      msdyn_enable_missed_notifications: settings.missedNotifications,
      _msdyn_inactive_presence_lookup_value: PRESENCE_ID.inactive,
      msdyn_enable_agent_reject_notifications: settings.rejectedNotifications,
      _msdyn_dnd_presence_lookup_value: PRESENCE_ID.doNotDisturb,
    });
  }

  workstream(id: string): Workstream | undefined {
    return this.#workstreams.get(id);
  }

  /** The workstream whose conversations come to this queue when no rule sends them elsewhere. */
  workstreamInto(queueId: string): Workstream | undefined {
    return [...this.#workstreams.values()].find((it) => it.queueId === queueId);
  }

  membersOf(queueId: string): readonly string[] {
    return [...(this.#members.get(queueId) ?? [])];
  }

  queuesOf(userId: string): readonly string[] {
    return [...(this.#queuesOf.get(userId) ?? [])];
  }

  queue(id: string): Row | undefined {
    return this.#tables.get("queues", id);
  }

  /** AI agents and people who have left take no conversations. */
  isPerson(userId: string): boolean {
    const user = this.#tables.get("systemusers", userId);
    return user?.["applicationid"] === null && user["isdisabled"] === false;
  }

  #changed(): void {
    this.#revision += 1;
    this.onChange();
  }

  #nameOf(userId: string): string {
    return String(this.#tables.get("systemusers", userId)?.["fullname"] ?? userId);
  }
}

/** The first queue whose rule matches what is known of the customer; rules are not looked at further. */
export function queueFor(
  { routes, queueId }: Workstream,
  context: ReadonlyMap<string, string>,
): string {
  return routes.find(({ item, value }) => context.get(item) === value)?.queueId ?? queueId;
}
