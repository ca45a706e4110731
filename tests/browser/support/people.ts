//! The sandbox's people. Every test takes a customer of its own, so that tests may run side by side
//! on one server.

import type { APIRequestContext } from "@playwright/test";

import type { Pool } from "./pools";

export type { Pool } from "./pools";
export type StaffRole = "representative" | "compliance" | "engineer";

export interface Person {
  id: string;
  name: string;
}

/** The `nth` customer that fits; each test names another number. */
export function customerOf(pool: Pool, nth: number): Person {
  const pools = JSON.parse(process.env["BROWSER_POOLS"] ?? "{}") as Partial<Record<Pool, Person[]>>;
  const found = pools[pool]?.[nth];
  if (found === undefined) throw new Error(`the sandbox has ${pools[pool]?.length ?? 0} customers ${pool}, number ${nth} was asked for`);
  return found;
}

export async function staffOf(request: APIRequestContext, role: StaffRole, nth = 0): Promise<Person> {
  const { staff } = (await (await request.get("/v1/sandbox/people")).json()) as { staff: (Person & { role: StaffRole })[] };
  const found = staff.filter((person) => person.role === role)[nth];
  if (found === undefined) throw new Error(`the sandbox has no ${role} number ${nth}`);
  return found;
}
