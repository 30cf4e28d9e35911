// Types and a client of the API, made by tools/api.c from api/operations.json: do not edit.

export interface Problem { type: string; title: string; status: number; detail?: string; code: string; where?: string; hint?: string; request?: string; }

export interface Intent { entity?: string; type?: string; data?: Record<string, unknown>; expect?: number; require?: string; }

export interface Transaction { events: Array<Intent>; }

export interface Event { id: string; entity: string; type: string; actor: string; data: Record<string, unknown>; position: number; version: number; time: string; }

export interface Receipt { events: Array<{ id: string; entity: string; position: number; version: number; time: string; }>; }

export interface Events { events: Array<Event>; from: number; to: number; next?: number; }

export interface State { entity: string; version: number; position: number; state: Record<string, unknown>; hash: string; }

export interface Rows { rows: Array<{ id: string; version: number; state: Record<string, unknown>; }>; next?: string; }

export interface Account { name: string; id: string; log: string; position: number; record: number; epoch: number; }

export interface Module { module: string; version: number; source: Record<string, unknown>; }

export interface Modules { modules: Array<{ module: string; version: number; }>; }

export interface Findings { findings: Array<{ code: string; pointer: string; message: string; hint?: string; }>; }

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
    if (to.body !== undefined) {
      sent.set("content-type", "application/json");
      init.body = JSON.stringify(to.body);
    }
    const answer = await fetch(url, init);
    const value: unknown = answer.status === 304 ? undefined : await answer.json();
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

  /** one transaction: all of its events or none, durable when answered */
  event_append(to: { signal?: AbortSignal; "account": string; "Idempotency-Key"?: string; "If-Match"?: string; body: Transaction }): Promise<Receipt> {
    return this.call("POST", "/v1/{account}/events", [], ["Idempotency-Key", "If-Match", ], to);
  }

  /** events in order. A page looks at RK_SERVER_WALK_MAX (5000) events at most: it may hold fewer than `limit`, or none, and still have a `next`. `Accept: application/x-ndjson` gives one a line; `text/event-stream` goes on live: frames `events` say `from` and `to`, a frame `slow` (`lag`, `taken_ms`) tells a reader that it is behind, a frame `end` (`code`, `detail`) why the server ends the stream */
  event_list(to: { signal?: AbortSignal; "account": string; "after"?: number; "limit"?: number; "entity"?: string; "type"?: string; "actor"?: string; "where"?: string; "since"?: string; "until"?: string; "Last-Event-ID"?: string }): Promise<Events> {
    return this.call("GET", "/v1/{account}/events", ["after", "limit", "entity", "type", "actor", "where", "since", "until", ], ["Last-Event-ID", ], to);
  }

  /** an entity's state, now or as it was */
  state_get(to: { signal?: AbortSignal; "account": string; "module": string; "id": string; "at"?: string; "If-None-Match"?: string }): Promise<State> {
    return this.call("GET", "/v1/{account}/state/{module}/{id}", ["at", ], ["If-None-Match", ], to);
  }

  /** entities of a module that a CEL expression holds for */
  query(to: { signal?: AbortSignal; "account": string; "module": string; "where"?: string; "order"?: string; "limit"?: number; "cursor"?: string; "select"?: string }): Promise<Rows> {
    return this.call("GET", "/v1/{account}/query/{module}", ["where", "order", "limit", "cursor", "select", ], [], to);
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
}
