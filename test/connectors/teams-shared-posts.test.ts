import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SystemError } from "../../src/connectors/connector.ts";
import type { Credential } from "../../src/connectors/credential.ts";
import { createGraph, type Graph } from "../../src/connectors/teams/graph.ts";
import { SharedPosts } from "../../src/connectors/teams/shared-posts.ts";
import { teamsOver } from "../../src/connectors/teams/teams.ts";
import { type EmulatorResponse, listen, type Listener } from "../../src/emulators/listener.ts";
import { repId, systemUserId, TEAMS, teamsUserId } from "../../src/presence/identity.ts";
import { DEFAULT_TEAMS_MAPPING } from "../../src/presence/mapping.ts";
import { aWrite, failureOf } from "./contract.ts";
import { LOOPBACK_TLS } from "./loopback.ts";

type Item = { readonly id: string; readonly url: string; readonly body: unknown };
type Request = {
  readonly path: string;
  readonly token: string;
  /** Of a batch. */
  readonly items: readonly Item[];
};
/** What one item of a batch is answered; absent: it is not mentioned. */
type Answered = { readonly status: number; readonly headers?: object; readonly body?: unknown };

const NOW_MS = 1_800_000_000_000;
const pathOf = (user: string): string => `/users/${user}/presence/clearUserPreferredPresence`;
const ERROR = { error: { code: "SomeCode", message: "" } };

let server: Listener;
let requests: Request[] = [];
/** Answers that are not given until somebody says so. */
let held: PromiseWithResolvers<EmulatorResponse>[] = [];
let answerOf: (request: Request) => EmulatorResponse | Promise<EmulatorResponse>;
let nowMs: number;

const ok: EmulatorResponse = { status: 200, text: "" };
const batchAnswer = (items: readonly Item[], of: (item: Item) => Answered | null) => ({
  status: 200,
  json: {
    responses: items.toReversed().flatMap((item) => {
      const answered = of(item);
      return answered ? [{ id: item.id, ...answered }] : [];
    }),
  },
});
const hold = (): Promise<EmulatorResponse> => {
  const answer = Promise.withResolvers<EmulatorResponse>();
  held.push(answer);
  return answer.promise;
};
const batches = (): readonly Request[] => requests.filter(({ path }) => path === "/v1.0/$batch");
const usersIn = ({ path, items }: Request): readonly string[] =>
  (items.length > 0 ? items.map(({ url }) => url) : [path]).map(
    (url) => /users\/([^/]+)\//.exec(url)?.[1] ?? "",
  );

const credential: Credential = {
  token: () => Promise.resolve("first"),
  replacement: () => Promise.resolve("second"),
};

beforeAll(async () => {
  server = await listen(
    ({ url, headers, body }) => {
      const { requests: items = [] } = JSON.parse(body.toString("utf8")) as { requests?: Item[] };
      const token = headers.authorization?.replace("Bearer ", "") ?? "";
      const request = { path: url.pathname, token, items };
      requests.push(request);
      return answerOf(request);
    },
    { tls: LOOPBACK_TLS },
  );
});
afterAll(() => server.close());
beforeEach(() => {
  requests = [];
  held = [];
  nowMs = NOW_MS;
  answerOf = ({ items }) => (items.length > 0 ? batchAnswer(items, () => ({ status: 200 })) : ok);
});

const open = (): Graph => createGraph({ graphUrl: server.url, credential, nowMs: () => nowMs });
const post = (
  posts: Pick<Graph, "post">,
  user: string,
  options: { permit?: () => void; signal?: AbortSignal } = {},
): Promise<string> => {
  const { permit, signal = forGood } = options;
  const appRole = "Presence.ReadWrite.All";
  return posts.post({ path: pathOf(user), body: { user }, appRole, permit }, signal);
};
const forGood = new AbortController().signal;

const lostRight = new SystemError({
  system: TEAMS,
  code: "write-right-lost",
  retry: "unavailable",
  nextStep: "Nothing.",
  surelyNotApplied: true,
});

/** Posts that share calls always. */
const sharing = (): SharedPosts => new SharedPosts(open(), () => nowMs, 0);
const users = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `u${index}`);
const failures = (promises: readonly Promise<unknown>[]): Promise<readonly SystemError[]> =>
  Promise.all(promises.map((promise) => failureOf(promise)));

