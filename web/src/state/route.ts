//! What a path names among the pages.

export interface Route {
  page: "sign-in" | "chat" | "statements" | "messages" | "disputes" | "desk" | "audit" | "evals" | "unknown";
  id: string | null;
  /** Of the desk: a customer instead of a conversation. */
  customer?: string;
}

const UNKNOWN: Route = { page: "unknown", id: null };

/** `/`, `/chat`, `/statements`, `/messages`, `/disputes`, `/desk[/id]`, `/desk/customers/id`, `/audit[/id]` and `/evals[/id]`; anything else is unknown. */
export function parseRoute(path: string): Route {
  const [page, id, more, ...rest] = path.split("/").filter((part) => part !== "");
  if (page === undefined) return { page: "sign-in", id: null };
  if (page === "desk" && id === "customers") return customerOf(more, rest.length);
  if (more !== undefined) return UNKNOWN;
  if (page === "chat" || page === "statements" || page === "messages" || page === "disputes")
    return id === undefined ? { page, id: null } : UNKNOWN;
  if (page === "desk" || page === "audit" || page === "evals") return { page, id: decoded(id) };
  return UNKNOWN;
}

function customerOf(id: string | undefined, more: number): Route {
  const customer = decoded(id);
  return customer === null || more > 0 ? UNKNOWN : { page: "desk", id: null, customer };
}

function decoded(part: string | undefined): string | null {
  if (part === undefined) return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
