import { svelte } from "@sveltejs/vite-plugin-svelte";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

// The pages are served under a policy that allows nothing inline and nothing from elsewhere
// (docs/web.md), so no asset is ever turned into a `data:` address.
export default defineConfig(({ mode }) => {
  const { PLUMBLINE_URL } = loadEnv(mode, ".", "PLUMBLINE_");
  return {
    plugins: [svelte({ configFile: false })],
    build: { target: "es2022", assetsInlineLimit: 0, sourcemap: false },
    server: { proxy: { "/v1": PLUMBLINE_URL ?? "http://127.0.0.1:8080" } },
    test: { include: ["src/**/*.test.ts"], environment: "node" },
  };
});