describe("when a post leaves", () => {
  test("[R370] alone and at once where little is under way, in a shared call where more is, whatever is not answered", async () => {
    const posts = new SharedPosts(open(), () => nowMs);
    answerOf = hold;
    const all = users(49).map((user) => post(posts, user));
    await expect.poll(() => requests.length).toBe(7);
    const alone = requests.filter(({ items }) => items.length === 0);
    expect(alone.flatMap(usersIn).toSorted()).toEqual(users(4));
    const sizes = batches().map(({ items }) => items.length);
    expect(sizes.toSorted((a, b) => b - a)).toEqual([20, 20, 5]);
    expect(new Set(requests.flatMap(usersIn))).toEqual(new Set(users(49)));
    for (const [place, { items }] of requests.entries()) {
      held[place]?.resolve(
        items.length > 0 ? batchAnswer(items, ({ body }) => ({ status: 200, body })) : ok,
      );
    }
    expect(await Promise.all(all)).toEqual(
      users(49).map((user, place) => (place < 4 ? "" : JSON.stringify({ user }))),
    );
    answerOf = () => ok;
    await post(posts, "later");
    expect(requests.at(-1)).toMatchObject({ path: `/v1.0${pathOf("later")}` });
  });

  test("[R370] whoever found no company leaves alone", async () => {
    await post(sharing(), "one");
    expect(requests.map(({ path }) => path)).toEqual([`/v1.0${pathOf("one")}`]);
  });

  test("posts whose callers may stop waiting apart share no call", async () => {
    const posts = sharing();
    answerOf = hold;
    const impatient = new AbortController();
    const kept = ["a", "b", "c", "d"].map((user) => post(posts, user));
    const ended = ["e", "f"].map((user) => post(posts, user, { signal: impatient.signal }));
    await expect.poll(() => batches().length).toBe(2);
    const place = batches().findIndex((one) => usersIn(one).includes("a"));
    expect(batches().map(usersIn)[place]).toEqual(["a", "b", "c", "d"]);
    expect(batches().map(usersIn)[1 - place]).toEqual(["e", "f"]);
    impatient.abort();
    for (const error of await failures(ended)) {
      expect(error).toMatchObject({ code: "graph-aborted", surelyNotApplied: false });
    }
    held[place]?.resolve(batchAnswer(batches()[place]?.items ?? [], () => ({ status: 200 })));
    expect(await Promise.all(kept)).toEqual(["", "", "", ""]);
  });
});

describe("posts that share a call", () => {
  const refusals: readonly (readonly [string, Answered])[] = [
    ["429 with a Retry-After", { status: 429, headers: { "Retry-After": "7" }, body: ERROR }],
    ["429 without", { status: 429, headers: {}, body: ERROR }],
    ["404", { status: 404, body: ERROR }],
    ["403", { status: 403, body: { error: { code: "Forbidden", message: "" } } }],
    ["400", { status: 400, body: ERROR }],
    ["500", { status: 500, body: ERROR }],
    ["503 with a Retry-After", { status: 503, headers: { "retry-after": "2.5" } }],
    ["503 without", { status: 503 }],
    ["504 with some proxy's page", { status: 504, body: "PGh0bWw+" }],
    ["302", { status: 302 }],
  ];

  test.each(refusals)(
    "[R371] are told of a %s as one alone is, and the others of nothing",
    async (_what, answered) => {
      const { status, headers, body } = answered;
      const alone: EmulatorResponse = {
        status,
        headers: { ...headers },
        ...(body === undefined ? {} : { json: body }),
      };
      answerOf = () => alone;
      const expected = await failureOf(post(open(), "unlucky"));
      answerOf = ({ items }) =>
        batchAnswer(items, ({ url }) => (url.includes("unlucky") ? answered : { status: 200 }));
      const posts = sharing();
      const [before, unlucky, after] = ["before", "unlucky", "after"].map((user) =>
        post(posts, user),
      );
      const error = await failureOf(unlucky ?? Promise.resolve());
      expect(Object.entries(error)).toEqual(Object.entries(expected));
      expect(error.message).toBe(expected.message);
      expect(await Promise.all([before, after])).toEqual(["", ""]);
      expect(batches()).toHaveLength(1);
    },
  );

  test("[R371] are each asked whether they may leave, when they do", async () => {
    const forbid = (): void => {
      throw lostRight;
    };
    const posts = sharing();
    const all = [post(posts, "a"), post(posts, "b", { permit: forbid }), post(posts, "c")];
    expect(await failureOf(all[1] ?? Promise.resolve())).toBe(lostRight);
    expect(await Promise.all([all[0], all[2]])).toEqual(["", ""]);
    expect(batches().map(usersIn)).toEqual([["a", "c"]]);
    const none = ["d", "e"].map((user) => post(posts, user, { permit: forbid }));
    expect(await failures(none)).toEqual([lostRight, lostRight]);
    expect(requests).toHaveLength(1);
  });

  test("[R371] go again with another token if theirs is refused, as far as they still may", async () => {
    let mayLeave = true;
    answerOf = ({ token, items }) => {
      mayLeave = false;
      return token === "first"
        ? { status: 401, text: "" }
        : batchAnswer(items, () => ({ status: 200 }));
    };
    const permit = (): void => {
      if (!mayLeave) throw lostRight;
    };
    const posts = sharing();
    const all = [post(posts, "a"), post(posts, "b", { permit }), post(posts, "c")];
    expect(await failureOf(all[1] ?? Promise.resolve())).toBe(lostRight);
    await Promise.all([all[0], all[2]]);
    expect(requests.map((one) => [one.token, ...usersIn(one)])).toEqual([
      ["first", "a", "b", "c"],
      ["second", "a", "c"],
    ]);
  });

  test("[R371] whose token is refused for one of them alone: that one goes again with another", async () => {
    answerOf = ({ token, items }) => {
      if (items.length === 0) return token === "first" ? { status: 401, text: "" } : ok;
      return batchAnswer(items, ({ url }) => ({ status: url.includes("/b/") ? 401 : 200 }));
    };
    const posts = sharing();
    await Promise.all(["a", "b", "c"].map((user) => post(posts, user)));
    expect(requests.map((one) => [one.token, ...usersIn(one)])).toEqual([
      ["first", "a", "b", "c"],
      ["first", "b"],
      ["second", "b"],
    ]);
  });
});

