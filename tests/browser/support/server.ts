//! Starts the built binary in sandbox mode, once for all tests, and stops it at the end. With
//! PLUMBLINE_URL set, the server that already runs there is tested instead.

import { spawn, type ChildProcess } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { findPools } from "./pools";

const START_MS = 300_000;
const STOP_MS = 20_000;

export default async function setUp(): Promise<() => Promise<void>> {
  const given = process.env["PLUMBLINE_URL"];
  const stopServer = given === undefined ? await startServer() : async () => undefined;
  process.env["BROWSER_POOLS"] = JSON.stringify(await findPools(process.env["PLUMBLINE_URL"] ?? ""));
  return stopServer;
}

async function startServer(): Promise<() => Promise<void>> {
  const binary = resolve(process.env["PLUMBLINE_BIN"] ?? "../../target/debug/plumbline");
  const state = await mkdtemp(join(tmpdir(), "plumbline-browser-"));
  // The cluster runs as an unprivileged user when the tests are run by root.
  await chmod(state, 0o755);
  const server = spawn(binary, ["serve", "--sandbox", "--port", "0"], {
    cwd: resolve("../.."),
    env: { ...process.env, PLUMBLINE_STATE: state },
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.env["PLUMBLINE_URL"] = await addressOf(server);
  process.env["PLUMBLINE_BIN"] = binary;
  return async () => {
    await stop(server);
    await rm(state, { recursive: true, force: true });
  };
}

/** The first address the server prints. */
function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let said = "";
    const timer = setTimeout(() => failed(new Error(`the server printed no address in ${START_MS} ms:\n${said}`)), START_MS);
    const listen = (piece: Buffer) => {
      said += piece.toString();
      const address = /https?:\/\/[\w.-]+:\d+/.exec(said)?.[0];
      if (address === undefined) return;
      clearTimeout(timer);
      found(address);
    };
    server.stdout?.on("data", listen);
    server.stderr?.on("data", listen);
    server.once("error", failed);
    server.once("exit", (code) => failed(new Error(`the server ended with ${code} before it printed an address:\n${said}`)));
  });
}

function stop(server: ChildProcess): Promise<void> {
  return new Promise((stopped) => {
    if (server.exitCode !== null) return stopped();
    const timer = setTimeout(() => server.kill("SIGKILL"), STOP_MS);
    server.once("exit", () => {
      clearTimeout(timer);
      stopped();
    });
    server.kill("SIGTERM");
  });
}
