import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Config } from "../../config.ts";
import { createDataverse } from "../../connectors/dynamics/dataverse.ts";
import { createRegistrar } from "../../connectors/dynamics/registration.ts";
import { endpointsAt, planRegistration } from "../../connectors/dynamics/registration-plan.ts";
import { resourceOf } from "../../connectors/teams/graph.ts";
import { createTeamsConnector } from "../../connectors/teams/teams.ts";
import { appRolesIn } from "../../connectors/token-claims.ts";
import type { Mappings } from "../../presence/mapping.ts";
import { DYNAMICS, type SystemName, TEAMS } from "../../presence/identity.ts";
import { credentialOf, readerOf } from "../../sign-in.ts";
import { CommandError, type Host } from "../command.ts";
import { openTenant, readDecisions, readSubscribers } from "../tenant.ts";
import { probeWebhook } from "../webhook/probe.ts";
import { hasUsualPort, isOnLoopback, WEBHOOK_PATH } from "../webhook/register-webhook.ts";
import { checkBot } from "./bot.ts";
import {
  checkAdministrator,
  checkApplicationUser,
  checkBusyRouting,
  checkDelegate,
  checkDirectory,
  checkPresences,
  checkReach,
  checkSupervisor,
  checkTracking,
} from "./dynamics.ts";
import { createDynamicsProbes } from "./dynamics-probes.ts";
import { type Finding, probe, type Probe, type Tried } from "./finding.ts";
import { checkDynamicsPoll, checkTeamsPoll } from "./load.ts";
import { probeBot, readSkew } from "./network-probes.ts";
import {
  checkCertificate,
  checkClock,
  checkSettings,
  checkStore,
  checkToken,
} from "./signing-in.ts";
import { checkGraphPermissions, checkReader, checkSubscribers, checkTeamsRead } from "./teams.ts";
import { checkKey, checkReachable, checkRegistered } from "./webhook.ts";

/** So many reps tell whether reading Teams works; one call takes them all. */
const SAMPLE = 650;
const BOT_SCOPE = "https://api.botframework.com/.default";

/**
 * Examines a tenant, finding by finding, in the order in which things must be mended. Changes nothing anywhere. What
 * cannot be tried because something before it failed is a finding as well: `skipped`.
 */
export async function* examine(
  config: Config,
  mappings: Mappings,
  host: Host,
): AsyncGenerator<Finding> {
  const { nowMs, signal } = host;
  const run = <Value>(work: () => Promise<Value>): Promise<Probe<Value>> => probe(nowMs, work);
  const when = async <Value>(
    condition: boolean,
    work: () => Promise<Value>,
  ): Promise<Tried<Value>> => (condition ? run(work) : null);
  const { graphUrl, dataverseUrl, authorityHost, tenantId } = config;
  const credential = credentialOf(config, nowMs);
  const means = config.credential.kind;
  const token = (scope: string, system: SystemName): Promise<string> =>
    credential.token({ scope, system, signal });
  const reader = config.reader && readerOf(config, config.reader, nowMs);
  const dataverse = createDataverse({ dataverseUrl, credential, nowMs });
  const tenant = openTenant(config, host);

  try {
    yield checkSettings([]);
    yield checkClock(await run(() => readSkew({ host: authorityHost, tenantId }, nowMs, signal)));
    yield checkCertificate(await certificateOf(config, run), nowMs());

    const graphScope = `${resourceOf(graphUrl)}/.default`;
    const graphToken = await run(() => token(graphScope, TEAMS));
    yield checkToken("Microsoft Graph", means, graphToken);
    yield checkGraphPermissions(rolesIn(graphToken), {
      reads: reader === null,
      looksGroupsUp:
        config.bot !== null && (config.botScopes.length > 0 || config.botAdmins !== null),
    });
    const readerToken =
      reader && (await run(() => reader.token({ scope: graphScope, system: TEAMS, signal })));
    yield checkReader(reader !== null, readerToken?.ok ? rolesIn(readerToken) : readerToken);

    const { origin } = new URL(dataverseUrl);
    const dataverseToken = await run(() => token(`${origin}/.default`, DYNAMICS));
    yield checkToken("Dataverse", means, dataverseToken);
    const ask = createDynamicsProbes(dataverse, signal);
    const me = await when(dataverseToken.ok, () => ask.whoAmI());
    yield checkApplicationUser(me);
    const isUser = me?.ok === true;
    yield checkSupervisor(await when(isUser, () => ask.setNobody()));
    const reach = await when(isUser, () => ask.reach(me?.ok ? me.value : ""));
    yield checkReach(reach);
    const decisions = await run(() => readDecisions(config, host));
    yield checkStore(decisions);
    const roster = await when(isUser && decisions.ok, () =>
      tenant.censusWith(() => readDecisions(config, host), { tolerant: true }).take(signal),
    );
    yield checkDirectory(roster, decisions.ok);
    const identities = roster?.ok ? roster.value.matches.map(({ identity }) => identity) : [];
    yield checkPresences(
      await when(isUser, async () => {
        await ask.presences();
        return tenant.dynamics.presences(signal);
      }),
    );
    yield checkTracking(await when(isUser, () => ask.tracksChanges()));

    const workstreams = await when(isUser, () => ask.workstreams());
    const first = workstreams?.ok ? workstreams.value[0] : undefined;
    yield checkAdministrator(
      await when(first !== undefined, () => ask.availability(first?.id ?? "")),
    );
    yield checkBusyRouting(
      workstreams?.ok ? { ...workstreams, value: routesBusy(workstreams.value) } : workstreams,
      mappings,
    );
    const [someone] = identities;
    yield checkDelegate(
      await when(someone !== undefined, () => ask.repDetail(someone?.systemUserId ?? "")),
    );

    const { clientId } = config.credential;
    const teams = createTeamsConnector({
      graphUrl,
      clientId,
      credential,
      ...(reader ? { readerCredential: reader } : {}),
      mapping: mappings.teams,
      nowMs,
    });
    const sample = identities.slice(0, SAMPLE);
    const canReadTeams = (readerToken ?? graphToken).ok && sample.length > 0;
    const teamsRead = await when(canReadTeams, async () => {
      const { size } = await teams.read(sample, signal);
      return { asked: sample.length, answered: size };
    });
    yield checkTeamsRead(teamsRead);
    const subscribers = await when(decisions.ok, () => readSubscribers(config, host));
    yield checkSubscribers(subscribers?.ok ? subscribers.value : null, identities.length);

    yield* examineWebhook(config, when, dataverse, isUser, host);
    yield checkBot({
      isSet: config.bot !== null,
      token: await when(config.bot !== null, () => token(BOT_SCOPE, TEAMS)),
      endpoint:
        config.bot === null || config.publicUrl === null
          ? null
          : await probeBot(`${config.publicUrl}/api/messages`, signal),
    });

    const count = identities.length;
    yield checkTeamsPoll(
      teamsRead?.ok ? { reps: count, everyMs: config.teamsPollMs, tookMs: teamsRead.tookMs } : null,
    );
    yield checkDynamicsPoll(
      reach?.ok
        ? { reps: reach.value.rows, everyMs: config.dynamicsPollMs, tookMs: reach.tookMs }
        : null,
    );
  } finally {
    await Promise.all([dataverse.close(), tenant.close()]);
  }
}

