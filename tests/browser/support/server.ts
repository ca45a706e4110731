//! Starts the built binary in sandbox mode, once for all tests, and stops it at the end. With
//! PLUMBLINE_URL set, the server that already runs there is tested instead.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const START_MS = 120_000;
const STOP_MS = 20_000;

export default async function start(): Promise<(() => Promise<void>) | undefined> {
  if (process.env["PLUMBLINE_URL"] !== undefined) return undefined;
  const binary = resolve(process.env["PLUMBLINE_BIN"] ?? "../../target/debug/plumbline");
  const state = await mkdtemp(join(tmpdir(), "plumbline-browser-"));
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
