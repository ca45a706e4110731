import { defineConfig } from "@playwright/test";

/** The system's Chromium, with nothing of its own going out to the network. */
const BROWSER_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig({
  testDir: ".",
  outputDir: "../../test-results/browser",
  globalSetup: "./support/server.ts",
  retries: 0,
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  // Moving the sandbox's clock moves it for everybody, so those tests come last and alone.
  projects: [
    { name: "pages", testIgnore: /clock\.spec\.ts/ },
    { name: "clock", testMatch: /clock\.spec\.ts/, dependencies: ["pages"], fullyParallel: false },
  ],
  use: {
    browserName: "chromium",
    headless: true,
    contextOptions: { reducedMotion: "reduce" },
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: BROWSER_ARGUMENTS,
    },
    trace: "retain-on-failure",
    locale: "en-US",
  },
});
