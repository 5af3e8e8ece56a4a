import { around } from "./around.ts";
import { obey } from "./orders.ts";

let isEndless = false;
let overdue: (() => void)[] = [];

/** A call that takes too long is aborted with a `TimeoutError`: https://developer.mozilla.org/docs/Web/API/AbortSignal */
around(
  AbortController.prototype,
  "abort",
  (abort) =>
    function abortUnlessPatient(this: AbortController, reason: unknown) {
      const giveUp = (): void => abort.call(this, reason);
      const isTooLong = reason instanceof DOMException && reason.name === "TimeoutError";
      if (isEndless && isTooLong) overdue.push(giveUp);
      else giveUp();
    },
);

/** `endless`: no call is given up, however long it takes. `usual`: as before, and what is overdue is given up now. */
obey("patience", (how) => {
  isEndless = how === "endless";
  const ended = overdue;
  overdue = [];
  for (const giveUp of ended) giveUp();
});
