import { expect, test } from "vitest";

import type { Intent, Message } from "../api/shapes";
import { lastNumber, merged, openIntents, withIntent } from "./messages";
import { parseRoute } from "./route";

function message(n: number, intents: Intent[] = [], text = `message ${n}`): Message {
  return { id: `m${n}`, n, role: "assistant", at: "2026-11-21T15:00:00Z", text, citations: [], intents, notices: [], cases: [] };
}

const sheet: Intent = {
  id: "i1",
  tool: "schedule_payment",
  title: "Schedule a payment",
  status: "awaiting_confirmation",
  fields: [],
  effect: "",
  expires_at: "2026-11-21T15:15:00Z",
  receipt: null,
};

test("reading the same message twice shows it once, as read last, in the server's order", () => {
  const all = merged([message(1), message(3)], [message(2), message(3, [], "as corrected")]);
  expect(all.map((one) => one.n)).toEqual([1, 2, 3]);
  expect(all[2]?.text).toBe("as corrected");
});

test("the next reading asks for what comes after the highest number", () => {
  expect(lastNumber([])).toBe(0);
  expect(lastNumber([message(7), message(2)])).toBe(7);
});

test("a settled sheet is no longer open, and the others are untouched", () => {
  const before = [message(1, [sheet]), message(2, [{ ...sheet, id: "i2" }])];
  const after = withIntent(before, { ...sheet, status: "confirmed" });
  expect(openIntents(after).map((intent) => intent.id)).toEqual(["i2"]);
  expect(after[1]).toBe(before[1]);
});

test.each([
  ["/", "sign-in", null],
  ["/chat", "chat", null],
  ["/disputes", "disputes", null],
  ["/disputes/1", "unknown", null],
  ["/desk/", "desk", null],
  ["/audit/0192-a", "audit", "0192-a"],
  ["/evals/run%201", "evals", "run 1"],
  ["/evals/%E0", "evals", "%E0"],
  ["/desk/a/b", "unknown", null],
  ["/nowhere", "unknown", null],
] as const)("the path %s is %s", (path, page, id) => {
  expect(parseRoute(path)).toEqual({ page, id });
});

test("a customer without a conversation has a page on the desk", () => {
  expect(parseRoute("/desk/customers/0192-c")).toEqual({ page: "desk", id: null, customer: "0192-c" });
  for (const path of ["/desk/customers", "/desk/customers/a/b"]) expect(parseRoute(path).page).toBe("unknown");
});
