/** Reps as a button names them: `id:…`. */
type Targets = {
  /** Whom the sender may see, and of whom the button is. */
  readonly own: string;
  readonly other: string;
  readonly foreign: string;
};

/** What somebody may make of the `ref` of a button that she was given, and what she may send in its place. */
export function forgeries(ref: string, { own, other, foreign }: Targets): readonly unknown[] {
  const [body = "", mac = ""] = ref.split(".");
  const opened = JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as {
    c: object;
    k: string;
    t: number;
  };
  const made = (change: object): string =>
    `${Buffer.from(JSON.stringify({ ...opened, ...change })).toString("base64url")}.${mac}`;
  return [
    undefined,
    null,
    0,
    true,
    {},
    [],
    "",
    ".",
    "..",
    body,
    mac,
    `${body}.`,
    `.${mac}`,
    `${body}.${mac}.`,
    `${body}.${mac.slice(0, -1)}`,
    `${body}.${mac}A`,
    `${body}.${mac.toUpperCase()}`,
    `${body.slice(0, -2)}.${mac}`,
    `${body}A.${mac}`,
    `${mac}.${body}`,
    `${body}.${body}`,
    ` ${ref}`,
    `${ref} `,
    `${ref}\n`,
    [ref],
    { ref },
    ref.repeat(2),
    ref.repeat(100),
    made({ c: { name: "set.submit", rep: other } }),
    made({ c: { name: "set.submit", rep: foreign } }),
    made({ c: { name: "release", rep: own } }),
    made({ c: { name: "erase.confirmed" } }),
    made({ c: { name: "pause" } }),
    made({ c: { name: "status", rep: foreign } }),
    made({ c: { name: "__proto__" } }),
    made({ k: "chat-foreign" }),
    made({ k: "anywhere" }),
    made({ t: opened.t + 86_400_000 }),
    made({ t: 0 }),
    made({ n: "another" }),
    made({ x: 1 }),
    made({ c: null }),
  ];
}