describe("a shared call that fails as a whole", () => {
  test.each<[string, EmulatorResponse, Partial<SystemError>]>([
    [
      "429",
      { status: 429, headers: { "retry-after": "4" }, text: "" },
      { code: "graph-throttled", retry: "throttled", retryAfterMs: 4_000, surelyNotApplied: true },
    ],
    [
      "503 with a Retry-After",
      { status: 503, headers: { "retry-after": "4" }, text: "" },
      { code: "graph-unavailable", retryAfterMs: 4_000, surelyNotApplied: true },
    ],
    ["504", { status: 504, text: "" }, { code: "graph-unavailable", surelyNotApplied: false }],
    [
      "401 twice",
      { status: 401, text: "" },
      { code: "graph-unauthorized", surelyNotApplied: true },
    ],
    ["403", { status: 403, text: "" }, { code: "graph-forbidden", surelyNotApplied: true }],
    [
      "no answer",
      { status: 200, hangUp: true },
      { code: "graph-unreachable", surelyNotApplied: false },
    ],
    [
      "some page",
      { status: 200, text: "<html>" },
      { code: "graph-answer-malformed", surelyNotApplied: false },
    ],
    [
      "another object",
      { status: 200, json: { value: [] } },
      { code: "graph-answer-malformed", surelyNotApplied: false },
    ],
  ])("[R372] with %s fails all who share it with one error", async (_what, answer, expected) => {
    answerOf = () => answer;
    const posts = sharing();
    const errors = await failures(users(3).map((user) => post(posts, user)));
    expect(errors[0]).toMatchObject(expected);
    expect(new Set(errors).size).toBe(1);
  });

  test("[R372] and was the second half of several writes is one error still", async () => {
    answerOf = ({ items }) =>
      items.some(({ url }) => url.endsWith("/clearPresence"))
        ? { status: 504, text: "" }
        : batchAnswer(items, () => ({ status: 200 }));
    const connector = teamsOver(
      { reading: open(), writing: sharing() },
      { clientId: "app", mapping: DEFAULT_TEAMS_MAPPING, nowMs: () => nowMs },
    );
    const write = aWrite(connector, "Away", { from: "session" });
    const reps = users(3).map((user) => ({
      rep: repId(user),
      teamsUserId: teamsUserId(user),
      systemUserId: systemUserId(user),
    }));
    const errors = await failures(reps.map((rep) => connector.write(rep, write, forGood)));
    expect(errors[0]).toMatchObject({ code: "graph-unavailable", surelyNotApplied: false });
    expect(new Set(errors).size).toBe(1);
    expect(batches()).toHaveLength(2);
  });

  test("[R372] nobody knows of whom its answer does not mention, or only in words that are none", async () => {
    const said: Readonly<Record<string, Answered | null>> = {
      a: { status: 200 },
      b: null,
      c: { status: 99 },
      d: { status: 200, headers: {} },
    };
    answerOf = ({ items }) => batchAnswer(items, ({ url }) => said[url[7] ?? ""] ?? null);
    const posts = sharing();
    const all = ["a", "b", "c", "d"].map((user) => post(posts, user));
    const errors = await failures(all.slice(1, 3));
    for (const error of errors) {
      expect(error).toMatchObject({ code: "graph-answer-malformed", surelyNotApplied: false });
    }
    expect(new Set(errors).size).toBe(1);
    expect(await Promise.all([all[0], all[3]])).toEqual(["", ""]);
  });

  test.each([400, 404, 405, 413, 307])(
    "[R374] because Graph takes none (%i) changed nothing, and for ten minutes each leaves alone",
    async (status) => {
      answerOf = ({ items }) => (items.length > 0 ? { status, text: "" } : ok);
      const posts = sharing();
      const errors = await failures(users(3).map((user) => post(posts, user)));
      expect(errors[0]).toMatchObject({
        code: "graph-batch-refused",
        retry: "unavailable",
        surelyNotApplied: true,
      });
      expect(new Set(errors).size).toBe(1);
      await Promise.all(users(3).map((user) => post(posts, user)));
      expect(batches()).toHaveLength(1);
      nowMs += 10 * 60_000;
      answerOf = ({ items }) => batchAnswer(items, () => ({ status: 200 }));
      await Promise.all(users(3).map((user) => post(posts, user)));
      expect(batches()).toHaveLength(2);
    },
  );
});

