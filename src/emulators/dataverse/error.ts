/**
 * An answer that is a refusal: the HTTP status and the hexadecimal code that Dataverse puts into
 * `{"error":{"code","message"}}` (Microsoft: "Compose HTTP requests and handle errors"; the codes are
 * those of "Web service error codes").
 */
export class DataverseError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "DataverseError";
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Codes that more than one file of the emulator answers with. */
export const CODE = {
  invalidArgument: "0x80040203",
  notFound: "0x80040217",
  privilegeDenied: "0x80040220",
  malformedBody: "0x80048d19",
  badQuery: "0x80060888",
  unknownResource: "0x8006088a",
} as const;

export function badQuery(message: string): DataverseError {
  return new DataverseError(400, CODE.badQuery, message);
}

export function doesNotExist(logicalName: string, id: string): DataverseError {
  return new DataverseError(404, CODE.notFound, `${logicalName} With Id = ${id} Does Not Exist`);
}
