//! The sandbox's people, as the server lists them. Every test takes a customer of its own, so that
//! tests may run side by side on one server.

import type { APIRequestContext } from "@playwright/test";

export type StaffRole = "representative" | "compliance" | "engineer";

export interface Person {
  id: string;
  name: string;
}

export interface Customer extends Person {
  archetype: string | null;
  credit_line_id: string | null;
}

interface People {
  customers: Customer[];
  staff: (Person & { role: StaffRole })[];
}

export async function readPeople(request: APIRequestContext): Promise<People> {
  return (await (await request.get("/v1/sandbox/people")).json()) as People;
}

/** The `nth` customer of an archetype; each test names another number. */
export async function customerOf(request: APIRequestContext, archetype: string, nth: number): Promise<Customer> {
  const { customers } = await readPeople(request);
  const found = customers.filter((customer) => customer.archetype === archetype)[nth];
  if (found === undefined) throw new Error(`the sandbox has no ${archetype} customer number ${nth}`);
  return found;
}

export async function staffOf(request: APIRequestContext, role: StaffRole): Promise<Person> {
  const found = (await readPeople(request)).staff.find((person) => person.role === role);
  if (found === undefined) throw new Error(`the sandbox has no ${role}`);
  return found;
}
