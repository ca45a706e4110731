//! One door to `/v1`: JSON in, JSON or a `Problem` out. The session is a cookie the page cannot read.

/** Something the server refused, or that broke on the way. `code` is stable; `status` 0 means unreachable. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** True when asking again with the same key may succeed and cannot do the thing twice. */
  get worthRetrying(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

let language = "en";

/** The language asked for in every request. */
export function speak(tag: string): void {
  language = tag;
}

/** A key for one act of the person; the caller keeps it for retries of that same act. */
export function mintKey(): string {
  return crypto.randomUUID === undefined ? keyFromBytes() : crypto.randomUUID();
}

function keyFromBytes(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface Act {
  body?: unknown;
  key?: string;
  accept?: string;
  signal?: AbortSignal;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask("GET", path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

export async function post<T>(path: string, act: Act = {}): Promise<T> {
  const response = await ask("POST", path, act);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** The raw response, for streams. Throws a `Problem` unless the answer is a success. */
export async function ask(method: string, path: string, act: Act): Promise<Response> {
  const headers: Record<string, string> = { Accept: act.accept ?? "application/json", "Accept-Language": language };
  if (method === "POST") headers["Idempotency-Key"] = act.key ?? mintKey();
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (act.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(act.body);
  }
  if (act.signal !== undefined) init.signal = act.signal;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Problem(0, "unreachable", "the server could not be reached");
  }
  if (!response.ok) throw await problemFrom(response);
  return response;
}

async function problemFrom(response: Response): Promise<Problem> {
  const fallback = `the server answered ${response.status}`;
  try {
    const body = (await response.json()) as { code?: unknown; detail?: unknown; title?: unknown };
    const code = typeof body.code === "string" ? body.code : "unexpected";
    const words = [body.detail, body.title].find((word) => typeof word === "string");
    return new Problem(response.status, code, typeof words === "string" ? words : fallback);
  } catch {
    return new Problem(response.status, "unexpected", fallback);
  }
}

/** `cause` as a `Problem`, whatever it was. */
export function asProblem(cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  return new Problem(0, "unexpected", cause instanceof Error ? cause.message : String(cause));
}
