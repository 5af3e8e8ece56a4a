import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CUSTOM_PRESENCES, namedPeople } from "../emulators/people.ts";
import { eventually, type Stage } from "./stage.ts";
import type { Transcript } from "./transcript.ts";
import type { Actor, Shown, World } from "./world.ts";

const AVAILABLE = "f523f628-c07a-e811-8162-000d3aa11f50";
const BUSY = "efdeb843-c07a-e811-8162-000d3aa11f50";
const DEADLINE_MS = 120_000;
/** What the emulated Dynamics of the demo takes otherwise. */
const ROW_DELAY_MS = 30;
const WATCH_MS = 4_000;

/** The reps of the story. The first two are those of Microsoft's published webhook payloads. */
export function cast(): readonly Actor[] {
  return namedPeople().users.flatMap(
    ({ fullname, systemUserId, azureObjectId, isDisabled, applicationId }) => {
      if (azureObjectId === null || isDisabled || applicationId) return [];
      const [name = fullname] = fullname.split(" ");
      return [{ name, systemUserId, objectId: azureObjectId }];
    },
  );
}

function presenceNamed(name: string): string {
  const presence = CUSTOM_PRESENCES.find((candidate) => candidate.name === name);
  if (!presence) throw new Error(`the tenant has no presence ${name}`);
  return presence.id;
}

/** A published payload, byte for byte. */
function published(file: string): Promise<Buffer> {
  return readFile(join(import.meta.dirname, "..", "..", "test", "fixtures", file));
}

/** Tells the whole story, and says whether every end state came true. */
export class Story {
  readonly #stage: Stage;
  readonly #world: World;
  readonly #tell: Transcript;
  readonly #cast = cast();
  #failures = 0;

  constructor(stage: Stage, world: World, tell: Transcript) {
    this.#stage = stage;
    this.#world = world;
    this.#tell = tell;
  }

  async run(): Promise<boolean> {
    const [nadia, tomas, meiling, priya] = this.#cast;
    if (!nadia || !tomas || !meiling || !priya) throw new Error("the cast is too small");
    await this.#morning(nadia);
    await this.#teamsCall(nadia);
    await this.#lunchAndDeskPhone(nadia);
    await this.#twoAtOnce(meiling, priya);
    await this.#publishedPayloads(nadia, tomas);
    await this.#killed(priya);
    await this.#shiftEnd(nadia, meiling);
    await this.#quiet();
    return this.#failures === 0;
  }

