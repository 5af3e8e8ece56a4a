import { z } from "zod";

type Arguments<Schema extends z.ZodType> =
  undefined extends z.input<Schema> ? [input?: z.input<Schema>] : [input: z.input<Schema>];

/** One command: callable with a typed object, and, since it checks its input itself, from HTTP as well. */
export function command<Schema extends z.ZodType, Output>(
  schema: Schema,
  run: (input: z.output<Schema>) => Output,
): (...input: Arguments<Schema>) => Output {
  return (...input) => run(schema.parse(input[0]));
}

/** An id, in the small letters in which the emulator keeps ids. */
export const guid = z.guid().transform((text) => text.toLowerCase());
export const nothing = z.strictObject({}).optional();
export const milliseconds = z.number().nonnegative();
