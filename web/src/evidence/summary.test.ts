import { expect, test } from "vitest";

import type { Evidence } from "../api/shapes";
import { summaryOf } from "./summary";

const bare: Evidence = {
  turn_id: "t",
  attested: true,
  served_configuration: null,
  tool_calls: [],
  passages: [],
  verdicts: [],
  repairs: 0,
  leaves: [],
};

test("the strictest verdict is named, and silence means none was needed", () => {
  const verdict = (answer: Evidence["verdicts"][number]["answer"]) => ({ guard: "g", answer, reason: null });
  expect(summaryOf(bare)).toBe("");
  expect(summaryOf({ ...bare, verdicts: [verdict("allow"), verdict("allow")] })).toBe("2 verdicts, all allow");
  expect(summaryOf({ ...bare, verdicts: [verdict("allow"), verdict("hand_off"), verdict("ask")] })).toBe("3 verdicts, strictest hand off");
  expect(summaryOf({ ...bare, verdicts: [verdict("case"), verdict("allow")] })).toBe("2 verdicts, strictest case");
});
