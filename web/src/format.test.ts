import { describe, expect, test } from "vitest";

import { blocks, centsOf, day, digestOrName, fullInstant, instant, moment, money, pieces, points, rate, shortDigest, title, words } from "./format";

describe("money", () => {
  test.each([
    [0, "$0.00"],
    [5, "$0.05"],
    [-5, "−$0.05"],
    [123456, "$1,234.56"],
    [-100, "−$1.00"],
    [100000000000, "$1,000,000,000.00"],
  ])("%i cents is %s", (cents, words) => {
    expect(money(cents)).toBe(words);
  });

  test("a fraction of a cent is refused, not rounded", () => {
    expect(() => money(0.5)).toThrow(RangeError);
  });

  test("Spanish as spoken in the United States writes the same figure", () => {
    expect(money(123456, "es")).toBe("$1,234.56");
  });
});

test("a rate in parts per million is a percentage with two digits", () => {
  expect(rate(240_000)).toBe("24.00%");
  expect(rate(59_900)).toBe("5.99%");
});

test("a difference carries its sign", () => {
  expect([points(-21_500), points(0), points(4_000)]).toEqual(["−2.15 pt", "0.00 pt", "+0.40 pt"]);
});

test("a business date never shifts with the zone", () => {
  expect(day("2026-12-01")).toBe("Dec 1, 2026");
  expect(day("2026-12-01", "en", "long")).toBe("Tuesday, December 1, 2026");
  expect(day("not a date")).toBe("not a date");
});

test("an instant is shown in the lender's zone", () => {
  expect(instant("2026-11-21T15:00:00Z", "America/New_York")).toMatch(/^Nov 21, 10:00\sAM$/);
});

test("what was said today has its time, and any other day its date", () => {
  const said = (at: string, today: string) => moment(at, "America/Los_Angeles", today);
  expect(said("2026-11-23T18:00:00Z", "2026-11-23")).toMatch(/^10:00\sAM$/);
  expect(said("2026-11-23T18:00:00Z", "2026-11-24")).toMatch(/^Nov 23, 10:00\sAM$/);
  expect(said("2026-11-23T18:00:00Z", "2027-01-02")).toMatch(/^Nov 23, 2026, 10:00\sAM$/);
  // Late in the evening it is tomorrow elsewhere.
  expect(said("2026-11-24T07:30:00Z", "2026-11-23")).toMatch(/^11:30\sPM$/);
  expect(said("not an instant", "2026-11-23")).toBe("not an instant");
  expect(fullInstant("2026-11-23T18:00:00Z", "America/Los_Angeles")).toMatch(/^Monday, November 23, 2026 at 10:00:00\sAM PST$/);
});

test("citation marks are found, and nothing else that stands in brackets", () => {
  expect(pieces("Sixty days. [1][12] See [note].")).toEqual([
    { kind: "text", text: "Sixty days. " },
    { kind: "mark", marker: 1 },
    { kind: "mark", marker: 12 },
    { kind: "text", text: " See [note]." },
  ]);
});

test("a list keeps the steps of its lines", () => {
  expect(blocks("It is made of:\n- interest: $23.33\n-   average balance: $1,144.46\n-     days: 31\nAsk for more.")).toEqual([
    { kind: "text", text: "It is made of:" },
    {
      kind: "list",
      lines: [
        { depth: 0, text: "interest: $23.33" },
        { depth: 1, text: "average balance: $1,144.46" },
        { depth: 2, text: "days: 31" },
      ],
    },
    { kind: "text", text: "Ask for more." },
  ]);
  expect(blocks("One line.\n\nAnother - with a dash.")).toEqual([{ kind: "text", text: "One line.\n\nAnother - with a dash." }]);
  expect(blocks("")).toEqual([]);
});

test("names and digests are shortened for reading", () => {
  expect(title("past_due")).toBe("Past due");
  expect(title("scra")).toBe("SCRA");
  expect(words("mla_apr_review")).toBe("MLA APR review");
  expect(shortDigest("sha256:0123456789abcdef")).toBe("0123456789ab");
  expect([digestOrName("ab".repeat(32)), digestOrName("all-MiniLM-L6-v2")]).toEqual(["abababababab", "all-MiniLM-L6-v2"]);
});

test.each([
  ["12", 1200],
  ["12.5", 1250],
  ["$1,5", 150],
  [" 0.07 ", 7],
  ["12.345", null],
  ["1,234.50", null],
  ["-1", null],
  ["", null],
] as const)("%s dollars are %s cents", (text, cents) => {
  expect(centsOf(text)).toBe(cents);
});
