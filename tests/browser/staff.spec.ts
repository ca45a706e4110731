//! The sentences of staff, compliance and engineers.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

import type { Page } from "@playwright/test";

import { say, sheet } from "./support/chat";
import { DESK, expect, PHONE, test } from "./support/test";

const run = promisify(execFile);

test("a hand-off is claimed, answered in the customer's own chat, and released to the assistant", async ({ asCustomer, asStaff }) => {
  const { page: chat, customer } = await asCustomer("owing", 15, PHONE);
  await say(chat, "What's my balance and when is my next payment due?");
  await chat.getByRole("button", { name: "Talk to a person" }).click();
  await expect(chat.locator("[data-standing=waiting]")).toBeVisible();

  const { page: desk } = await asStaff("representative");
  await desk.goto("/desk");
  await desk.getByRole("navigation", { name: "Queue" }).getByRole("link", { name: customer.name }).first().click();
  const panel = desk.getByRole("complementary", { name: "Customer" });
  await expect(panel).toContainText("Total owed");
  await expect(panel).toContainText("Credit limit");
  await expect(panel.getByRole("list", { name: "Flags" })).toBeVisible();
  const rail = desk.locator(".rail").first();
  await expect(rail.locator("[data-kind=tool]").first()).toContainText(/get_\w+/);
  await expect(rail.locator("[data-kind=verdict]")).toBeVisible();
  await expect(rail.locator("[data-kind=configuration]")).toBeVisible();

  await desk.getByRole("button", { name: "Claim" }).click();
  await expect(chat.locator("[data-standing=representative]")).toBeVisible();
  const words = `Hello ${customer.name}, I have read everything above.`;
  await desk.getByRole("textbox", { name: /Your reply/ }).fill(words);
  await desk.getByRole("button", { name: "Send" }).click();
  await expect(chat.locator("article[data-role=representative]")).toContainText(words);
  await expect(chat.getByTestId("announcement")).toContainText(words);

  const box = chat.getByRole("textbox", { name: "Your message" });
  await box.fill("thank you");
  await box.press("Enter");
  await expect(desk.locator("article[data-role=customer]").last()).toContainText("thank you");

  await desk.getByRole("button", { name: "Release to the assistant" }).click();
  await expect(chat.getByRole("button", { name: "Talk to a person" })).toBeEnabled();
  await expect(desk.getByRole("navigation", { name: "Queue" }).getByRole("link", { name: customer.name })).toHaveCount(0);
  await say(chat, "What's my balance?");
});

test("a case stands in the queue until it is closed with a note", async ({ asCustomer, asStaff }) => {
  const { page: chat } = await asCustomer("owing", 16, PHONE);
  const reply = await say(chat, "by the way I have filed for bankruptcy");
  const reference = await reply.locator("[data-case]").getAttribute("data-case");

  const { page: desk } = await asStaff("representative");
  await desk.goto("/desk");
  const row = desk.locator(`[data-reference="${reference}"]`);
  await row.getByRole("link").click();
  const flags = desk.getByRole("list", { name: "Flags" });
  await expect(flags).toContainText("Bankruptcy");
  await row.getByRole("button", { name: "Close the case" }).click();
  await sheet(desk).getByRole("textbox").fill("Filed in error; the court has withdrawn it.");
  // Its flag is offered, and stays unless that is ticked.
  const offer = sheet(desk).getByRole("checkbox", { name: /Clear the flag “Bankruptcy” too/ });
  await expect(offer).not.toBeChecked();
  await offer.check();
  await sheet(desk).getByRole("button", { name: "Close the case" }).click();
  await expect(row).toHaveCount(0);
  await expect(flags).toContainText("no flags");
});

