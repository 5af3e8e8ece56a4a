import { crc32 } from "node:zlib";
import type { SQLOutputValue } from "node:sqlite";
import { damaged } from "./failure.ts";

type Row = Record<string, SQLOutputValue>;

/**
 * A checksum over a row's values, stored beside them. SQLite notices a damaged tree, but not a damaged value
 * inside an intact one; this notices every flipped bit and every burst up to 32 bits.
 */
export function seal(...values: readonly (string | number)[]): number {
  return crc32(`${values.join("\0")}\0`);
}

/** Throws `engine-damaged` if the row's `seal` does not fit its `values`. */
export function requireSeal(row: Row, ...values: readonly (string | number)[]): void {
  if (row["seal"] !== seal(...values)) throw damaged("a row does not match its checksum");
}

export function textIn(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw damaged(`${column} is not text`);
  return value;
}

export function numberIn(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw damaged(`${column} is not a number`);
  return value;
}
