import type { Cloud } from "../cloud.ts";

/**
 * How a flow keeps its own writes from coming back. `none`: not at all, but for the filter node behind the poll.
 * `compare`: it remembers what each side shows and drops what the other side shows already. `window`: for five
 * seconds after a write it takes nothing from where it wrote.
 */
export type Guard = "none" | "compare" | "window";

type Node = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

const WINDOW_MS = 5_000;

/** Both vocabularies in one: what a maker of such a flow writes down first. */
const WORDS = `
const BASE = { 192360000: "Available", 192360001: "Busy", 192360002: "DoNotDisturb", 192360003: "Away", 192360004: "Offline" };
const WORD = { Available: "Available", AvailableIdle: "Available", Busy: "Busy", BusyIdle: "Busy",
  DoNotDisturb: "DoNotDisturb", Away: "Away", BeRightBack: "Away" };
const PRESENCE = { Available: "f523f628-c07a-e811-8162-000d3aa11f50", Busy: "efdeb843-c07a-e811-8162-000d3aa11f50",
  DoNotDisturb: "08971864-c07a-e811-8162-000d3aa11f50", Away: "3dacae76-c07a-e811-8162-000d3aa11f50" };
`;

const GUARDS: Readonly<Record<Guard, (from: string, to: string) => string>> = {
  none: () => "",
  compare: (from, to) => `
const shown = flow.get("shown") || {};
flow.set("shown", shown);
const hers = shown[rep] || (shown[rep] = {});
hers.${from} = status;
if (hers.${to} === status) return null;
hers.${to} = status;
`,
  window: (from, to) => `
const written = flow.get("written") || {};
flow.set("written", written);
if (Date.now() - (written["${from} " + rep] || 0) < ${WINDOW_MS}) return null;
written["${to} " + rep] = Date.now();
`,
};

/** Dynamics' webhook → one call to Graph. */
const TO_TEAMS = (guard: Guard, { graphUrl }: Cloud): string => `${WORDS}
const target = msg.payload.InputParameters.find((one) => one.key === "Target").value;
const of = (key) => (target.Attributes.find((one) => one.key === key) || {}).value;
const user = of("msdyn_agentid").Id;
const rep = (global.get("teamsOf") || {})[user];
const status = (global.get("presences") || {})[of("msdyn_currentpresenceid").Id];
if (!rep || !status || status === "Offline" || of("msdyn_isagentloggedin") === false) return null;
${GUARDS[guard]("dynamics", "teams")}
const path = "${graphUrl}/v1.0/users/" + rep + "/presence/";
msg.method = "POST";
msg.headers = { authorization: "Bearer " + global.get("graphToken"), "content-type": "application/json" };
if (status === "Available") { msg.url = path + "clearUserPreferredPresence"; msg.payload = {}; }
else {
  msg.url = path + "setUserPreferredPresence";
  msg.payload = { availability: status, activity: status, expirationDuration: "PT8H" };
}
return msg;`;

/** One presence that has changed → one call to Dataverse. */
const TO_DYNAMICS = (guard: Guard, { dataverseUrl }: Cloud): string => `${WORDS}
const rep = msg.topic;
const status = WORD[msg.payload];
if (!status) return null;
${GUARDS[guard]("teams", "dynamics")}
msg.method = "POST";
msg.url = "${dataverseUrl}/api/data/v9.2/CCaaS_ModifyAgentPresence";
msg.headers = { authorization: "Bearer " + global.get("dataverseToken"), "content-type": "application/json" };
msg.payload = { ApiVersion: "1.0", AgentId: (global.get("userOf") || {})[rep], PresenceId: PRESENCE[status] };
return msg;`;

const ASK_FOR_TOKEN = (
  scope: string,
  { authorityUrl, tenantId, clientId, clientSecret }: Cloud,
): string => `
msg.method = "POST";
msg.url = "${authorityUrl}/${tenantId}/oauth2/v2.0/token";
msg.headers = { "content-type": "application/x-www-form-urlencoded" };
msg.payload = { grant_type: "client_credentials", client_id: "${clientId}", client_secret: "${clientSecret}", scope: "${scope}" };
return msg;`;

const ASK_FOR_PEOPLE = ({ dataverseUrl }: Cloud): string => `
global.set("dataverseToken", msg.payload.access_token);
msg.method = "GET";
msg.headers = { authorization: "Bearer " + msg.payload.access_token };
msg.url = "${dataverseUrl}/api/data/v9.2/msdyn_agentstatuses?$select=msdyn_agentstatusid,_msdyn_agentid_value"
  + "&$expand=msdyn_agentid($select=systemuserid,azureactivedirectoryobjectid)";
return msg;`;

const KEEP_PEOPLE = ({ dataverseUrl }: Cloud): string => `
const teamsOf = {}, userOf = {};
for (const { msdyn_agentid: one } of msg.payload.value) {
  if (!one || !one.azureactivedirectoryobjectid) continue;
  teamsOf[one.systemuserid] = one.azureactivedirectoryobjectid;
  userOf[one.azureactivedirectoryobjectid] = one.systemuserid;
}
global.set("teamsOf", teamsOf);
global.set("userOf", userOf);
msg.url = "${dataverseUrl}/api/data/v9.2/msdyn_presences?$select=msdyn_presenceid,msdyn_basepresencestatus";
msg.headers = { authorization: "Bearer " + global.get("dataverseToken") };
return msg;`;