describe("silence that Graph asks for", () => {
  const silence = { status: 429, headers: { "Retry-After": "9" } };
  test.each<[string, number, (request: Request) => EmulatorResponse]>([
    ["a post", 1, () => ({ ...silence, text: "" })],
    ["a shared call", 2, () => ({ ...silence, text: "" })],
    [
      "one of a shared call",
      2,
      ({ items }) => batchAnswer(items, ({ id }) => (id === "1" ? silence : { status: 200 })),
    ],
  ])(
    "[R373] in answer to %s keeps back whoever waits for company",
    async (_what, count, answer) => {
      const graph = open();
      const late: Promise<SystemError>[] = [];
      const posts = new SharedPosts(
        {
          post: (request, signal) =>
            graph.post(request, signal).finally(() => {
              // They come when the answer is there, and nobody has looked at it yet.
              answerOf = () => ok;
              if (late.length > 0) return;
              late.push(...["x", "y"].map((user) => failureOf(post(posts, user))));
            }),
        },
        () => nowMs,
        1,
      );
      answerOf = hold;
      const begins = post(posts, "begins");
      await expect.poll(() => requests.length).toBe(1);
      const rest = users(count).map((user) => post(posts, user));
      const ended = Promise.allSettled(rest);
      await expect.poll(() => requests.length).toBe(2);
      held[1]?.resolve(answer(requests[1] ?? { path: "", token: "", items: [] }));
      const error = await failureOf(rest.at(-1) ?? Promise.resolve());
      expect(error).toMatchObject({ code: "graph-throttled", retryAfterMs: 9_000 });
      expect(await Promise.all(late)).toEqual([error, error]);
      expect(requests).toHaveLength(2);
      held[0]?.resolve(ok);
      await Promise.all([begins, ended]);
    },
  );

  test("[R373] in an answer that leaves its own posts in doubt leaves none in doubt that has not left", async () => {
    const graph = open();
    const late: Promise<SystemError>[] = [];
    const posts = new SharedPosts(
      {
        post: (request, signal) =>
          graph.post(request, signal).finally(() => {
            if (late.length === 0) late.push(failureOf(post(posts, "late")));
          }),
      },
      () => nowMs,
      0,
    );
    answerOf = () => ({ status: 502, headers: { "Retry-After": "9" }, text: "" });
    const sent = await Promise.all(users(2).map((user) => failureOf(post(posts, user))));
    expect(sent.map(({ surelyNotApplied }) => surelyNotApplied)).toEqual([false, false]);
    expect(await Promise.all(late)).toMatchObject([
      { code: "graph-unavailable", retryAfterMs: 9_000, surelyNotApplied: true },
    ]);
    expect(requests.flatMap(usersIn)).toEqual(users(2));
  });
});