test("a flag keeps the assistant silent until a representative clears it, whoever had the conversation", async ({ asCustomer, asStaff }) => {
  const { page: chat, customer } = await asCustomer("owing", 33, PHONE);
  await say(chat, "I have reported you to the CFPB.");
  await expect(chat.locator("[data-standing=waiting]")).toBeVisible();

  const { page: first } = await asStaff("representative");
  await first.goto("/desk");
  const link = (desk: Page) => desk.getByRole("navigation", { name: "Queue" }).getByRole("link", { name: customer.name }).first();
  await link(first).click();
  await first.getByRole("button", { name: "Claim" }).click();
  await expect(first.getByRole("textbox", { name: /Your reply/ })).toBeVisible();

  // The one who claimed it went away: another takes it over, and the first is told so.
  const { page: second } = await asStaff("representative", DESK, 1);
  await second.goto("/desk");
  await link(second).click();
  await expect(second.getByRole("textbox", { name: /Your reply/ })).toHaveCount(0);
  await second.getByRole("button", { name: /^Take over from / }).click();
  await expect(second.getByRole("textbox", { name: /Your reply/ })).toBeVisible();
  await expect(first.getByRole("button", { name: /^Take over from / })).toBeVisible();

  // Released, the assistant still may not answer.
  await second.getByRole("button", { name: "Release to the assistant" }).click();
  await expect(chat.getByRole("button", { name: "Talk to a person" })).toBeEnabled();
  await say(chat, "What's my balance?");
  await expect(chat.locator("[data-standing=waiting]")).toBeVisible();

  // With the keyboard alone: the flag's button, its note, and the focus back on the page.
  const flags = second.getByRole("list", { name: "Flags" });
  await flags.getByRole("button", { name: "Clear the flag Regulator" }).focus();
  await second.keyboard.press("Enter");
  await expect(sheet(second).getByRole("heading", { level: 2 })).toBeFocused();
  await expect(sheet(second)).toContainText("case CAS-");
  const clear = sheet(second).getByRole("button", { name: "Clear the flag" });
  await expect(clear).toHaveAttribute("aria-disabled", "true");
  await sheet(second).getByRole("textbox").focus();
  await second.keyboard.type("The agency has closed it.");
  await clear.focus();
  await second.keyboard.press("Enter");
  await expect(sheet(second)).toHaveCount(0);
  await expect(flags).toContainText("no flags");
  await expect(second.getByRole("complementary", { name: "Customer" }).getByRole("heading", { level: 2 })).toBeFocused();

  await second.getByRole("button", { name: "Claim" }).click();
  await second.getByRole("button", { name: "Release to the assistant" }).click();
  await expect(chat.getByRole("button", { name: "Talk to a person" })).toBeEnabled();
  await expect(await say(chat, "What's my balance?")).toContainText("$");
});

test("a flag on a customer who never talked is found, and cleared, on the desk", async ({ asStaff }) => {
  const { page, request } = await asStaff("representative");
  const people = (await (await request.get("/v1/sandbox/people")).json()) as { customers: { id: string; name: string; archetype: string }[] };
  const frozen = people.customers.find((person) => person.archetype === "frozen")!;
  await page.goto("/desk");
  const customers = page.getByRole("navigation", { name: "Customers" });
  await customers.getByRole("searchbox").fill(frozen.name);
  await customers.getByRole("button", { name: "Find" }).click();
  const row = customers.locator(`[data-customer="${frozen.id}"]`);
  await expect(row).toContainText("Fraud");
  await row.getByRole("link").click();
  await expect(page).toHaveURL(`/desk/customers/${frozen.id}`);
  const panel = page.getByRole("complementary", { name: "Customer" });
  await expect(panel).toContainText("Total owed");
  await expect(page.getByRole("main")).toContainText("no conversation with this customer yet");
  await panel.getByRole("button", { name: "Clear the flag Fraud" }).click();
  await sheet(page).getByRole("textbox").fill("It was the customer.");
  await sheet(page).getByRole("button", { name: "Clear the flag" }).click();
  await expect(panel.getByRole("list", { name: "Flags" })).toContainText("no flags");
  await expect(row).not.toContainText("Fraud");
});

test("on a phone the position comes first, and evidence is one line until it is opened", async ({ asCustomer, asStaff }) => {
  const { page: chat, customer } = await asCustomer("owing", 34, PHONE);
  await say(chat, "What's my balance and when is my next payment due?");
  await chat.getByRole("button", { name: "Talk to a person" }).click();
  await expect(chat.locator("[data-standing=waiting]")).toBeVisible();

  const { page: desk } = await asStaff("representative", PHONE);
  await desk.goto("/desk");
  await desk.getByRole("navigation", { name: "Queue" }).getByRole("link", { name: customer.name }).first().click();
  const rail = desk.locator(".rail").first();
  await expect(rail.getByText(/\d tool calls?/)).toBeVisible();
  const tool = rail.locator("[data-kind=tool]").first();
  await expect(tool).toBeHidden();
  expect((await rail.boundingBox())!.height).toBeLessThan(60);
  const panel = desk.getByRole("complementary", { name: "Customer" });
  expect((await panel.boundingBox())!.y).toBeLessThan((await desk.locator("[data-n]").first().boundingBox())!.y);
  await expect(panel.getByText("Credit limit")).toBeHidden();
  for (const [summary, inside] of [
    [rail.locator("summary").first(), tool],
    [panel.locator("[data-figures] > summary"), panel.getByText("Credit limit")],
  ] as const) {
    await summary.focus();
    await desk.keyboard.press("Enter");
    await expect(inside).toBeVisible();
  }
});

test("compliance reads the desk but can do nothing on it", async ({ asStaff }) => {
  const { page } = await asStaff("compliance");
  await page.goto("/desk");
  await expect(page.getByRole("navigation", { name: "Queue" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Close the case" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Claim" })).toHaveCount(0);
});