function rolesIn(token: Probe<string>): Tried<readonly string[] | null> {
  return token.ok ? { ...token, value: appRolesIn(token.value) } : null;
}

type When = <Value>(condition: boolean, work: () => Promise<Value>) => Promise<Tried<Value>>;

async function* examineWebhook(
  config: Config,
  when: When,
  dataverse: ReturnType<typeof createDataverse>,
  isUser: boolean,
  { signal }: Host,
): AsyncGenerator<Finding> {
  const { publicUrl, dataverseUrl, dataverseWebhookKeys: keys } = config;
  const [key = null] = keys;
  const url = publicUrl === null ? null : `${publicUrl}${WEBHOOK_PATH}`;
  const isSet = url !== null && key !== null;
  const registered = await when(isUser && isSet, async () => {
    const endpoints = await createRegistrar(dataverse).read(signal);
    const [endpoint = null] = endpointsAt(url ?? "", endpoints);
    const isSync = endpoint?.steps.some(({ mode }) => mode === "sync") ?? false;
    const changes = keys.map((each) =>
      planRegistration(endpoints, {
        url: url ?? "",
        key: each,
        mode: isSync ? "sync" : "async",
      }),
    );
    // While two keys live, either of them is right.
    return { endpoint, changes: changes.find((plan) => plan.length === 0) ?? changes[0] ?? [] };
  });
  yield checkRegistered(registered, isSet);
  yield checkReachable(url === null ? null : await probeWebhook(url, null, signal), {
    usualPort: url === null || hasUsualPort(url) || isOnLoopback(dataverseUrl),
  });
  yield checkKey(
    isSet ? await probeWebhook(url, key, signal) : null,
    registered?.ok ? (registered.value.endpoint?.name ?? null) : null,
    keys,
  );
}

function routesBusy(
  workstreams: readonly { readonly name: string; readonly allowsBusy: boolean }[],
): { readonly all: number; readonly allowBusy: readonly string[] } {
  const allowBusy = workstreams.filter(({ allowsBusy }) => allowsBusy).map(({ name }) => name);
  return { all: workstreams.length, allowBusy };
}

async function certificateOf(
  { credential }: Config,
  run: <Value>(work: () => Promise<Value>) => Promise<Probe<Value>>,
): Promise<Tried<{ readonly expiresAtMs: number }>> {
  if (credential.kind !== "certificate") return null;
  return run(async () => {
    try {
      const { validTo } = new X509Certificate(await readFile(credential.path));
      return { expiresAtMs: Date.parse(validTo) };
    } catch {
      throw new CommandError(
        "entra-certificate-unreadable",
        "Make CLIENT_CERTIFICATE_PATH name a readable PEM file that holds the certificate and its key.",
      );
    }
  });
}
