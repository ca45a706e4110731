//! The chat page as a person uses it.

import { expect, type Locator, type Page } from "@playwright/test";

export function replies(page: Page): Locator {
  return page.locator("article[data-role=assistant]");
}

export function box(page: Page): Locator {
  return page.getByRole("textbox", { name: "Your message" });
}

/** Says `text` and answers the assistant's reply, once it is whole and recorded. */
export async function say(page: Page, text: string): Promise<Locator> {
  const before = await replies(page).count();
  await box(page).fill(text);
  await box(page).press("Enter");
  await expect(replies(page)).toHaveCount(before + 1);
  await expect(page.locator("[data-outgoing]")).toHaveCount(0);
  return replies(page).nth(before);
}

export function sheet(page: Page): Locator {
  return page.getByRole("dialog");
}

/** Cents as the server and the pages write them. */
export function dollars(cents: number): string {
  const whole = Math.trunc(cents / 100).toLocaleString("en-US");
  return `$${whole}.${String(cents % 100).padStart(2, "0")}`;
}

export interface Position {
  total_owed_cents: number;
  minimum_due_cents: number;
  available_credit_cents: number;
  due_on: string | null;
}

export interface Payment {
  id: string;
  status: string;
  amount_cents: number;
  on: string;
  reference: string;
  bank_account: { ending: string };
}

/** The ways in which a date may be written to a person. */
export function dateInWords(on: string): RegExp {
  const date = new Date(`${on}T00:00:00Z`);
  const month = new Intl.DateTimeFormat("en-US", { month: "short", timeZone: "UTC" }).format(date);
  return new RegExp(`${on}|${month}[a-z]*\\.? ${date.getUTCDate()}\\b`);
}