test("compliance finds a conversation, sees what each message rests on, and takes away a bundle that verifies", async ({
  asCustomer,
  asStaff,
}, testInfo) => {
  const { page: chat, customer } = await asCustomer("owing", 17);
  await say(chat, "What's my balance and when is my next payment due?");
  await say(chat, "How long does a payment take to reach my line, and what does the policy say?");

  const { page } = await asStaff("compliance");
  await page.goto("/audit");
  await page.getByRole("searchbox").fill(customer.name);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("main").getByRole("link", { name: customer.name }).first().click();
  await expect(page.locator("[data-verified=true]")).toContainText("Record verified");
  const rails = page.locator(".rail");
  await expect(rails).toHaveCount(2);
  await expect(rails.first().locator("[data-tool]").first()).toBeVisible();
  await expect(rails.last().locator("[data-kind=passage]").first()).toBeVisible();
  for (const rail of await rails.all()) {
    await expect(rail.locator("[data-kind=verdict]")).toBeVisible();
    await expect(rail.locator("[data-kind=configuration]")).toBeVisible();
    await expect(rail.locator("[data-kind=leaves]")).toBeVisible();
  }

  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export the bundle" }).click();
  const bundle = testInfo.outputPath("bundle.json");
  await (await downloading).saveAs(bundle);
  const text = await readFile(bundle, "utf8");
  expect(() => JSON.parse(text)).not.toThrow();

  const binary = process.env["PLUMBLINE_BIN"];
  if (binary === undefined) {
    testInfo.annotations.push({ type: "not checked", description: "audit verify: PLUMBLINE_BIN is not set" });
    return;
  }
  await run(binary, ["audit", "verify", bundle]);
  const changed = testInfo.outputPath("changed.json");
  await writeFile(changed, text.replace("balance", "balanse"));
  await expect(run(binary, ["audit", "verify", changed])).rejects.toThrow();
});

test("a record without the names of its leaves is shown all the same, and a calculation with its steps", async ({ asStaff }) => {
  const { page } = await asStaff("compliance", DESK);
  await page.route("**/v1/audit/conversations/given", (route) => route.fulfill({ json: GIVEN_CONVERSATION }));
  await page.route("**/v1/audit/conversations/given/verification", (route) => route.fulfill({ json: GIVEN_VERIFICATION }));
  await page.goto("/audit/given");
  await expect(page.getByRole("list", { name: "Flags" })).toContainText("SCRA");
  const rail = page.locator(".rail");
  await expect(rail.locator("[data-kind=verdict]")).toBeVisible();
  await expect(rail.locator("[data-kind=leaves]")).toHaveCount(0);
  await rail.locator("[data-tool] summary").click();
  for (const steps of [page.locator("article[data-role=assistant]"), rail]) {
    const places = [];
    for (const step of await steps.getByRole("listitem").filter({ hasText: /^(interest|days|balance):/ }).all()) {
      places.push((await step.boundingBox())!.x);
    }
    expect(places).toHaveLength(3);
    expect(places[1]).toBeGreaterThan(places[0]!);
    expect(places[2]).toBe(places[1]);
  }
});

test("an engineer sees what is promoted, what is not, and every run as the server reports it", async ({ asStaff }) => {
  const { page, request } = await asStaff("engineer");
  const prompts = (await (await request.get("/v1/prompts")).json()) as {
    promoted: { digest: string } | null;
    working: { digest: string; differs: boolean };
  };
  const { items } = (await (await request.get("/v1/evals/runs")).json()) as { items: { id: string }[] };
  const { unattested } = (await (await request.get("/v1/status")).json()) as {
    unattested: { reason: string; differences: { part: string; served: string; judged: string }[] } | null;
  };
  await page.goto("/evals");
  const shown = (digest: string) => digest.replace(/^.*:/, "").slice(0, 12);
  await expect(page.locator("[data-side=working]")).toContainText(shown(prompts.working.digest));
  await expect(page.locator("[data-side=working]")).toContainText(prompts.working.differs ? "differs" : "the same");
  const promoted = prompts.promoted === null ? "Nothing is promoted" : shown(prompts.promoted.digest);
  await expect(page.locator("[data-side=promoted]")).toContainText(promoted);
  await expect(page.locator("[data-run]")).toHaveCount(items.length);
  await expect(page.locator("[data-unattested]")).toHaveCount(unattested === null ? 0 : 1);
});

