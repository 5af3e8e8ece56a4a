import { expect, test } from "vitest";
import { openCompany } from "./company.ts";
import { sceneIn, staysAsItIs } from "./scene.ts";

test("[P13] F33 the shift ends while she talks: she is Busy until she hangs up, and then off work in both", async () => {
  await using company = await openCompany({ reps: 3 });
  const rep = sceneIn(company);
  rep.calls();
  await rep.shows("InACall", "Busy");
  await rep.reported({ type: "shift.ended" });
  await staysAsItIs(company, rep);

  rep.hangsUp();
  await rep.shows("Offline", "Offline");
  await staysAsItIs(company, rep);

  // The next shift takes the last one's end back, and invents nothing: in Dynamics she says herself that she is there.
  await rep.reported({ type: "shift.started" });
  await rep.shows("Available", "Offline");
  rep.inDynamics("Available");
  await rep.shows("Available", "Available");
  expect(rep.sight()).toMatchObject({ teams: "Available", dynamics: "Available" });
});
