// Types and a client of the API, made by tools/api.c from api/operations.json: do not edit.

export interface Problem { type: string; title: string; status: number; detail?: string; code: string; where?: string; hint?: string; request?: string; version?: number; }

export interface Intent { entity?: string; type?: string; data?: Record<string, unknown>; expect?: number; require?: string; }

export interface Transaction { events: Array<Intent>; seen?: number; }

export interface Event { id: string; entity: string; type: string; actor: string; data: Record<string, unknown>; position: number; version: number; time: string; }

export interface Receipt { events: Array<{ id: string; entity: string; position: number; version: number; time: string; }>; again?: boolean; }

export interface Outcome { replica: string; batch: number; record: number; from: number; to: number; transactions: number; again?: boolean; refused: Array<{ transaction: number; code?: string; detail?: string; hint?: string; }>; }

export interface Events { events: Array<Event>; from: number; to: number; next?: number; }

export interface State { entity: string; version: number; position: number; state: Record<string, unknown>; hash?: string; }

export interface Rows { rows: Array<{ id: string; version: number; state: Record<string, unknown>; }>; next?: string; }

export interface Account { name: string; id: string; log: string; position: number; record: number; epoch: number; }

export interface Module { module: string; version: number; source: Record<string, unknown>; }

export interface Modules { modules: Array<{ module: string; version: number; }>; }

export interface Findings { findings: Array<{ code: string; pointer: string; message: string; hint?: string; }>; }

export interface Definition { workers?: Array<string>; entity?: string; type?: string; where?: string; from?: number; lease?: number; attempts?: number; }

export interface Defined { owner: string; workers: Array<string>; entity?: string; type?: string; where?: string; from: number; lease: number; attempts: number; }

export interface Consumer { consumer: string; version: number; definition: Defined; cursor: { log: string; epoch: number; position: number; }; seen: number; in_flight: number; waiting: number; parked: number; lag: number; set_back?: { from: number; to: number; }; }

export interface Consumers { consumers: Array<{ consumer: string; version: number; definition: Defined; }>; next?: string; }

export interface Take { limit?: number; wait_ms?: number; }

export interface Delivered { id: string; entity: string; type: string; actor: string; data: Record<string, unknown>; position: number; version: number; time: string; delivery: { position: number; attempt: number; }; }

export interface Taken { events: Array<Delivered>; lease_until?: string; from: number; to: number; }

export interface Positions { positions: Array<number>; }

export interface Release { positions: Array<number>; park?: boolean; reason?: string; }

export interface Settled { done: Array<number>; unknown: Array<number>; cursor: number; }

export interface Parked { parked: Array<{ position: number; attempt: number; time: string; reason: string; }>; count: number; next?: number; }

export interface Founding { root_key?: string; owner_key?: string; draft?: string; signature?: string; }

export interface Draft { draft: string; to_sign: string; genesis: string; account: string; log: string; truth_key: string; expires: string; }

export interface Quota { limits: { events?: number; bytes?: number; requests?: number; }; use: { events: number; bytes: number; }; }

export interface Actor { actor: string; version: number; kind: string; roles: Array<string>; groups: Array<string>; disabled: boolean; keys: Record<string, unknown>; }

export interface Actors { actors: Array<Actor>; next?: string; }

export interface NewActor { actor: string; kind?: string; roles?: Array<string>; key: string; }

export interface Roles { roles: Array<string>; }

export interface Groups { groups: Array<string>; }

export interface Disabled { disabled: boolean; }

export interface Key { key: string; }

export interface ActorName { actor: string; }

export interface Password { password: string; }

export interface Challenge { challenge: string; expires: string; }

export interface Login { answer?: string; actor?: string; password?: string; }

export interface Refresh { refresh: string; }

export interface Tokens { token: string; expires: string; refresh: string; ends: string; session: string; actor: string; }

export interface Session { session: string; actor: string; by: string; begun: string; refreshed: string; ends: string; this: boolean; }

export interface Sessions { sessions: Array<Session>; }

export interface SessionName { session: string; }

export interface Moment { version: number; position: number; }

export interface Diff { entity: string; from: Moment; to: Moment; changes: Array<{ path: string; kind: string; before?: unknown; after?: unknown; edits?: Array<Array<unknown>>; removed?: Array<unknown>; added?: Array<unknown>; }>; events: number; }

export interface NewChore { kind: string; }

