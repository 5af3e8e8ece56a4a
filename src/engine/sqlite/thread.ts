/**
 * The program of the thread that writes (writing-thread.ts). It opens the store and says what became of that, then
 * carries out a batch for each message, until it is told that there are no more.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openDatabase, type SqliteOptions } from "./database.ts";
import { faultOf } from "./failure.ts";
import { type Call, type Outcome, Transactions } from "./transactions.ts";

function serve(port: MessagePort): void {
  const db = openDatabase(workerData as SqliteOptions);
  const transactions = new Transactions(db);
  port.on("message", (batch: readonly Call[] | null) => {
    if (batch) return port.postMessage(transactions.run(batch));
    db.close();
    port.close();
  });
}

if (parentPort) {
  const opened: Outcome[] = [{ answer: undefined }];
  try {
    serve(parentPort);
    parentPort.postMessage(opened);
  } catch (error) {
    parentPort.postMessage([{ fault: faultOf(error) }] satisfies Outcome[]);
  }
}