test("an unattested server names the parts that are not those that were judged, with both digests", async ({ asStaff }) => {
  const { page } = await asStaff("engineer", DESK);
  const [served, judged] = ["ab".repeat(32), "cd".repeat(32)];
  await page.route("**/v1/status", async (route) => {
    const status = (await (await route.fetch()).json()) as object;
    const differences = [
      { part: "model", served: "another-model", judged: "understudy-1" },
      { part: "guards", served, judged },
    ];
    const unattested = { reason: "differs", text: "not what was judged", differences };
    await route.fulfill({ json: { ...status, attested: false, unattested } });
  });
  await page.goto("/evals");
  const panel = page.locator("[data-unattested=differs]");
  await expect(panel.locator("[data-part]")).toHaveCount(2);
  await expect(panel.locator("[data-part=model]")).toContainText("another-model");
  await expect(panel.locator("[data-part=guards]")).toContainText(served.slice(0, 12));
  await expect(panel.locator("[data-part=guards]")).toContainText(judged.slice(0, 12));
});

test("a run shows its ruler against the bar and the cases that broke", async ({ asStaff }) => {
  const { page } = await asStaff("engineer", DESK);
  // The run itself is given: whether a gate run exists on this server is not this test's matter.
  await page.route("**/v1/evals/runs/given", (route) => route.fulfill({ json: GIVEN_RUN }));
  await page.goto("/evals/given");
  const ruler = page.getByRole("figure").filter({ hasText: "Overall" });
  await expect(ruler.getByRole("img")).toHaveAttribute("aria-label", /not clear of the bar at −3\.00 pt/);
  await expect(ruler).toContainText("does not hold");
  const bar = (await ruler.locator(".bar").boundingBox())!;
  const interval = (await ruler.locator(".interval").boundingBox())!;
  expect(interval.x).toBeLessThan(bar.x);
  expect(interval.x + interval.width).toBeGreaterThan(bar.x);
  await expect(page.locator("[data-eval-case]")).toHaveCount(1);
  await page.locator("[data-eval-case=balance-001] summary").click();
  await expect(page.locator("[data-eval-case=balance-001]")).toContainText("no tool was called");
  await page.getByRole("checkbox", { name: "show all" }).check();
  await expect(page.locator("[data-eval-case]")).toHaveCount(2);
});

function caseResult(id: string, outcome: "pass" | "fail") {
  const findings = outcome === "fail" ? [{ grader: "tools", hard_rule: false, detail: "no tool was called" }] : [];
  const transcript = [{ who: "customer", text: "what do i owe" }];
  return { id, slice: "balances", outcome, repeats: 1, passed: outcome === "pass" ? 1 : 0, findings, tokens: 1, latency_ms: 1, transcript };
}

const GIVEN_STEPS = "- interest: $23.33\n-   days: 31\n-   balance: $1,144.46";

const GIVEN_CONVERSATION = {
  id: "given",
  status: "assistant",
  customer_id: "c",
  answering: false,
  hand_off: null,
  customer: { id: "c", name: "Ann Given" },
  position: null,
  flags: [{ kind: "scra", raised_on: "2026-11-23" }],
  open_cases: [],
  messages: [
    {
      id: "m",
      n: 1,
      role: "assistant",
      at: "2026-11-23T18:00:00Z",
      text: `The calculation, step by step:\n${GIVEN_STEPS}`,
      author: null,
      attested: true,
      citations: [],
      intents: [],
      notices: [],
      cases: [],
      evidence: {
        turn_id: "t",
        attested: true,
        served_configuration: null,
        tool_calls: [
          {
            id: "r1",
            tool: "get_interest_trace",
            version: "1",
            effect: "reads",
            arguments: {},
            outcome: "answered",
            error: null,
            fields: [{ name: "steps", label: "steps of the calculation", kind: "list", text: GIVEN_STEPS }],
            latency_ms: 1,
          },
        ],
        passages: [],
        verdicts: [{ guard: "rights", answer: "allow", reason: null }],
        repairs: 0,
      },
    },
  ],
};

const GIVEN_VERIFICATION = { ok: true, checked: { leaves: 2, erased: 0, checkpoint_size: 9, trusted: true }, problems: [] };

const GIVEN_RUN = {
  id: "given",
  ended_at: "2026-11-21T15:00:00Z",
  model: "understudy-1",
  report: {
    suite: "servicing",
    suite_digest: "cc",
    candidate: "aaaaaaaaaaaaaaaa",
    baseline: "bbbbbbbbbbbbbbbb",
    outcome: "quality",
    margin: 0.03,
    overall: { both_pass: 129, newly_failing: 6, newly_passing: 1, both_fail: 0 },
    difference: { estimate: -0.0368, lower: -0.074, upper: 0.0021 },
    pass_rate: 0.956,
    checks: [{ name: "paired non-inferiority", holds: false, detail: "lower bound -7.40, margin -3.00" }],
    slices: [],
    newly_failing: ["balance-001"],
    newly_passing: [],
    no_effect: false,
  },
  cases: {
    candidate: [caseResult("balance-001", "fail"), caseResult("balance-002", "pass")],
    baseline: [caseResult("balance-001", "pass"), caseResult("balance-002", "pass")],
  },
};