  async #morning(nadia: Actor): Promise<void> {
    this.#tell.chapter("1  A rep signs in to Dynamics, and Teams follows");
    for (const actor of this.#cast)
      await this.#world.teams(actor, "setClient", { availability: "Available" });
    await this.#world.teams(nadia, "setManual", {
      availability: "BeRightBack",
      activity: "BeRightBack",
    });
    this.#tell.act("Everybody opens Teams; Nadia's still says Be right back, from yesterday");
    await this.#see(nadia, { teams: "BeRightBack", dynamics: "Offline" });
    this.#tell.act("Nadia signs in to Dynamics, the others too");
    for (const actor of this.#cast.filter(({ name }) => name !== "Tomás")) {
      await this.#world.dynamics(actor, "login");
    }
    await this.#see(nadia, { teams: "Available", dynamics: "Available" });
  }

  async #teamsCall(nadia: Actor): Promise<void> {
    this.#tell.chapter("2  A Teams call makes her Busy in Dynamics; our own echo is recognised");
    this.#tell.act("Nadia joins a Teams call");
    await this.#world.teams(nadia, "startCall");
    await this.#see(nadia, { teams: "InACall", dynamics: "Busy" });
    await this.#pause(1_500);
    this.#tell.act("The call ends: what was there before comes back");
    await this.#world.teams(nadia, "endCall");
    await this.#see(nadia, { teams: "Available", dynamics: "Available" });
  }

  async #lunchAndDeskPhone(nadia: Actor): Promise<void> {
    this.#tell.chapter("3  A custom presence, and a call on an old desk phone in the middle of it");
    this.#tell.act("Nadia picks Lunch in Dynamics, a custom presence based on Away");
    await this.#world.dynamics(nadia, "choose", { presenceId: presenceNamed("Lunch") });
    await this.#see(nadia, { teams: "Away", dynamics: "Lunch" });
    this.#tell.act("Her desk phone rings and she answers; the phone system posts a signed event");
    const call = { rep: nadia.systemUserId, hold: "call-4711" };
    await this.#send("desk-phone", { ...call, type: "hold.started", status: "InACall" });
    await this.#see(nadia, { teams: "InACall", dynamics: "Busy" });
    this.#tell.act("She hangs up: Lunch is Lunch again, not Available, not merely Away");
    await this.#send("desk-phone", { ...call, type: "hold.ended" });
    await this.#see(nadia, { teams: "Away", dynamics: "Lunch" });
  }

  async #twoAtOnce(meiling: Actor, priya: Actor): Promise<void> {
    this.#tell.chapter("4  Two changes at once: the less available wins, whichever was seen first");
    // What no system shows yet, nobody can weigh: here Dynamics' row follows a choice without its usual delay.
    await this.#world.rowsFollow(0);
    this.#tell.act("Mei-Ling picks Busy in Dynamics while Teams is set to Be right back");
    await Promise.all([
      this.#world.dynamics(meiling, "choose", { presenceId: BUSY }),
      this.#world.teams(meiling, "setManual", {
        availability: "BeRightBack",
        activity: "BeRightBack",
      }),
    ]);
    this.#tell.act("Priya does it the other way round: Do not disturb in Teams, Lunch in Dynamics");
    await Promise.all([
      this.#world.teams(priya, "setManual", {
        availability: "DoNotDisturb",
        activity: "DoNotDisturb",
      }),
      this.#world.dynamics(priya, "choose", { presenceId: presenceNamed("Lunch") }),
    ]);
    await this.#world.rowsFollow(ROW_DELAY_MS);
    await this.#see(meiling, { teams: "Busy", dynamics: "Busy" });
    await this.#see(priya, { teams: "DoNotDisturb", dynamics: "Busy - DND" });
  }

  async #publishedPayloads(nadia: Actor, tomas: Actor): Promise<void> {
    this.#tell.chapter("5  Microsoft's published webhook payloads, posted as they are");
    await this.#world.webhooks(false);
    await this.#world.dynamics(nadia, "choose", { presenceId: BUSY });
    this.#tell.act(
      "Nadia picks Busy; Dynamics' own webhooks are off, the published Update body is posted",
    );
    await this.#pause(300);
    await this.#post("msdyn_agentstatus.update.async.json");
    await this.#post("msdyn_agentstatus.update.newer-page.json");
    await this.#see(nadia, { teams: "Busy", dynamics: "Busy" });
    this.#tell.act("Tomás signs in for the very first time; the published Create body is posted");
    await this.#world.dynamics(tomas, "login");
    await this.#pause(300);
    await this.#post("msdyn_agentstatus.create.sync.json");
    await this.#world.dynamics(tomas, "choose", { presenceId: presenceNamed("Training") });
    await this.#world.webhooks(true);
    await this.#see(tomas, { teams: "DoNotDisturb", dynamics: "Training" });
  }

  async #killed(priya: Actor): Promise<void> {
    this.#tell.chapter("6  kill -9 right after an event was accepted: nothing is lost");
    await this.#world.teams(priya, "resetManual");
    await this.#world.dynamics(priya, "choose", { presenceId: AVAILABLE });
    await this.#see(priya, { teams: "Available", dynamics: "Available" });
    const call = { rep: priya.systemUserId, hold: "call-4712" };
    await this.#send("desk-phone", { ...call, type: "hold.started", status: "InACall" });
    this.#tell.act(
      "Priya's desk phone reported a call and got its 202; the service is killed at once",
    );
    await this.#stage.killService();
    this.#tell.act("The service is back, on the same store");
    await this.#see(priya, { teams: "InACall", dynamics: "Busy" });
    await this.#send("desk-phone", { ...call, type: "hold.ended" });
    await this.#see(priya, { teams: "Available", dynamics: "Available" });
  }

  async #shiftEnd(nadia: Actor, meiling: Actor): Promise<void> {
    this.#tell.chapter("7  The shift ends: Offline on every system");
    this.#tell.act("Workforce management posts the end of Nadia's and Mei-Ling's shift");
    for (const { systemUserId } of [nadia, meiling]) {
      await this.#send("shift-plan", { type: "shift.ended", rep: systemUserId });
    }
    await this.#see(nadia, { teams: "OffWork", dynamics: "Offline" });
    await this.#see(meiling, { teams: "OffWork", dynamics: "Offline" });
  }

  async #quiet(): Promise<void> {
    this.#tell.chapter("8  Nobody does anything");
    await this.#pause(WATCH_MS);
    const before = await this.#world.writes();
    await this.#pause(WATCH_MS);
    const after = await this.#world.writes();
    const { writes, echoes, causeless } = this.#tell.counts;
    this.#expect(`0 writes in ${WATCH_MS / 1000} s of silence`, after === before);
    this.#expect(`${writes} writes in all, each with its cause`, writes > 0 && causeless === 0);
    this.#expect(
      `${echoes} echoes of our own writes recognised, none taken for a choice`,
      echoes > 0,
    );
  }

  async #send(partner: "desk-phone" | "shift-plan", event: object): Promise<void> {
    const status = await this.#world.partner(partner, event);
    // 200: it was accepted before, and the answer was lost with the process that gave it.
    if (status !== 202 && status !== 200) this.#expect(`${partner} was answered ${status}`, false);
  }

  async #post(file: string): Promise<void> {
    const status = await this.#world.postWebhook(await published(file));
    this.#expect(`${file} is answered ${status}`, status === 200);
  }

  /** Waits until both systems show what is expected of them, telling what is recorded on the way. */
  async #see(actor: Actor, expected: Shown): Promise<void> {
    const isSo = async (): Promise<boolean> => {
      await this.#tell.follow();
      const { teams, dynamics } = await this.#world.shown(actor);
      return teams === expected.teams && dynamics === expected.dynamics;
    };
    try {
      await eventually(isSo, DEADLINE_MS);
      await this.#pause(400);
      this.#expect(`${actor.name}: Teams ${expected.teams}, Dynamics ${expected.dynamics}`, true);
    } catch {
      const { teams, dynamics } = await this.#world.shown(actor);
      const wanted = `Teams ${expected.teams}, Dynamics ${expected.dynamics}`;
      this.#expect(`${actor.name}: ${wanted} — but Teams ${teams}, Dynamics ${dynamics}`, false);
    }
  }

  async #pause(durationMs: number): Promise<void> {
    const endsAtMs = Date.now() + durationMs;
    while (Date.now() < endsAtMs) {
      await this.#tell.follow();
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  #expect(says: string, isTrue: boolean): void {
    if (!isTrue) this.#failures += 1;
    this.#tell.check(says, isTrue);
  }
}
