//! Money that goes back: what a customer says is wrong, a credit balance, and what takes two people on the desk.

import type { Page } from "@playwright/test";

import { dollars, sheet } from "./support/chat";
import { DESK, expect, PHONE, test } from "./support/test";

interface Transaction {
  id: string;
  amount_cents: number;
  subject: { kind: string } | null;
}

/** What one member of staff gives back alone, in cents. */
const ALONE_CENTS = 10_000;

function waiting(desk: Page, name: string) {
  return desk.locator("[data-second-look]").filter({ hasText: name });
}

test("a large dispute goes from the customer's words to two members of staff and back", async ({ asCustomer, asStaff }) => {
  const { page, request, customer } = await asCustomer("owing", 36, PHONE);
  const { items } = (await (await request.get("/v1/transactions?limit=100")).json()) as { items: Transaction[] };
  const drawn = items.find((one) => one.subject?.kind === "draw" && one.amount_cents > ALONE_CENTS)!;
  const amount = dollars(drawn.amount_cents);
  await page.goto("/disputes");
  await page.getByRole("button", { name: "Dispute a charge" }).click();
  await sheet(page).getByRole("combobox").selectOption(drawn.id);
  await expect(sheet(page).getByRole("textbox", { name: /How much/ })).toHaveValue((drawn.amount_cents / 100).toFixed(2));
  const send = sheet(page).getByRole("button", { name: "Send the notice" });
  await expect(send).toHaveAttribute("aria-disabled", "true");
  await sheet(page).getByRole("textbox", { name: /Why/ }).fill("I did not ask for this.");
  await send.click();
  const mine = page.locator("[data-dispute]");
  await expect(mine).toContainText("We look into it");
  await expect(mine).toContainText(amount);

  const { page: first } = await asStaff("representative", DESK, 0);
  await first.goto(`/desk/customers/${customer.id}`);
  const disputes = first.getByRole("region", { name: "Disputes" });
  await disputes.getByRole("button", { name: "Settle" }).click();
  await sheet(first).getByRole("textbox", { name: /our error/ }).fill((drawn.amount_cents / 100).toFixed(2));
  await sheet(first).getByRole("textbox", { name: /customer is told/ }).fill("You were right.");
  await sheet(first).getByRole("button", { name: "Settle it" }).click();
  await expect(disputes).toContainText("Waits for a colleague");
  await waiting(first, customer.name).getByRole("button").click();
  await expect(sheet(first)).toContainText("a colleague has to do it");
  await expect(sheet(first).getByRole("button", { name: "Credit it" })).toBeDisabled();

  await page.reload();
  await expect(mine).toContainText("We look into it");
  const { page: second } = await asStaff("representative", DESK, 1);
  await second.goto("/desk");
  await waiting(second, customer.name).getByRole("button").click();
  await expect(sheet(second)).toContainText("You were right.");
  await sheet(second).getByRole("textbox").fill("I have seen the bank's letter.");
  await sheet(second).getByRole("button", { name: "Credit it" }).click();
  await expect(waiting(second, customer.name)).toHaveCount(0);
  await page.reload();
  await expect(mine).toContainText(`Our error: ${amount}`);
  await expect(mine).toContainText("You were right.");
});

test("a payment is taken back as our mistake once a colleague agrees", async ({ asCustomer, asStaff }) => {
  const { customer } = await asCustomer("owing", 37);
  const { page: first } = await asStaff("representative", DESK, 0);
  await first.goto(`/desk/customers/${customer.id}`);
  await first.getByText("Payments", { exact: true }).click();
  const payment = first.locator("[data-payment]").first();
  await payment.getByRole("button", { name: /Take back payment/ }).click();
  await sheet(first).getByRole("textbox").fill("It was another customer's.");
  await sheet(first).getByRole("button", { name: "Ask a colleague" }).click();
  await expect(payment).toContainText("Waits for a colleague");

  const { page: reader } = await asStaff("compliance");
  await reader.goto("/desk");
  await expect(waiting(reader, customer.name)).toBeVisible();
  await expect(waiting(reader, customer.name).getByRole("button")).toHaveCount(0);

  const { page: second } = await asStaff("representative", DESK, 1);
  await second.goto("/desk");
  await waiting(second, customer.name).getByRole("button").click();
  await sheet(second).getByRole("textbox").fill("Seen in both ledgers.");
  await sheet(second).getByRole("button", { name: "Take it back" }).click();
  await expect(waiting(second, customer.name)).toHaveCount(0);
  await first.reload();
  await first.getByText("Payments", { exact: true }).click();
  await expect(payment).toContainText("Taken back");
});

