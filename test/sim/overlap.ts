import type { Chance } from "./chance.ts";
import type { Shown } from "./finale.ts";
import type { SimulatedPerson } from "./people.ts";

/** The shortest time to live that a partner may give. */
const SHORTEST_SECONDS = 60;

/** Longer than it takes to show anywhere. */
const A_WHILE_SECONDS = 240;

const BUSY: Shown = { teams: "Busy", dynamics: "Busy" };
const IN_A_CALL: Shown = { teams: "InACall", dynamics: "Busy" };
const OFFLINE: Shown = { teams: "OffWork", dynamics: "Offline" };
const AVAILABLE: Shown = { teams: "Available", dynamics: "Available" };
const GONE_IN_A_CALL: Shown = { teams: "InACall", dynamics: "Offline" };
const GONE: Shown = { teams: "DoNotDisturb", dynamics: "Offline" };
const DO_NOT_DISTURB: Shown = { teams: "DoNotDisturb", dynamics: "DoNotDisturb" };
/** A call over a command: the less available of the two, as each system shows it (R26). */
const COMMANDED_IN_A_CALL: Shown = { teams: "InACall", dynamics: "DoNotDisturb" };

/** Has everybody do the same, and judges after so much time more than a change takes, and for so many writes. */
type After = (
  mostWrites: number,
  act: (person: SimulatedPerson) => Shown,
  waitMs?: number,
) => Promise<void>;

/**
 * Several truths at once, one by one, each with what must show: a command that ends by itself, a weaker call and a stronger one from two phone systems,
 * a supervisor's command against both, its end, a shift end that waits for the last call, and a call whose end is lost,
 * or that a command ends. Everybody is Available before and after.
 */
export async function overlap(
  people: readonly SimulatedPerson[],
  chance: Chance,
  after: After,
): Promise<void> {
  await after(2, (person) => {
    person.commands({ type: "status.set", status: "Busy", ttlSeconds: A_WHILE_SECONDS });
    return BUSY;
  });
  await after(2, () => AVAILABLE, A_WHILE_SECONDS * 1_000);
  const weak = new Map<SimulatedPerson, string>();
  const strong = new Map<SimulatedPerson, string>();
  await after(2, (person) => {
    weak.set(person, person.callBegins({ source: "switchboard", status: "Busy" }));
    return BUSY;
  });
  await after(2, (person) => {
    strong.set(person, person.callBegins({ source: "phone", status: "InACall" }));
    return IN_A_CALL;
  });
  await after(2, (person) => {
    person.commands({ type: "status.set", status: "DoNotDisturb" });
    return COMMANDED_IN_A_CALL;
  });
  await after(2, (person) => {
    person.callEnds(strong.get(person) ?? "");
    return DO_NOT_DISTURB;
  });
  await after(2, (person) => {
    person.commands({ type: "status.released" });
    return BUSY;
  });
  await after(0, (person) => {
    person.shiftEnds();
    return BUSY;
  });
  if (chance.happens(0.5)) {
    await after(2, (person) => {
      person.commands({ type: "status.set", status: "Available", endsHolds: true });
      return AVAILABLE;
    });
    for (const person of people) person.callEnds(weak.get(person) ?? "");
    return;
  }
  const lost = (person: SimulatedPerson): Shown => {
    person.renews(weak.get(person) ?? "", SHORTEST_SECONDS);
    return OFFLINE;
  };
  await after(2, lost, SHORTEST_SECONDS * 1_000);
  // Signed in and Offline, she comes back by her own choice; her shift begins as well.
  await after(2, (person) => {
    person.shiftBegins();
    person.chooseInDynamics("Available");
    return AVAILABLE;
  });
}

/**
 * Her connection to Dynamics is lost for less than its grace (R310): what she chose stands, and what is told meanwhile
 * is written when she is back; so it is where nobody could read that she was gone. Everybody is Available before and after.
 */
export async function lostConnection(after: After): Promise<void> {
  await after(1, (person) => {
    person.chooseInDynamics("DoNotDisturb");
    return DO_NOT_DISTURB;
  });
  await after(0, (person) => {
    person.losesConnection();
    return GONE;
  });
  await after(0, (person) => {
    person.isBack();
    return DO_NOT_DISTURB;
  });
  await after(1, (person) => {
    person.chooseInDynamics("Available");
    return AVAILABLE;
  });
  const calls = new Map<SimulatedPerson, string>();
  await after(0, (person) => {
    person.losesConnection();
    return { teams: "Available", dynamics: "Offline" };
  });
  await after(1, (person) => {
    calls.set(person, person.callBegins({ source: "phone", status: "InACall" }));
    return GONE_IN_A_CALL;
  });
  await after(1, (person) => {
    person.isBack();
    return IN_A_CALL;
  });
  const ends = (person: SimulatedPerson): Shown => {
    person.callEnds(calls.get(person) ?? "");
    return AVAILABLE;
  };
  await after(2, ends);
  // The write of her call is refused, and nothing that can be read says why (R51).
  await after(3, (person) => {
    person.blinks();
    calls.set(person, person.callBegins({ source: "phone", status: "InACall" }));
    return IN_A_CALL;
  });
  await after(2, ends);
}
