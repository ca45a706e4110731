//! What every page owes everybody: WCAG 2.2 AA as far as a machine can check it, the keyboard alone,
//! narrow and wide windows, dark colours, Spanish, and a policy that lets nothing foreign in.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import type { Page } from "@playwright/test";

import { box, replies, say, sheet } from "./support/chat";
import { DESK, expect, PHONE, test, type WindowOptions } from "./support/test";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface Found {
  id: string;
  nodes: { html: string }[];
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(AXE, "utf8"));
  const found = await page.evaluate(async (rules) => {
    const axe = (globalThis as unknown as { axe: { run: (where: Document, options: object) => Promise<{ violations: Found[] }> } }).axe;
    return (await axe.run(document, { runOnly: rules })).violations;
  }, RULES);
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
}

async function fits(page: Page): Promise<boolean> {
  return await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
}

const LOOKS: [string, WindowOptions, number][] = [
  ["phone", PHONE, 0],
  ["phone, dark", { ...PHONE, colorScheme: "dark" }, 1],
  ["desk", DESK, 2],
  ["desk, dark", { ...DESK, colorScheme: "dark" }, 3],
];

for (const [name, options, nth] of LOOKS) {
  test(`the customer's pages pass the checks: ${name}`, async ({ asNobody, asCustomer }) => {
    const { page: door } = await asNobody(options);
    await door.goto("/");
    await expect(door.getByRole("heading", { name: "Customers" })).toBeVisible();
    expect(await violations(door)).toEqual([]);
    expect(await fits(door)).toBe(true);

    const { page } = await asCustomer("owing", 18 + nth, options);
    await expect(page.getByTestId("total-owed")).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await say(page, "pay $20 next Friday from my checking account");
    await expect(sheet(page)).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await sheet(page).getByRole("button", { name: "Confirm", exact: true }).click();
    await expect(page.getByRole("article", { name: "Receipt" })).toBeVisible();
    expect(await violations(page)).toEqual([]);
    expect(await fits(page)).toBe(true);

    await page.goto("/disputes");
    await page.getByRole("button", { name: "Dispute a charge" }).click();
    await expect(sheet(page)).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await expect(sheet(page)).toHaveCount(0);
    expect(await violations(page)).toEqual([]);
    expect(await fits(page)).toBe(true);
  });

  test(`the staff pages pass the checks: ${name}`, async ({ asCustomer, asStaff }) => {
    const { page: chat, customer } = await asCustomer("owing", 22 + nth);
    await say(chat, "What's my balance and when is my next payment due?");
    await say(chat, "by the way I have filed for bankruptcy");
    await chat.getByRole("button", { name: "Talk to a person" }).click();
    await expect(chat.locator("[data-standing=waiting]")).toBeVisible();

    const { page: desk } = await asStaff("representative", options);
    await desk.goto("/desk");
    await desk.getByRole("navigation", { name: "Queue" }).getByRole("link", { name: customer.name }).first().click();
    await expect(desk.locator(".rail").first()).toBeVisible();
    expect(await violations(desk)).toEqual([]);
    expect(await fits(desk)).toBe(true);
    // The sheet that clears a flag.
    await desk.getByRole("button", { name: "Clear the flag Bankruptcy" }).click();
    await expect(sheet(desk)).toBeVisible();
    expect(await violations(desk)).toEqual([]);
    await desk.keyboard.press("Escape");
    await expect(sheet(desk)).toHaveCount(0);
    expect(await violations(desk)).toEqual([]);
    expect(await fits(desk)).toBe(true);

    const { page: audit } = await asStaff("compliance", options);
    await audit.goto("/audit");
    await audit.getByRole("main").getByRole("link", { name: customer.name }).first().click();
    await expect(audit.locator("[data-verified]")).toBeVisible();
    expect(await violations(audit)).toEqual([]);
    expect(await fits(audit)).toBe(true);

    const { page: evals } = await asStaff("engineer", options);
    await evals.goto("/evals");
    await expect(evals.getByRole("heading", { name: "Prompts" })).toBeVisible();
    expect(await violations(evals)).toEqual([]);
    expect(await fits(evals)).toBe(true);
  });
}

test("a payment can be made with the keyboard alone", async ({ asCustomer }) => {
  const { page } = await asCustomer("owing", 26, DESK);
  await box(page).focus();
  await page.keyboard.type("pay $25 next Friday from my checking account");
  await page.keyboard.press("Enter");
  await expect(sheet(page)).toBeVisible();
  await expect(sheet(page).getByRole("heading", { level: 2 })).toBeFocused();
  for (let presses = 0; presses < 6; presses += 1) {
    await page.keyboard.press("Tab");
    if (await sheet(page).getByRole("button", { name: "Confirm", exact: true }).evaluate((node) => node === document.activeElement)) break;
  }
  await page.keyboard.press("Enter");
  await expect(page.getByRole("article", { name: "Receipt" })).toBeVisible();
  await expect(box(page)).toBeFocused();
});

test("the page speaks Spanish when asked, and remembers it", async ({ asCustomer }) => {
  const { page } = await asCustomer("owing", 27, PHONE);
  await page.getByRole("button", { name: "Cambiar a español" }).click();
  await expect(page.getByRole("button", { name: "Hablar con una persona" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "es");
  await page.reload();
  await expect(page.getByRole("button", { name: "Hablar con una persona" })).toBeVisible();
});

test("dark colours follow the system until the person chooses", async ({ asNobody }) => {
  const { page } = await asNobody({ ...DESK, colorScheme: "dark" });
  await page.goto("/");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByRole("button", { name: "Change to Light colours" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
});

test("every page is served under a policy without inline scripts, and unknown paths are pages", async ({ request }) => {
  for (const path of ["/", "/chat", "/desk", "/audit/some-id", "/evals"]) {
    const answer = await request.get(path);
    expect(answer.status(), path).toBe(200);
    const policy = answer.headers()["content-security-policy"] ?? "";
    expect(policy, path).toContain("default-src 'none'");
    expect(policy, path).toContain("frame-ancestors 'none'");
    expect(policy, path).not.toContain("unsafe-inline");
  }
});

test("a page of another role sends the visitor to their own", async ({ asCustomer, asNobody }) => {
  const { page } = await asCustomer("owing", 28, PHONE);
  await page.goto("/audit");
  await expect(page).toHaveURL(/\/chat$/);
  const { page: stranger } = await asNobody();
  await stranger.goto("/desk");
  await expect(stranger.getByRole("heading", { name: "Choose who you are" })).toBeVisible();
});

test("a message of an unattested server carries the mark, and the page says so", async ({ asCustomer, request }) => {
  const { attested } = (await (await request.get("/v1/status")).json()) as { attested: boolean };
  const { page } = await asCustomer("owing", 29, PHONE);
  await say(page, "What's my balance?");
  await expect(replies(page).first().getByText("unattested")).toHaveCount(attested ? 0 : 1);
  const banner = page.getByRole("complementary", { name: "Sandbox" });
  if (attested) await expect(banner).not.toContainText("Unattested");
  else await expect(banner).toContainText("Unattested");
});