test("a large draw to a new bank account is let go with a note, or given up", async ({ asStaff }) => {
  const { page } = await asStaff("representative");
  // The draw itself is given: which of the sandbox waits is not this test's matter.
  const looked: unknown[] = [];
  await page.route("**/v1/desk/draws", (route) => route.fulfill({ json: { items: looked.length === 2 ? [] : [GIVEN_DRAW] } }));
  await page.route("**/v1/desk/draws/given/look", async (route) => {
    looked.push(route.request().postDataJSON());
    await route.fulfill({ status: 204 });
  });
  await page.goto("/desk");
  for (const [button, note] of [
    ["Let it go", "Called her on the number we had."],
    ["Give it up", "Nobody answers."],
  ] as const) {
    await waiting(page, "Ann Given").getByRole("button").click();
    await expect(sheet(page)).toContainText("Granite Bank, ending 4242");
    const act = sheet(page).getByRole("button", { name: button });
    await expect(act).toHaveAttribute("aria-disabled", "true");
    await sheet(page).getByRole("textbox").fill(note);
    await act.click();
    await expect(sheet(page)).toHaveCount(0);
  }
  await expect(waiting(page, "Ann Given")).toHaveCount(0);
  expect(looked).toEqual([
    { let_go: true, note: "Called her on the number we had." },
    { let_go: false, note: "Nobody answers." },
  ]);
});

test("a credit balance is asked for in one step, once", async ({ asNobody }) => {
  const { page, request } = await asNobody(PHONE);
  const people = (await (await request.get("/v1/sandbox/people")).json()) as { customers: { id: string; archetype: string }[] };
  const customer = people.customers.find((person) => person.archetype === "paid off")!;
  await request.post("/v1/sandbox/sign-in", { data: { role: "customer", id: customer.id, level: "L3" } });
  await page.goto("/disputes");
  await page.getByRole("button", { name: "Ask for a refund" }).click();
  await expect(sheet(page)).toContainText("within seven banking days");
  await sheet(page).getByRole("button", { name: "Send it to me" }).click();
  await expect(page.getByRole("article", { name: "Receipt" })).toBeVisible();
  await expect(page.locator("[data-refund]")).toContainText("Asked for");
  await expect(page.getByRole("button", { name: "Ask for a refund" })).toHaveCount(0);
});

test("a credit balance is recorded as sent by cheque, and is back where nobody cashes it", async ({ asStaff }) => {
  const { page, request } = await asStaff("representative");
  const people = (await (await request.get("/v1/sandbox/people")).json()) as { customers: { id: string; archetype: string }[] };
  // The first one asks for a refund in another test.
  const customer = people.customers.filter((person) => person.archetype === "paid off")[1]!;
  await page.goto(`/desk/customers/${customer.id}`);
  const cheques = page.getByRole("region", { name: "Cheques" });
  await cheques.getByRole("button", { name: "Sent by cheque" }).click();
  const record = sheet(page).getByRole("button", { name: "Record the cheque" });
  await expect(record).toHaveAttribute("aria-disabled", "true");
  await sheet(page).getByRole("textbox", { name: /Number/ }).fill("700100245");
  await record.click();
  const sent = page.locator("[data-cheque='700100245']");
  await expect(sent).toContainText("Sent");
  await expect(cheques.getByRole("button", { name: "Sent by cheque" })).toHaveCount(0);

  await sent.getByRole("button", { name: /never cashed/ }).click();
  await sheet(page).getByRole("textbox", { name: /Why/ }).fill("It came back to us.");
  await sheet(page).getByRole("button", { name: "It is void" }).click();
  await expect(sent).toContainText("Void");
  await expect(sent).toContainText("It came back to us.");
  await expect(cheques.getByRole("button", { name: "Sent by cheque" })).toBeVisible();
});

const GIVEN_DRAW = {
  id: "given",
  reference: "DRW-GIVEN",
  customer: { id: "c", name: "Ann Given" },
  amount_cents: 150_000,
  rail: "instant",
  bank_account: { id: "b", kind: "checking", ending: "4242", bank_name: "Granite Bank", status: "verified" },
  account_added_at: "2026-11-21T18:00:00Z",
  review: "waiting",
  held_at: "2026-11-23T18:00:00Z",
};
