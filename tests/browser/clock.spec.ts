//! What comes of things when days pass: the sandbox's clock is moved forward from the page.

import { say, sheet } from "./support/chat";
import { DESK, expect, test } from "./support/test";

test("a sheet left lying expires, and says so instead of doing anything", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 30, DESK);
  const before = await (await request.get("/v1/payments")).json();
  await say(page, "pay $50 next Friday from my checking account");
  await expect(sheet(page)).toBeVisible();
  await request.post("/v1/sandbox/clock", { data: { advance_days: 1 } });
  await sheet(page).getByRole("button", { name: "Confirm", exact: true }).click();
  await expect(sheet(page)).toContainText("Expired");
  await sheet(page).getByRole("button", { name: "Close" }).last().click();
  await expect(page.locator("[data-status=expired]")).toBeVisible();
  expect(await (await request.get("/v1/payments")).json()).toEqual(before);
});

test("a scheduled payment is taken when its day comes, and the page follows the clock", async ({ asCustomer }) => {
  // Thirty days are lived for everybody.
  test.setTimeout(300_000);
  const { page, request } = await asCustomer("owing", 31, DESK);
  await say(page, "pay $45 next Friday from my checking account");
  await sheet(page).getByRole("button", { name: "Confirm", exact: true }).click();
  await expect(sheet(page)).toHaveCount(0);
  const { items } = (await (await request.get("/v1/payments")).json()) as { items: { id: string; amount_cents: number }[] };
  const made = items.find((payment) => payment.amount_cents === 4_500);
  const row = page.locator(`[data-payment="${made?.id}"]`);
  await expect(row).toContainText("Scheduled");
  const moved = page.waitForResponse((response) => response.url().endsWith("/v1/sandbox/clock"));
  await page.getByRole("combobox", { name: "Move the clock on" }).selectOption("30");
  expect((await moved).ok()).toBe(true);
  await expect(row).toContainText("Paid");
  // What was said then has its date now, and nothing left out in its title.
  const said = page.locator("article[data-role=customer] time").first();
  await expect(said).toHaveText(/^[A-Z][a-z]{2} \d+, (\d{4}, )?\d+:\d\d\s[AP]M$/);
  await expect(said).toHaveAttribute("title", /^[A-Z][a-z]+day, [A-Z][a-z]+ \d+, \d{4} at /);
});
