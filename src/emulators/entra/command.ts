import type { z } from "zod";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";

/**
 * A switch of an emulator. The same function serves a test in this process and `POST /control/{name}`,
 * and both are parsed, because a misspelt fault that never fires makes a test pass for nothing.
 */
export type Command<Input, Output> = (
  ...input: {} extends Input ? [input?: Input] : [input: Input]
) => Output;

export function command<Schema extends z.ZodType, Output>(
  schema: Schema,
  run: (input: z.output<Schema>) => Output,
): Command<z.input<Schema>, Output> {
  return (...[input]) => run(schema.parse(input ?? {}));
}

const PREFIX = "/control/";

/**
 * Answers `POST /control/{name}`, or gives null when the request is not for the controls. No token is
 * asked for: emulators listen on the loopback interface only.
 */
export async function answerControl(
  control: object,
  request: EmulatorRequest,
): Promise<EmulatorResponse | null> {
  if (!request.url.pathname.startsWith(PREFIX)) return null;
  const name = request.url.pathname.slice(PREFIX.length);
  const run: unknown = Object.hasOwn(control, name) ? Reflect.get(control, name) : undefined;
  if (typeof run !== "function") {
    return refuse(
      404,
      `there is no control "${name}"; there are ${Object.keys(control).join(", ")}`,
    );
  }
  if (request.method !== "POST") return refuse(405, "controls are called with POST");
  try {
    const body = request.body.toString("utf8").trim();
    const result: unknown = await Reflect.apply(run, control, [
      body === "" ? {} : JSON.parse(body),
    ]);
    return { status: 200, json: result ?? {} };
  } catch (error) {
    return refuse(400, error instanceof Error ? error.message : String(error));
  }
}

function refuse(status: number, message: string): EmulatorResponse {
  return { status, json: { error: { code: "Control", message } } };
}
