//! Who is signed in, and what kind of server this is.

import { asProblem, get, post, Problem } from "../api/client";
import type { Actor, Role, Status } from "../api/shapes";
import { router } from "./router.svelte";

const HOMES: Record<Role, string> = {
  customer: "/chat",
  representative: "/desk",
  compliance: "/audit",
  engineer: "/evals",
};

class Session {
  status = $state<Status | null>(null);
  actor = $state<Actor | null>(null);
  /** Of a customer; an applicant has no line, and none is asked for. */
  creditLine = $state<string | null>(null);
  /** True until the first answers are in. */
  opening = $state(true);
  problem = $state<Problem | null>(null);

  async open(): Promise<void> {
    this.opening = true;
    this.problem = null;
    try {
      const [status, who] = await Promise.all([get<Status>("/v1/status"), whoAmI()]);
      this.status = status;
      this.take(who);
    } catch (cause) {
      this.problem = asProblem(cause);
    } finally {
      this.opening = false;
    }
  }

  async refreshStatus(): Promise<void> {
    this.status = await get<Status>("/v1/status");
  }

  async signIn(role: Role, id: string): Promise<void> {
    await post("/v1/sandbox/sign-in", { body: { role, id } });
    this.take(await whoAmI());
    router.go(this.home());
  }

  private take(who: Who): void {
    this.creditLine = who.credit_line_id;
    this.actor = who.actor;
  }

  async signOut(): Promise<void> {
    await post("/v1/session/sign-out");
    this.lost();
  }

  /** The server no longer knows this session: back to the door, whatever was typed kept. */
  lost(): void {
    this.actor = null;
    router.go("/");
  }

  /** The page a role begins on. */
  home(): string {
    return this.actor === null ? "/" : HOMES[this.actor.role];
  }

  /** The business date, which in a sandbox is moved by hand. */
  get today(): string {
    return this.status?.today ?? "";
  }

  /** The lender's zone, in which instants are shown. */
  get zone(): string {
    return this.status?.zone ?? "UTC";
  }
}

interface Who {
  actor: Actor | null;
  credit_line_id: string | null;
}

function whoAmI(): Promise<Who> {
  return get<Who>("/v1/session");
}

export const session = new Session();

/** `problem`, after sending the person to the door when the session is gone. */
export function noticeLostSession(problem: Problem): Problem {
  if (problem.status === 401) session.lost();
  return problem;
}
