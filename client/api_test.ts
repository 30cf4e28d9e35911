// The client against a server: node api_test.js URL TOKEN. The account `default` is the token's, with the modules
// profile and coin published and nothing else in it; test/client_test.sh sees to that.
//
// Each line is `ok - text` or `not ok - text`; the exit code is 1 when any was not.

import { Client, Refusal } from "./api.js";

declare const process: { argv: string[]; exitCode: number };

const [, , base = "", token = ""] = process.argv;
const account = "default";
const client = new Client(base, () => token);
const stranger = new Client(base, async () => "not.a.token");
const guest = new Client(base);

function check(text: string, good: boolean, seen?: unknown): void {
  console.log(`${good ? "ok" : "not ok"} - ${text}${good || seen === undefined ? "" : `: ${JSON.stringify(seen)}`}`);
  if (!good) process.exitCode = 1;
}

/** What a call was refused with; undefined when it was not. Any other failure is not ours to catch. */
async function refusal(call: Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

async function about_the_server(): Promise<void> {
  check("health, without a token", (await guest.health({})).status === "ok");
  check("ready", (await guest.ready({})).status === "ready");
  check("the build has a version", /^\d+\.\d+\.\d+/.test((await guest.build({})).version));
  const openapi = await guest.openapi({});
  check("the description is OpenAPI", String(openapi["openapi"]).startsWith("3.1"), openapi["openapi"]);
  const shown = await client.account_show({ account });
  check("the account has a name and an id", shown.name === account && /^[0-9a-f]{64}$/.test(shown.id), shown);
  check("a bad token is refused", (await refusal(stranger.account_show({ account })))?.problem.status === 401);
}

async function appending(): Promise<void> {
  const events = [
    { entity: "profile/ann", type: "rename", data: { name: "Ann & Co / ünï" } },
    { entity: "profile/ann", type: "tag", data: { tag: "new" } },
  ];
  const receipt = await client.event_append({ account, "Idempotency-Key": "one", body: { events } });
  check("an append has a receipt", receipt.events.length === 2 && receipt.events[1]?.version === 2, receipt);
  const again = await client.event_append({ account, "Idempotency-Key": "one", body: { events } });
  check("sent again it is not done again", again.again === true && again.events[0]?.id === receipt.events[0]?.id, again);

  const stale = { events: [{ entity: "profile/ann", type: "view", expect: 1 }] };
  const conflict = await refusal(client.event_append({ account, body: stale }));
  check("a stale version is a conflict", conflict?.problem.code === "version_conflict", conflict?.problem);
  check("a refusal is an Error with a text", conflict instanceof Error && conflict.message.includes("version_conflict"));
  const overspent = await refusal(
    client.event_append({ account, body: { events: [{ entity: "coin/x", type: "create", data: { supply: -1 } }] } }),
  );
  check("data that the schema does not take is refused", overspent?.problem.code === "bad_data", overspent?.problem);
  const header = { account, "If-Match": '"2"', body: { events: [{ entity: "profile/ann", type: "view" }] } };
  check("If-Match is sent", (await client.event_append(header)).events[0]?.version === 3);
  check("and counts", (await refusal(client.event_append(header)))?.problem.status === 412);
}

async function reading(): Promise<void> {
  const ann = { account, module: "profile", id: "ann" };
  const state = await client.state_get(ann);
  check("a state", state?.state["name"] === "Ann & Co / ünï" && state.version === 3, state);
  const past = await client.state_get({ ...ann, at: "1" });
  check("a past state", past?.version === 1 && String(past.state["tags"]) === "", past);
  const answer = await fetch(new URL(`/v1/${account}/state/profile/ann`, base), {
    headers: { authorization: `Bearer ${token}` },
  });
  await answer.arrayBuffer();
  const known = await client.state_get({ ...ann, "If-None-Match": answer.headers.get("etag") ?? "" });
  check("what is known already is not sent again", known === undefined, known);
  check("what is not there is refused", (await refusal(client.state_get({ ...ann, id: "bob" })))?.problem.code === "not_found");

  const rows = await client.query({ account, module: "profile", where: 'state.name.contains("& Co / ü")', select: "name" });
  check("a query with a filter", rows.rows.length === 1 && rows.rows[0]?.id === "ann", rows);
  check("gives the fields that it asks for", Object.keys(rows.rows[0]?.state ?? {}).join() === "name", rows);
  const wrong = await refusal(client.query({ account, module: "profile", where: "state.nothing == 1" }));
  check("a wrong filter is refused with its place", wrong?.problem.where !== undefined, wrong?.problem);

  const page = await client.event_list({ account, entity: "profile/ann", limit: 2 });
  check("a page of events", page.events.length === 2 && page.next !== undefined, page);
  const history = await client.history({ account, module: "profile", id: "ann", after: page.to });
  check("and the rest of them", history.events.length === 1 && history.events[0]?.type === "view", history);
  const lines = await client.account_export({ account });
  check("an export is its lines", lines.split("\n").filter((line) => line.startsWith("{")).length > 3);
}

async function modules(): Promise<void> {
  const names = (await client.module_list({ account })).modules.map((module) => module.module);
  check("the modules", names.includes("profile") && names.includes("coin"), names);
  const shown = await client.module_show({ account, module: "coin" });
  check("a module's source", shown.version === 1 && shown.source["module"] === "coin", shown.version);
  const found = await client.module_check({ account, body: { module: "x" } });
  check("findings about a module", found.findings.length > 0, found);
}

async function consuming(): Promise<void> {
  const mailer = { account, consumer: "mailer" };
  await client.consumer_define({ ...mailer, body: { entity: "profile/ann", lease: 30000 } });
  const first = await client.consumer_take({ ...mailer, body: { limit: 2 } });
  check("a consumer gives events", first.events.length === 2 && first.events[0]?.delivery.attempt === 1, first);
  const positions = first.events.map((event) => event.position);
  const settled = await client.consumer_acknowledge({ ...mailer, body: { positions } });
  check("they are acknowledged", settled.done.join() === positions.join() && settled.unknown.length === 0, settled);
  const waiting = client.consumer_take({ ...mailer, body: { limit: 10, wait_ms: 5000 } });
  check("the next take has the next", (await waiting).events.map((event) => event.type).join() === "view");
  const shown = await client.consumer_show(mailer);
  check("the consumer says how far it has come", shown.cursor.position >= (positions[1] ?? Infinity), shown);
}

async function aborting(): Promise<void> {
  const abort = new AbortController();
  const idle = { account, consumer: "idle" };
  await client.consumer_define({ ...idle, body: { type: "never" } });
  const started = Date.now();
  setTimeout(() => abort.abort(), 200);
  const ended = await client
    .consumer_take({ ...idle, body: { wait_ms: 20000 }, signal: abort.signal })
    .then(() => "answered", (error: unknown) => (error instanceof Error ? error.name : "thrown"));
  check("a call that waits is ended by its signal", ended === "AbortError" && Date.now() - started < 10000, ended);
}

await about_the_server();
await appending();
await reading();
await modules();
await consuming();
await aborting();