export interface Chore { chore: string; kind: string; state: string; done: number; total: number; asked: string; started?: string; ended?: string; found: number; findings: Array<{ where: string; what: string; }>; sound?: boolean; report?: Record<string, unknown>; file?: string; refusal?: { code: string; detail?: string; where?: string; hint?: string; }; }

export interface Chores { chores: Array<Chore>; }

export interface Jwks { keys: Array<Record<string, unknown>>; }

export interface Health { status: string; }

export interface Build { version: string; compiler: string; }

/** A refusal, as the server says it. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail ?? problem.title}`);
  }
}

type Given = { signal?: AbortSignal; body?: unknown } & Record<string, unknown>;

export class Client {
  /** `base` such as http://127.0.0.1:4200; `token` gives the bearer token of each request. */
  constructor(readonly base: string, readonly token?: () => string | Promise<string>) {}

  private async call<T>(method: string, path: string, query: string[], headers: string[], to: Given): Promise<T> {
    const url = new URL(path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(to[name]))), this.base);
    for (const name of query) if (to[name] !== undefined) url.searchParams.set(name, String(to[name]));
    const sent = new Headers({ accept: "application/json" });
    for (const name of headers) if (to[name] !== undefined) sent.set(name, String(to[name]));
    if (this.token) sent.set("authorization", `Bearer ${await this.token()}`);
    const init: RequestInit = { method, headers: sent, signal: to.signal ?? null };
    if (to.body instanceof Blob) {
      sent.set("content-type", "application/cbor");
      init.body = to.body;
    } else if (to.body !== undefined) {
      sent.set("content-type", "application/json");
      init.body = JSON.stringify(to.body);
    }
    const answer = await fetch(url, init);
    const lines = (answer.headers.get("content-type") ?? "").startsWith("application/x-ndjson");
    const value: unknown =
      answer.status === 304 ? undefined : lines ? await answer.text() : await answer.json();
    if (answer.status >= 400) throw new Refusal(value as Problem);
    return value as T;
  }

  /** whether the server lives */
  health(to: { signal?: AbortSignal }): Promise<Health> {
    return this.call("GET", "/health", [], [], to);
  }

  /** whether it takes requests */
  ready(to: { signal?: AbortSignal }): Promise<Health> {
    return this.call("GET", "/ready", [], [], to);
  }

  /** which program this is */
  build(to: { signal?: AbortSignal }): Promise<Build> {
    return this.call("GET", "/build", [], [], to);
  }

  /** this list as OpenAPI 3.1 */
  openapi(to: { signal?: AbortSignal }): Promise<Record<string, unknown>> {
    return this.call("GET", "/openapi.json", [], [], to);
  }

  /** where the account's log stands */
  account_show(to: { signal?: AbortSignal; "account": string }): Promise<Account> {
    return this.call("GET", "/v1/{account}", [], [], to);
  }

  /** founds an account in two steps, so that its root key stays with its owner. First {root_key, owner_key} (hex of Ed25519 public keys) is answered with a draft: `to_sign` is the COSE Sig_structure of the genesis batch's header, `genesis` the leaves that it is over (docs/format.md), both base64. Then {draft, signature}, where the root key signed to_sign (base64), makes the account. `reaktor found` does the client's part. Only where the server runs with --create anyone */
  account_create(to: { signal?: AbortSignal; "account": string; body: Founding }): Promise<Draft | Account> {
    return this.call("PUT", "/v1/{account}", [], [], to);
  }

  /** erases the account whole, for its owner alone: closed for all when answered, gone from the disk soon after. The name is free then; no token of it is good for another account */
  account_erase(to: { signal?: AbortSignal; "account": string }): Promise<Account> {
    return this.call("DELETE", "/v1/{account}", [], [], to);
  }

  /** the account's whole log as lines (docs/format.md, export_file) that `reaktor import` takes. Needs the role admin, and that no rule for reading hides any event from who asks; the log keeps the event `export` as its trail. A stream that is cut ends without its last chunk */
  account_export(to: { signal?: AbortSignal; "account": string }): Promise<string> {
    return this.call("GET", "/v1/{account}/export", [], [], to);
  }

  /** the account's bounds (one that is absent is none) and what counts towards them. Whoever runs the server sets them (`reaktor quota`) */
  account_quota(to: { signal?: AbortSignal; "account": string }): Promise<Quota> {
    return this.call("GET", "/v1/{account}/quota", [], [], to);
  }

  /** long work on the whole log while others go on: `verify` (every hash, signature and row), `replay` (every state folded again) or `backup` (a file on the server's disk, never given out, that `reaktor restore` takes). Needs the role admin; the log keeps the event `check`, or `export` for a backup, as its trail. Chores are done one after the other. docs/durability.md tells more */
  chore_start(to: { signal?: AbortSignal; "account": string; body: NewChore }): Promise<Chore> {
    return this.call("POST", "/v1/{account}/chores", [], [], to);
  }

  /** the asker's own chores that the server remembers, in the order they were asked for */
  chore_list(to: { signal?: AbortSignal; "account": string }): Promise<Chores> {
    return this.call("GET", "/v1/{account}/chores", [], [], to);
  }

  /** how far a chore of the asker's own has come, and what it found */
  chore_show(to: { signal?: AbortSignal; "account": string; "chore": string }): Promise<Chore> {
    return this.call("GET", "/v1/{account}/chores/{chore}", [], [], to);
  }

  /** ends a chore of the asker's own that waits, or tells one that runs to end; one that is over stays as it is */
  chore_end(to: { signal?: AbortSignal; "account": string; "chore": string }): Promise<Chore> {
    return this.call("DELETE", "/v1/{account}/chores/{chore}", [], [], to);
  }

  /** one transaction: all of its events or none, durable when answered */
  event_append(to: { signal?: AbortSignal; "account": string; "Idempotency-Key"?: string; "If-Match"?: string; body: Transaction }): Promise<Receipt> {
    return this.call("POST", "/v1/{account}/events", [], ["Idempotency-Key", "If-Match", ], to);
  }

  /** one batch that the sender's device has sealed (COSE): each transaction is judged for itself, once, however often the batch comes */
  batch_offer(to: { signal?: AbortSignal; "account": string; body: Blob }): Promise<Outcome> {
    return this.call("POST", "/v1/{account}/batches", [], [], to);
  }

  /** events in order. A page looks at RK_SERVER_WALK_MAX (5000) events at most: it may hold fewer than `limit`, or none, and still have a `next`. `Accept: application/x-ndjson` gives one a line; `text/event-stream` goes on live: frames `events` say `from` and `to`, a frame `slow` (`lag`, `taken_ms`) tells a reader that it is behind, a frame `end` (`code`, `detail`) why the server ends the stream */
  event_list(to: { signal?: AbortSignal; "account": string; "after"?: number; "limit"?: number; "entity"?: string; "type"?: string; "actor"?: string; "where"?: string; "since"?: string; "until"?: string; "Last-Event-ID"?: string }): Promise<Events> {
    return this.call("GET", "/v1/{account}/events", ["after", "limit", "entity", "type", "actor", "where", "since", "until", ], ["Last-Event-ID", ], to);
  }

  /** an entity's state, now or as it was */
  state_get(to: { signal?: AbortSignal; "account": string; "module": string; "id": string; "at"?: string; "If-None-Match"?: string }): Promise<State | undefined> {
    return this.call("GET", "/v1/{account}/state/{module}/{id}", ["at", ], ["If-None-Match", ], to);
  }

  /** entities of a module that a CEL expression holds for */
  query(to: { signal?: AbortSignal; "account": string; "module": string; "where"?: string; "order"?: string; "limit"?: number; "cursor"?: string; "select"?: string }): Promise<Rows> {
    return this.call("GET", "/v1/{account}/query/{module}", ["where", "order", "limit", "cursor", "select", ], [], to);
  }

  /** what is different in an entity between two moments, as changes that make one state of the other. A text that merges has `edits`, [at, delete, text] in code points, each after the one before, unless they are too many (500 code points); a set has the members `removed` and `added`; everything else `before` and `after`. A field with more than 1000 changes is one */
  diff(to: { signal?: AbortSignal; "account": string; "module": string; "id": string; "from"?: string; "to"?: string }): Promise<Diff> {
    return this.call("GET", "/v1/{account}/diff/{module}/{id}", ["from", "to", ], [], to);
  }

  /** an entity's events in order */
  history(to: { signal?: AbortSignal; "account": string; "module": string; "id": string; "after"?: number; "limit"?: number }): Promise<Events> {
    return this.call("GET", "/v1/{account}/history/{module}/{id}", ["after", "limit", ], [], to);
  }

  /** the published modules */
  module_list(to: { signal?: AbortSignal; "account": string }): Promise<Modules> {
    return this.call("GET", "/v1/{account}/modules", [], [], to);
  }

  /** a module's source */
  module_show(to: { signal?: AbortSignal; "account": string; "module": string; "version"?: number }): Promise<Module> {
    return this.call("GET", "/v1/{account}/modules/{module}", ["version", ], [], to);
  }

  /** publishes a module or its next version; needs the role admin */
  module_publish(to: { signal?: AbortSignal; "account": string; body: Record<string, unknown> }): Promise<Receipt> {
    return this.call("POST", "/v1/{account}/modules", [], [], to);
  }

  /** what is wrong with a module, without publishing it */
  module_check(to: { signal?: AbortSignal; "account": string; body: Record<string, unknown> }): Promise<Findings> {
    return this.call("POST", "/v1/{account}/modules/check", [], [], to);
  }

  /** the named consumers that the asker may use */
  consumer_list(to: { signal?: AbortSignal; "account": string; "limit"?: number; "cursor"?: string }): Promise<Consumers> {
    return this.call("GET", "/v1/{account}/consumers", ["limit", "cursor", ], [], to);
  }

  /** defines a consumer, whose owner is who did so first, or changes it. `workers`, its owner and admins may take from it; `lease` is in milliseconds (30000), `attempts` counts deliveries before an event is parked (5), `from` is the position that it begins behind (0) */
  consumer_define(to: { signal?: AbortSignal; "account": string; "consumer": string; body: Definition }): Promise<Receipt> {
    return this.call("PUT", "/v1/{account}/consumers/{consumer}", [], [], to);
  }

  /** a consumer and how far it has come: all events up to the cursor are acknowledged, parked or not its own. `set_back` says that the log had lost events, as after a restore, and from where to where the consumer went back */
  consumer_show(to: { signal?: AbortSignal; "account": string; "consumer": string }): Promise<Consumer> {
    return this.call("GET", "/v1/{account}/consumers/{consumer}", [], [], to);
  }

  /** removes a consumer and forgets how far it had come */
  consumer_remove(to: { signal?: AbortSignal; "account": string; "consumer": string }): Promise<Receipt> {
    return this.call("DELETE", "/v1/{account}/consumers/{consumer}", [], [], to);
  }

  /** gives the worker at most `limit` (10) events that the owner and the worker may read, for the time of the lease; waits `wait_ms` (0) for the first one, a second longer at most. An event comes at least once: it is given again when it is not acknowledged in time, parked after the last attempt; one that no worker who takes may read is parked after lease * attempts. It may give none though there is more: `to` says how far the log was looked at */
  consumer_take(to: { signal?: AbortSignal; "account": string; "consumer": string; body: Take }): Promise<Taken> {
    return this.call("POST", "/v1/{account}/consumers/{consumer}/take", [], [], to);
  }

  /** these events are dealt with. `unknown` lists those that were given to another worker since, or to nobody */
  consumer_acknowledge(to: { signal?: AbortSignal; "account": string; "consumer": string; body: Positions }): Promise<Settled> {
    return this.call("POST", "/v1/{account}/consumers/{consumer}/ack", [], [], to);
  }

  /** gives events back, to be given out again at once, or (`park`) to be parked for the `reason` */
  consumer_release(to: { signal?: AbortSignal; "account": string; "consumer": string; body: Release }): Promise<Settled> {
    return this.call("POST", "/v1/{account}/consumers/{consumer}/release", [], [], to);
  }

  /** the parked events of a consumer, by position */
  parked_list(to: { signal?: AbortSignal; "account": string; "consumer": string; "after"?: number; "limit"?: number }): Promise<Parked> {
    return this.call("GET", "/v1/{account}/consumers/{consumer}/parked", ["after", "limit", ], [], to);
  }

  /** gives parked events out again, as if for the first time; the cursor goes back before them */
  parked_retry(to: { signal?: AbortSignal; "account": string; "consumer": string; body: Positions }): Promise<Settled> {
    return this.call("POST", "/v1/{account}/consumers/{consumer}/parked/retry", [], [], to);
  }

  /** forgets parked events */
  parked_drop(to: { signal?: AbortSignal; "account": string; "consumer": string; body: Positions }): Promise<Settled> {
    return this.call("POST", "/v1/{account}/consumers/{consumer}/parked/drop", [], [], to);
  }

  /** who acts in the account, by id */
  actor_list(to: { signal?: AbortSignal; "account": string; "limit"?: number; "cursor"?: string }): Promise<Actors> {
    return this.call("GET", "/v1/{account}/actors", ["limit", "cursor", ], [], to);
  }

  /** an actor's kind, roles, groups and keys; a key is active, revoked, an invitation, or one that was used */
  actor_show(to: { signal?: AbortSignal; "account": string; "actor": string }): Promise<Actor> {
    return this.call("GET", "/v1/{account}/actors/{actor}", [], [], to);
  }

  /** a new actor with its first key; `kind` is user, bot, system or device (absent: user). Needs the role admin */
  actor_add(to: { signal?: AbortSignal; "account": string; body: NewActor }): Promise<Receipt> {
    return this.call("POST", "/v1/{account}/actors", [], [], to);
  }

  /** sets all of an actor's roles. Needs the role admin; the owner's are set by itself only */
  actor_roles(to: { signal?: AbortSignal; "account": string; "actor": string; body: Roles }): Promise<Receipt> {
    return this.call("PUT", "/v1/{account}/actors/{actor}/roles", [], [], to);
  }

  /** sets all of an actor's groups. Needs the role admin */
  actor_groups(to: { signal?: AbortSignal; "account": string; "actor": string; body: Groups }): Promise<Receipt> {
    return this.call("PUT", "/v1/{account}/actors/{actor}/groups", [], [], to);
  }

  /** takes an actor's power away, or gives it back. Needs the role admin; not for the owner, nor for oneself */
  actor_disabled(to: { signal?: AbortSignal; "account": string; "actor": string; body: Disabled }): Promise<Receipt> {
    return this.call("PUT", "/v1/{account}/actors/{actor}/disabled", [], [], to);
  }

  /** one more key of an actor. For the actor itself, and for admins: but nobody else adds one to the owner */
  key_add(to: { signal?: AbortSignal; "account": string; "actor": string; body: Key }): Promise<Receipt> {
    return this.call("POST", "/v1/{account}/actors/{actor}/keys", [], [], to);
  }

  /** a key of an actor is no longer taken; sessions that began with it end when their token does. For the actor itself, and for admins */
  key_revoke(to: { signal?: AbortSignal; "account": string; "actor": string; "key": string }): Promise<Receipt> {
    return this.call("DELETE", "/v1/{account}/actors/{actor}/keys/{key}", [], [], to);
  }

  /** a password to log in with, 8 to 1024 bytes; sessions that began with the one before end, but for the one that asks. For the actor itself, and for admins: but nobody else sets the owner's */
  password_set(to: { signal?: AbortSignal; "account": string; "actor": string; body: Password }): Promise<ActorName> {
    return this.call("PUT", "/v1/{account}/actors/{actor}/password", [], [], to);
  }

  /** no password logs in as this actor any more; sessions that began with one end, but for the one that asks */
  password_drop(to: { signal?: AbortSignal; "account": string; "actor": string }): Promise<ActorName> {
    return this.call("DELETE", "/v1/{account}/actors/{actor}/password", [], [], to);
  }

  /** bytes (base64) that an actor's key signs to log in, within two minutes and once; given for any name, known or not */
  session_challenge(to: { signal?: AbortSignal; "account": string; body: ActorName }): Promise<Challenge> {
    return this.call("POST", "/v1/{account}/sessions/challenge", [], [], to);
  }

  /** logs in, with the answer to a challenge (base64 of a COSE_Sign1) or with actor and password. The token is good for ten minutes, the refresh token for thirty days and once */
  session_open(to: { signal?: AbortSignal; "account": string; body: Login }): Promise<Tokens> {
    return this.call("POST", "/v1/{account}/sessions", [], [], to);
  }

  /** the next token and the next refresh token. A refresh token that comes a second time ends its session: somebody has a copy */
  session_refresh(to: { signal?: AbortSignal; "account": string; body: Refresh }): Promise<Tokens> {
    return this.call("POST", "/v1/{account}/sessions/refresh", [], [], to);
  }

  /** one's own sessions, or with `actor` those of another: that needs the role admin */
  session_list(to: { signal?: AbortSignal; "account": string; "actor"?: string }): Promise<Sessions> {
    return this.call("GET", "/v1/{account}/sessions", ["actor", ], [], to);
  }

  /** ends a session: its tokens are refused from now on. One's own, or with the role admin any */
  session_end(to: { signal?: AbortSignal; "account": string; "session": string }): Promise<SessionName> {
    return this.call("DELETE", "/v1/{account}/sessions/{session}", [], [], to);
  }

  /** the keys that this server's tokens are verified with (RFC 7517) */
  jwks(to: { signal?: AbortSignal }): Promise<Jwks> {
    return this.call("GET", "/.well-known/jwks.json", [], [], to);
  }
}
