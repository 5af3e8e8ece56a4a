import type { Environment } from "../config.ts";

/** What a command may touch of the process that runs it. */
export type Host = {
  readonly env: Environment;
  readonly nowMs: () => number;
  /** What was asked for: to standard output. */
  readonly print: (text: string) => void;
  /** Everything else: to standard error. */
  readonly say: (text: string) => void;
  /** Whether somebody watches standard error, so that progress may be drawn over itself. */
  readonly watched: boolean;
  readonly signal: AbortSignal;
};

/** What a shell sees. A command line that cannot be read is told from one that failed. */
export const EXIT = { fine: 0, warning: 1, failure: 2, usage: 64 } as const;

export type Option = {
  readonly type: "boolean" | "string";
  /** What stands for the value in the help; only of a string. */
  readonly value?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  readonly says: string;
};

export type Arguments = {
  flag(name: string): boolean;
  /** `null` when it was not given. */
  text(name: string): string | null;
  list(name: string): readonly string[];
  readonly positionals: readonly string[];
};

export type Command = {
  readonly name: string;
  /** After the name: `<file.csv>`. */
  readonly takes: string;
  /** How many of those there must be. */
  readonly positionals: { readonly min: number; readonly max: number };
  /** One line. */
  readonly summary: string;
  /** Paragraphs below it. */
  readonly help: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Resolves to the exit code. */
  readonly run: (given: Arguments, host: Host) => Promise<number>;
};

/** The command line cannot mean anything. Its message is for the person at the keyboard. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** Something that only the person can mend, with its code and what to do. */
export class CommandError extends Error {
  readonly code: string;
  readonly nextStep: string;

  constructor(code: string, nextStep: string) {
    super(`${code}: ${nextStep}`);
    this.name = "CommandError";
    this.code = code;
    this.nextStep = nextStep;
  }
}