const KEEP_PRESENCES = `${WORDS}
const presences = {};
for (const [status, id] of Object.entries(PRESENCE)) presences[id] = status;
for (const one of msg.payload.value) presences[one.msdyn_presenceid] = BASE[one.msdyn_basepresencestatus];
global.set("presences", presences);
return null;`;

/** 650 ids a call, as Graph takes them. */
const POLL = ({ graphUrl }: Cloud): string => `
const ids = Object.keys(global.get("userOf") || {});
if (ids.length === 0 || !global.get("graphToken")) return null;
const messages = [];
for (let start = 0; start < ids.length; start += 650) {
  messages.push({
    method: "POST",
    url: "${graphUrl}/v1.0/communications/getPresencesByUserId",
    headers: { authorization: "Bearer " + global.get("graphToken"), "content-type": "application/json" },
    payload: { ids: ids.slice(start, start + 650) },
  });
}
return [messages];`;

const EACH = `
if (!msg.payload || !msg.payload.value) return null;
global.set("polled", true);
return [msg.payload.value.map((one) => ({ topic: one.id, payload: one.availability }))];`;

const READY = `
msg.statusCode = global.get("polled") && global.get("presences") ? 200 : 503;
msg.payload = "";
return msg;`;

/**
 * A two-way flow of the usual nodes: http in, function, http request, http response, inject, filter. What it needs to
 * know of the tenant it reads at its start.
 */
export function flowOf(guard: Guard, cloud: Cloud): readonly Node[] {
  const z = "tab";
  let count = 0;
  const node = (
    type: string,
    more: Readonly<Record<string, unknown>>,
    ...wires: string[][]
  ): Node => {
    count += 1;
    return { id: `n${count}`, type, z, x: 100, y: 40 * count, wires, ...more };
  };
  const fn = (id: string, func: string, to: readonly string[], once = ""): Node =>
    node(
      "function",
      {
        id,
        name: id,
        func,
        outputs: 1,
        timeout: 0,
        noerr: 0,
        initialize: once,
        finalize: "",
        libs: [],
      },
      [...to],
    );
  const call = (id: string, to: readonly string[], ret = "obj"): Node =>
    node(
      "http request",
      {
        id,
        method: "use",
        ret,
        paytoqs: "ignore",
        url: "",
        persist: true,
        authType: "",
        senderr: false,
        headers: [],
      },
      [...to],
    );
  const every = (id: string, seconds: number, delay: number, to: readonly string[]): Node =>
    node(
      "inject",
      {
        id,
        props: [],
        repeat: String(seconds),
        crontab: "",
        once: true,
        onceDelay: delay,
        topic: "",
      },
      [...to],
    );
  const keepGraphToken = `global.set("graphToken", msg.payload.access_token); return null;`;
  return [
    { id: z, type: "tab", label: "presence", disabled: false, info: "" },
    node("http in", { id: "hook", url: "/webhooks/dataverse", method: "post", upload: false }, [
      "answered",
      "to-teams",
    ]),
    node("http response", { id: "answered", statusCode: "200", headers: {} }),
    fn("to-teams", TO_TEAMS(guard, cloud), ["write-teams"]),
    call("write-teams", [], "txt"),
    every("poll-now", cloud.pollSeconds, 1.5, ["poll"]),
    fn("poll", POLL(cloud), ["read-teams"]),
    call("read-teams", ["each"]),
    fn("each", EACH, ["filter"]),
    node(
      "rbe",
      {
        id: "filter",
        func: "rbei",
        gap: "",
        start: "",
        inout: "out",
        septopics: true,
        property: "payload",
        topi: "topic",
      },
      ["to-dynamics"],
    ),
    fn("to-dynamics", TO_DYNAMICS(guard, cloud), ["write-dynamics"]),
    call("write-dynamics", [], "txt"),
    every("token-now", 3_000, 0.1, ["ask-graph", "ask-dataverse"]),
    fn("ask-graph", ASK_FOR_TOKEN("https://graph.microsoft.com/.default", cloud), ["get-graph"]),
    call("get-graph", ["keep-graph"]),
    fn("keep-graph", keepGraphToken, []),
    fn("ask-dataverse", ASK_FOR_TOKEN(`${cloud.dataverseUrl}/.default`, cloud), ["get-dataverse"]),
    call("get-dataverse", ["ask-people"]),
    fn("ask-people", ASK_FOR_PEOPLE(cloud), ["get-people"]),
    call("get-people", ["keep-people"]),
    fn("keep-people", KEEP_PEOPLE(cloud), ["get-presences"]),
    call("get-presences", ["keep-presences"]),
    fn("keep-presences", KEEP_PRESENCES, []),
    node("http in", { id: "asks", url: "/ready", method: "get", upload: false }, ["ready"]),
    fn("ready", READY, ["tell"]),
    node("http response", { id: "tell", statusCode: "", headers: {} }),
  ];
}
