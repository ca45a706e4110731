//! What the tests share: a browser window per person, and a page that must stay clean: no script
//! error, nothing the content security policy had to stop, nothing asked of another host.

import { expect, test as base, type APIRequestContext, type Browser, type Page } from "@playwright/test";

import { customerOf, staffOf, type Person, type Pool, type StaffRole } from "./people";

export interface Window {
  page: Page;
  /** Requests as this person, with the page's own session. */
  request: APIRequestContext;
}

export interface CustomerWindow extends Window {
  customer: Person;
}

interface Fixtures {
  asCustomer: (pool: Pool, nth: number, options?: WindowOptions) => Promise<CustomerWindow>;
  /** The first of a role, or the `nth`. */
  asStaff: (role: StaffRole, options?: WindowOptions, nth?: number) => Promise<Window>;
  asNobody: (options?: WindowOptions) => Promise<Window>;
}

export type WindowOptions = Parameters<Browser["newContext"]>[0];

export const PHONE: WindowOptions = { viewport: { width: 360, height: 740 }, hasTouch: true };
export const DESK: WindowOptions = { viewport: { width: 1440, height: 900 } };

export const test = base.extend<Fixtures & { windows: (options?: WindowOptions) => Promise<Window> }>({
  baseURL: async ({}, use) => use(process.env["PLUMBLINE_URL"]),
  windows: async ({ browser, baseURL }, use) => {
    const wrong: string[] = [];
    const opened: Window[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ baseURL, locale: "en-US", reducedMotion: "reduce", ...options });
      const page = await context.newPage();
      watch(page, new URL(baseURL ?? "http://127.0.0.1").host, wrong);
      const window = { page, request: context.request };
      opened.push(window);
      return window;
    });
    for (const { page } of opened) await page.context().close();
    expect(wrong).toEqual([]);
  },
  asNobody: async ({ windows }, use) => use(windows),
  asCustomer: async ({ windows }, use) => {
    await use(async (pool, nth, options = {}) => {
      const window = await windows(options);
      const customer = customerOf(pool, nth);
      await signIn(window.request, "customer", customer.id);
      await window.page.goto("/chat");
      await expect(window.page.getByRole("textbox", { name: "Your message" })).toBeEnabled();
      return { ...window, customer };
    });
  },
  asStaff: async ({ windows }, use) => {
    await use(async (role, options = DESK, nth = 0) => {
      const window = await windows(options);
      await signIn(window.request, role, (await staffOf(window.request, role, nth)).id);
      return window;
    });
  },
});

export { expect };

async function signIn(request: APIRequestContext, role: string, id: string): Promise<void> {
  const answer = await request.post("/v1/sandbox/sign-in", { data: { role, id } });
  expect(answer.ok(), await answer.text()).toBe(true);
}

function watch(page: Page, host: string, wrong: string[]): void {
  page.on("pageerror", (error) => wrong.push(`script error: ${error.message}`));
  page.on("console", (message) => {
    // A request that is refused stands in the console too: no page asks for what is known not to be there (401, 404). A connection
    // that a test cuts is none, nor is another refusal that a test brings about, such as of a sheet that has expired.
    const brought = /net::ERR_|status of (?!401|404)\d{3}/.test(message.text());
    if (message.type() === "error" && !brought) wrong.push(`${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.host !== host) wrong.push(`asked another host: ${request.url()}`);
  });
}
