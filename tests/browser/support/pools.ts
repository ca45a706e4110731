//! Who of the sandbox fits which tests, found by asking the server: names and numbers of the
//! portfolio may change, what a test needs of a customer does not.

export type Pool = "owing" | "declined";

interface Customer {
  id: string;
  name: string;
  credit_line_id: string | null;
}

interface Position {
  total_owed_cents: number;
  minimum_due_cents: number;
  due_on: string | null;
  flags: unknown[];
  past_due_cents: number;
}

const OWED_CENTS_MIN = 20_000;

export async function findPools(base: string): Promise<Record<Pool, Customer[]>> {
  const { customers } = (await (await fetch(`${base}/v1/sandbox/people`)).json()) as { customers: Customer[] };
  const pools: Record<Pool, Customer[]> = { owing: [], declined: [] };
  for (const customer of customers) {
    const read = await readerFor(base, customer.id);
    if (customer.credit_line_id === null) {
      const decision = await read<{ outcome: string }>("/v1/decision");
      if (decision?.outcome === "declined") pools.declined.push(customer);
    } else if (await owes(read)) {
      pools.owing.push(customer);
    }
  }
  return pools;
}

type Reader = <T>(path: string) => Promise<T | null>;

/** Has a balance, a statement with something due, a checking account, and nothing that stops a payment. */
async function owes(read: Reader): Promise<boolean> {
  const position = await read<Position>("/v1/position");
  if (position === null || position.flags.length > 0 || position.past_due_cents > 0 || position.due_on === null) return false;
  if (position.total_owed_cents < OWED_CENTS_MIN || position.minimum_due_cents === 0) return false;
  const accounts = await read<{ items: { kind: string }[] }>("/v1/bank-accounts");
  const payments = await read<{ items: { status: string }[] }>("/v1/payments");
  const clean = payments !== null && payments.items.every((payment) => payment.status === "settled");
  return clean && (accounts?.items.filter((account) => account.kind === "checking").length ?? 0) === 1;
}

async function readerFor(base: string, id: string): Promise<Reader> {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ role: "customer", id });
  const answer = await fetch(`${base}/v1/sandbox/sign-in`, { method: "POST", headers, body });
  const { token } = (await answer.json()) as { token: string };
  return async <T>(path: string) => {
    const response = await fetch(base + path, { headers: { Authorization: `Bearer ${token}` } });
    return response.ok ? ((await response.json()) as T) : null;
  };
}
