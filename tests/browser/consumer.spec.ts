//! The consumer's sentences of "What a person can do", in a real browser against the real server.

import { box, dateInWords, dollars, replies, say, sheet, type Payment, type Position } from "./support/chat";
import { customerOf } from "./support/people";
import { DESK, expect, PHONE, test } from "./support/test";

test("a sandbox customer signs in by choosing a name, and the page says that it is a sandbox", async ({ asNobody }) => {
  const { page } = await asNobody(PHONE);
  await page.goto("/");
  await expect(page.getByRole("complementary", { name: "Sandbox" })).toBeVisible();
  const chosen = customerOf("owing", 0);
  await page.getByRole("searchbox").fill(chosen.name);
  await page.getByRole("button", { name: chosen.name }).first().click();
  await expect(page).toHaveURL(/\/chat$/);
  await expect(page.getByTestId("total-owed")).toBeVisible();
  await expect(page.getByRole("complementary", { name: "Sandbox" })).toBeVisible();
});

test("the balance and the next payment are those of the record, and the reply is announced once, whole", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 0, PHONE);
  const position = (await (await request.get("/v1/position")).json()) as Position;
  await expect(page.getByTestId("total-owed")).toHaveText(dollars(position.total_owed_cents));
  const reply = await say(page, "What's my balance and when is my next payment due?");
  await expect(reply).toContainText(dollars(position.total_owed_cents));
  await expect(reply).toContainText(dollars(position.minimum_due_cents));
  await expect(reply).toContainText(dateInWords(position.due_on!));
  const spoken = (await reply.locator(".words").innerText()).replaceAll(/\s+/g, " ").trim();
  await expect(page.getByTestId("announcement")).toContainText(spoken);
  await expect(page.getByRole("log")).toHaveAttribute("aria-live", "off");
});

test("why interest was charged is answered from the trace", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 1);
  const { items } = (await (await request.get("/v1/statements")).json()) as { items: { number: number }[] };
  const number = Math.max(...items.map((statement) => statement.number));
  const trace = (await (await request.get(`/v1/trace?figure=interest&statement=${number}`)).json()) as { text: string };
  const interest = trace.text;
  await expect(await say(page, `Why was I charged ${interest} interest?`)).toContainText(interest);
});

test("the payoff on the 20th is the engine's own quote for that day", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 2);
  const { today } = (await (await request.get("/v1/status")).json()) as { today: string };
  const month = Number(today.slice(8)) > 20 ? nextMonth(today) : today.slice(0, 7);
  const quote = (await (await request.get(`/v1/quotes/payoff?on=${month}-20`)).json()) as { payoff_cents: number };
  const reply = await say(page, "How much would it take to pay everything off on the 20th?");
  await expect(reply).toContainText(dollars(quote.payoff_cents));
  await expect(reply).toContainText(dateInWords(`${month}-20`));
});

test("a payment is prepared, shown on a sheet, confirmed once however often it is pressed, and cancelled again", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 3, PHONE);
  const before = await payments(request);
  await say(page, "pay $50 next Friday from my checking account");
  await expect(sheet(page)).toContainText("$50.00");
  await expect(sheet(page)).toContainText(/ending \d{4}|…\d{4}|\d{4}/);
  await expect(sheet(page)).toContainText("Effect");
  expect(await payments(request)).toEqual(before);

  const confirmations: string[] = [];
  page.on("request", (sent) => {
    if (sent.url().endsWith("/confirm")) confirmations.push(sent.headers()["idempotency-key"] ?? "none");
  });
  await sheet(page).getByRole("button", { name: "Confirm", exact: true }).dblclick();
  const receipt = page.getByRole("article", { name: "Receipt" }).last();
  await expect(receipt).toContainText("$50.00");
  await expect(receipt).toBeInViewport({ ratio: 0.9 });
  const made = await payments(request);
  expect(made).toHaveLength(before.length + 1);
  expect(new Set(confirmations).size).toBe(1);
  const payment = made.find((one) => !before.some((other) => other.id === one.id))!;
  expect(payment).toMatchObject({ status: "scheduled", amount_cents: 5_000 });
  expect(new Date(`${payment.on}T00:00:00Z`).getUTCDay()).toBe(5);

  await say(page, "cancel that payment");
  await expect(sheet(page)).toContainText("$50.00");
  await sheet(page).getByRole("button", { name: "Confirm", exact: true }).click();
  await expect(page.getByRole("article", { name: "Receipt" })).toHaveCount(2);
  expect(await statusOf(request, payment.id)).toBe("cancelled");
});

