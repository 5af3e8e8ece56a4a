import { BASE_PRESENCE } from "./dataverse/presence.ts";
import type { Queue } from "./dataverse/contact-center.ts";
import { type CustomPresence, type DataverseUser, derivedGuid } from "./dataverse/roster.ts";

/** The people of an invented company, and what its contact center has set up for them. */
export type People = {
  readonly organizationId: string;
  readonly organizationName: string;
  readonly users: readonly DataverseUser[];
  readonly customPresences: readonly CustomPresence[];
  readonly queues: readonly Queue[];
};

const DOMAIN = "northharbor.example";

/** The organisation of the published Update payload, so that the payload is true of this company. */
const ORGANIZATION = {
  organizationId: "6042beb1-a93a-ef11-8e4b-00224802c699",
  organizationName: "unq6042beb1a93aef118e4b00224802c",
} as const;

export const CUSTOM_PRESENCES: readonly CustomPresence[] = [
  { id: derivedGuid("presence lunch"), name: "Lunch", basePresence: BASE_PRESENCE.away },
  {
    id: derivedGuid("presence training"),
    name: "Training",
    basePresence: BASE_PRESENCE.doNotDisturb,
  },
  { id: derivedGuid("presence paperwork"), name: "Paperwork", basePresence: BASE_PRESENCE.busy },
];

/**
 * Twelve reps. Nadia is the rep of the published Update payload; Tomás is the new rep of the published
 * Create payload, whom routing does not know until he signs in. The last two are no reps: an AI agent,
 * which has an agent status row like anybody else, and a user who has left and is disabled.
 */
export function namedPeople(): People {
  const users: DataverseUser[] = [
    {
      ...rep("Nadia Okonkwo", "nadia.okonkwo"),
      systemUserId: "97c90b02-4e38-ef11-a315-000d3a5a54dc",
      agentStatusId: "3d1feef9-604d-ef11-bfe3-6045bd03d9d8",
    },
    {
      ...rep("Tomás Ferreira", "tomas.ferreira"),
      systemUserId: "a7f9a9ed-b311-ef11-9f89-000d3a544b4c",
      agentStatusId: "4b1e3d75-a749-ef11-acce-00224802d26d",
      provisioned: false,
    },
    rep("Mei-Ling Zhou", "meiling.zhou"),
    rep("Priya Raghunathan", "priya.raghunathan"),
    rep("Lars Holmqvist", "lars.holmqvist"),
    rep("Amara Diallo", "amara.diallo"),
    rep("Jakub Wiśniewski", "jakub.wisniewski"),
    rep("Leilani Kahale", "leilani.kahale"),
    rep("Yusuf Demir", "yusuf.demir"),
    {
      ...rep("Ingrid Solberg", "ingrid.solberg"),
      roles: ["Omnichannel Agent", "Omnichannel Supervisor"],
    },
    rep("Mateo Quispe", "mateo.quispe"),
    rep("Hana Kobayashi", "hana.kobayashi"),
    {
      ...rep("Harbor Triage Agent", "triage.agent"),
      applicationId: derivedGuid("application triage.agent"),
      accessMode: 4,
    },
    { ...rep("Walter Nkemelu", "walter.nkemelu"), isDisabled: true },
  ];
  const ids = users.map((user) => user.systemUserId);
  return {
    ...ORGANIZATION,
    users,
    customPresences: CUSTOM_PRESENCES,
    queues: [
      { id: derivedGuid("queue billing"), name: "Billing", members: ids.slice(0, 5) },
      { id: derivedGuid("queue technical"), name: "Technical support", members: ids.slice(4, 9) },
      { id: derivedGuid("queue loyalty"), name: "Loyalty desk", members: ids.slice(8, 13) },
    ],
  };
}

const GIVEN = [
  "Aisha",
  "Bruno",
  "Chiara",
  "Dmitri",
  "Elif",
  "Farid",
  "Grace",
  "Henrik",
  "Inés",
  "Jun",
];
const FAMILY = [
  "Abernathy",
  "Bakshi",
  "Castellano",
  "Dube",
  "Eriksen",
  "Fontaine",
  "Gutiérrez",
  "Hashimoto",
  "Ivanova",
  "Juarez",
  "Kapoor",
];
const QUEUE_SIZE = 25;

/** `count` reps, the same for the same count, in queues of 25: for load. */
export function makePeople(count: number): People {
  const users = Array.from({ length: count }, (_, index) => {
    const given = GIVEN[index % GIVEN.length] ?? "";
    const family = FAMILY[Math.floor(index / GIVEN.length) % FAMILY.length] ?? "";
    return rep(`${given} ${family} ${index + 1}`, `rep${index + 1}`);
  });
  const queues = Array.from({ length: Math.ceil(count / QUEUE_SIZE) }, (_, index) => ({
    id: derivedGuid(`queue ${index + 1}`),
    name: `Queue ${index + 1}`,
    members: users
      .slice(index * QUEUE_SIZE, (index + 1) * QUEUE_SIZE)
      .map((user) => user.systemUserId),
  }));
  return { ...ORGANIZATION, users, customPresences: CUSTOM_PRESENCES, queues };
}

function rep(fullname: string, alias: string): DataverseUser {
  return {
    systemUserId: derivedGuid(`systemuser ${alias}`),
    fullname,
    email: `${alias}@${DOMAIN}`,
    azureObjectId: derivedGuid(`entra user ${alias}`),
    roles: ["Omnichannel Agent"],
    agentStatusId: derivedGuid(`agentstatus ${alias}`),
  };
}
