/** The global choice `msdyn_basepresencestatus`: routing looks at nothing else of a presence. */
export const BASE_PRESENCE = {
  available: 192360000,
  busy: 192360001,
  doNotDisturb: 192360002,
  away: 192360003,
  offline: 192360004,
} as const;

export const BASE_PRESENCE_LABELS: Readonly<Record<number, string>> = {
  192360000: "Available",
  192360001: "Busy",
  192360002: "Busy - DND",
  192360003: "Away",
  192360004: "Offline",
};

/**
 * Ids of the presences that every organisation is created with; the same everywhere, because clients
 * have them hard-coded (Microsoft: "Synchronize representative presence status"). `inactive` is set
 * by the system alone, when a notification was missed, and is absent from the published table.
 */
export const PRESENCE_ID = {
  available: "f523f628-c07a-e811-8162-000d3aa11f50",
  busy: "efdeb843-c07a-e811-8162-000d3aa11f50",
  doNotDisturb: "08971864-c07a-e811-8162-000d3aa11f50",
  away: "3dacae76-c07a-e811-8162-000d3aa11f50",
  offline: "70139190-c07a-e811-8162-000d3aa11f50",
  inactive: "a89ee9cf-453a-4b52-8d7a-ad647feecd5d",
} as const;

export type PresenceStatus = {
  readonly id: string;
  readonly name: string;
  readonly basePresence: number;
  /** False for a presence that only the system sets. */
  readonly settable: boolean;
};

export const OUT_OF_THE_BOX: readonly PresenceStatus[] = [
  {
    id: PRESENCE_ID.available,
    name: "Available",
    basePresence: BASE_PRESENCE.available,
    settable: true,
  },
  { id: PRESENCE_ID.busy, name: "Busy", basePresence: BASE_PRESENCE.busy, settable: true },
  {
    id: PRESENCE_ID.doNotDisturb,
    name: "Busy - DND",
    basePresence: BASE_PRESENCE.doNotDisturb,
    settable: true,
  },
  { id: PRESENCE_ID.away, name: "Away", basePresence: BASE_PRESENCE.away, settable: true },
  { id: PRESENCE_ID.offline, name: "Offline", basePresence: BASE_PRESENCE.offline, settable: true },
  { id: PRESENCE_ID.inactive, name: "Inactive", basePresence: BASE_PRESENCE.away, settable: false },
];