test("a minimum payment on the first is resolved by the server, and Not now leaves nothing behind", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 4, DESK);
  const position = (await (await request.get("/v1/position")).json()) as Position;
  const before = await payments(request);
  await say(page, "pay my minimum on the first");
  await expect(sheet(page)).toContainText(dollars(position.minimum_due_cents));
  await sheet(page).getByRole("button", { name: "Not now" }).click();
  await expect(sheet(page)).toHaveCount(0);
  await expect(page.locator("[data-status=refused]")).toBeVisible();
  expect(await payments(request)).toEqual(before);
});

test("a scheduled payment can be cancelled from the list, after a question", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 5, DESK);
  await say(page, "pay $40 next Friday from my checking account");
  await sheet(page).getByRole("button", { name: "Confirm", exact: true }).click();
  await expect(sheet(page)).toHaveCount(0);
  const made = (await payments(request)).find((one) => one.amount_cents === 4_000 && one.status === "scheduled")!;
  await page.locator(`[data-payment="${made.id}"]`).getByRole("button", { name: "Cancel this payment" }).click();
  await expect(sheet(page)).toContainText("$40.00");
  await sheet(page).getByRole("button", { name: "Cancel the payment" }).click();
  await expect(page.getByRole("article", { name: "Receipt" }).first()).toBeVisible();
  await expect(page.locator(`[data-payment="${made.id}"]`)).toContainText("Cancelled");
  expect(await statusOf(request, made.id)).toBe("cancelled");
});

test("a changed proposal supersedes the sheet before it, which then cannot be confirmed", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 6, DESK);
  const before = await payments(request);
  await say(page, "pay $30 next Friday from my checking account");
  await page.keyboard.press("Escape");
  await say(page, "pay $35 next Friday from my checking account");
  await page.keyboard.press("Escape");
  await expect(page.locator("[data-status=superseded]")).toHaveCount(1);
  await expect(page.locator("[data-status=superseded]").getByRole("button")).toHaveCount(0);
  await page.getByRole("button", { name: "Review and confirm" }).click();
  await expect(sheet(page)).toContainText("$35.00");
  expect(await payments(request)).toEqual(before);
});

test("a policy question is answered with a citation that opens the cited passage", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 7, PHONE);
  const reply = await say(page, "How long does a payment take to reach my line, and what does the policy say?");
  const mark = reply.getByRole("button", { name: /^Passage 1/ }).first();
  await expect(mark).toBeVisible();
  const answered = page.waitForResponse((response) => response.url().includes("/v1/passages/"));
  await mark.click();
  const passage = (await (await answered).json()) as { text: string; digest: string; audience: string };
  expect(passage.audience).toBe("consumer");
  await expect(sheet(page).locator("blockquote")).toHaveText(passage.text, { useInnerText: false });
  await expect(sheet(page)).toContainText(passage.digest);
  await page.keyboard.press("Escape");
  await expect(sheet(page)).toHaveCount(0);
  await expect(mark).toBeFocused();
  expect((await request.get("/v1/position")).ok()).toBe(true);
});

test("a declined applicant reads the stored principal reasons, byte for byte", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("declined", 0, PHONE);
  const decision = (await (await request.get("/v1/decision")).json()) as { reasons: { text: string }[]; notice_url: string };
  await say(page, "why was I declined?");
  const notice = page.locator("[data-notice]");
  for (const reason of decision.reasons) await expect(notice).toContainText(reason.text);
  const stored = await (await request.get(decision.notice_url)).text();
  const conversation = (await (await request.get("/v1/conversations")).json()) as { items: { id: string }[] };
  const read = await (await request.get(`/v1/conversations/${conversation.items[0]!.id}`)).json();
  const shown = (read as { messages: { notices: { html: string }[] }[] }).messages.flatMap((message) => message.notices);
  expect(shown.map((one) => one.html)).toContain(stored);
});

test("bankruptcy said in passing opens a case in that same turn", async ({ asCustomer }) => {
  const { page } = await asCustomer("owing", 8, PHONE);
  const reply = await say(page, "I've filed for bankruptcy last week, anyway what do I owe?");
  const reference = await reply.locator("[data-case]").getAttribute("data-case");
  expect(reference).toMatch(/^[A-Z]+-[0-9A-Z]{8}$/);
  await page.reload();
  await expect(page.locator(`[data-case="${reference}"]`)).toBeVisible();
});

test("a person is one tap away, and a reload loses nothing", async ({ asCustomer }) => {
  const { page } = await asCustomer("owing", 9, PHONE);
  await say(page, "What's my balance?");
  await page.getByRole("button", { name: "Talk to a person" }).click();
  const standing = page.locator("[data-standing=waiting]");
  await expect(standing).toContainText(/\w+-\w+/);
  const words = await standing.innerText();
  await page.reload();
  await expect(page.locator("[data-standing=waiting]")).toHaveText(words, { useInnerText: true });
  await expect(replies(page)).not.toHaveCount(0);
});

test("asking for a person in words hands over as well", async ({ asCustomer }) => {
  const { page } = await asCustomer("owing", 10, PHONE);
  await say(page, "let me talk to a real person please");
  await expect(page.locator("[data-standing=waiting]")).toBeVisible();
});

test("words typed but not sent survive a reload and a server out of reach", async ({ asCustomer }) => {
  const { page } = await asCustomer("owing", 11, PHONE);
  await box(page).fill("half a thought");
  await page.reload();
  await expect(box(page)).toHaveValue("half a thought");

  await page.context().setOffline(true);
  await box(page).fill("What's my balance?");
  await box(page).press("Enter");
  await expect(page.locator("[data-outgoing=failed]")).toContainText("What's my balance?");
  await page.context().setOffline(false);
  await page.locator("[data-outgoing=failed]").getByRole("button", { name: "Try again" }).click();
  await expect(replies(page)).toHaveCount(1);
  await expect(page.locator("article[data-role=customer]")).toHaveCount(1);
});

test("a confirmation whose answer was lost is repeated with the same key, and happens once", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 12, PHONE);
  const before = await payments(request);
  const keys: string[] = [];
  await page.route("**/v1/intents/*/confirm", async (route) => {
    keys.push(route.request().headers()["idempotency-key"] ?? "none");
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await say(page, "pay $50 next Friday from my checking account");
  const confirm = sheet(page).getByRole("button", { name: "Confirm", exact: true });
  await confirm.click();
  await expect(sheet(page)).toContainText("it can only happen once");
  await confirm.click();
  await expect(page.getByRole("article", { name: "Receipt" })).toHaveCount(1);
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  expect(await payments(request)).toHaveLength(before.length + 1);
});

test("a stream that is cut loses nothing: the record is read until the reply is there, once", async ({ asCustomer }) => {
  const { page } = await asCustomer("owing", 13, PHONE);
  await page.route("**/messages", async (route) => {
    const response = await route.fetch();
    const body = await response.text();
    await route.fulfill({ response, body: body.slice(0, body.lastIndexOf("data: ")) });
  });
  const reply = await say(page, "What's my balance and when is my next payment due?");
  await expect(reply).toContainText("$");
  await expect(page.locator("article[data-role=customer]")).toHaveCount(1);
});

test("a turn that ended without a reply says so, shows the message once, and can be asked again", async ({ asCustomer }) => {
  const { page } = await asCustomer("owing", 32, PHONE);
  const question = { id: "m1", n: 1, role: "customer", at: "2026-11-21T15:00:00Z", text: "What's my balance?", citations: [], intents: [], notices: [], cases: [] };
  await page.route("**/messages", (route) => route.fulfill({ contentType: "text/event-stream", body: "" }));
  await page.route("**/v1/conversations/*?after=*", async (route) => {
    const recorded = (await (await route.fetch()).json()) as object;
    await route.fulfill({ json: { ...recorded, answering: false, messages: [question] } });
  });
  await box(page).fill(question.text);
  await box(page).press("Enter");
  await expect(page.locator("[data-outgoing=interrupted]")).toContainText("interrupted");
  await expect(page.locator("article[data-role=customer]")).toHaveCount(1);
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
});

test("an assistant that is not released says so, and a person is still a tap away", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 14, PHONE);
  const status = (await (await request.get("/v1/status")).json()) as object;
  await page.route("**/v1/status", (route) => route.fulfill({ json: { ...status, released: false, served_configuration: null } }));
  await page.reload();
  await expect(page.getByRole("heading", { name: "The assistant is not yet released" })).toBeVisible();
  await expect(box(page)).toBeDisabled();
  await expect(page.getByTestId("total-owed")).toBeVisible();
  await page.getByRole("button", { name: "Talk to a person" }).click();
  await expect(page.locator("[data-standing=waiting]")).toBeVisible();
  await expect(box(page)).toBeEnabled();
});

function nextMonth(today: string): string {
  const date = new Date(`${today.slice(0, 7)}-01T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + 1);
  return date.toISOString().slice(0, 7);
}

type Asker = { get: (path: string) => Promise<{ json: () => Promise<unknown> }> };

async function payments(request: Asker): Promise<Payment[]> {
  return ((await (await request.get("/v1/payments")).json()) as { items: Payment[] }).items;
}

async function statusOf(request: Asker, id: string): Promise<string | undefined> {
  return (await payments(request)).find((payment) => payment.id === id)?.status;
}

test("automatic payments are chosen, read, signed, seen and cancelled, by keyboard and on a phone", async ({ asCustomer }) => {
  const { page, request } = await asCustomer("owing", 35, PHONE);
  await page.getByRole("button", { name: "Payments ›" }).click();
  const card = page.getByRole("region", { name: "Automatic payments" });
  await card.getByRole("button", { name: "Set up automatic payments" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "Set up automatic payments" });
  await dialog.getByRole("radio", { name: "A fixed amount" }).check();
  const read = dialog.getByRole("button", { name: "Read and sign" });
  await expect(read).toHaveAttribute("aria-disabled", "true");
  await dialog.getByRole("textbox", { name: "Amount in dollars" }).fill("75.50");
  await read.press("Enter");
  await expect(dialog.getByRole("region", { name: "Authorization for automatic payments" })).toContainText("$75.50 for each statement");
  await dialog.getByRole("button", { name: "I authorize this" }).dblclick();
  await expect(card.getByRole("article", { name: "Receipt" })).toContainText("$75.50");
  await expect(card).toContainText("On");
  const signed = (await (await request.get("/v1/autopay")).json()) as { standing: { amount: string; cents: number } };
  expect(signed.standing).toMatchObject({ amount: "fixed", cents: 7_550 });

  await card.getByRole("button", { name: "Cancel automatic payments" }).click();
  await page.getByRole("dialog", { name: "Cancel automatic payments?" }).getByRole("button", { name: "Cancel them" }).click();
  await expect(card).toContainText("you cancelled them");
  const ended = (await (await request.get("/v1/autopay")).json()) as { standing: unknown };
  expect(ended.standing).toBeNull();
});
