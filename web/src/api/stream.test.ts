import { describe, expect, test } from "vitest";

import type { Intent } from "./shapes";
import { applyPart, emptyDraft, EventSplitter, parsePart, readParts, StreamCut, type StreamPart } from "./stream";

const encoder = new TextEncoder();

function bodyOf(...pieces: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
      controller.close();
    },
  });
}

async function collect(body: ReadableStream<Uint8Array>): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of readParts(body)) parts.push(part);
  return parts;
}

function line(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

const intent: Intent = {
  id: "i1",
  tool: "schedule_payment",
  title: "Schedule a payment",
  status: "awaiting_confirmation",
  fields: [],
  effect: "",
  expires_at: "2026-11-21T15:15:00Z",
  receipt: null,
};

describe("events are found whatever the pieces they arrive in", () => {
  const whole = 'data: {"a":1}\r\n\r\n: a comment\nevent: x\ndata: two\ndata: lines\n\ndata:[DONE]\r\r';
  const expected = ['{"a":1}', "two\nlines", "[DONE]"];

  test("in one piece", () => {
    const splitter = new EventSplitter();
    expect(splitter.push(`${whole}\n`)).toEqual(expected);
  });

  test("cut at every place", () => {
    for (let at = 0; at <= whole.length; at += 1) {
      const splitter = new EventSplitter();
      const events = [...splitter.push(whole.slice(0, at)), ...splitter.push(whole.slice(at)), ...splitter.push("\n")];
      expect(events, `cut at ${at}`).toEqual(expected);
    }
  });

  test("an event without its blank line has not happened yet", () => {
    const splitter = new EventSplitter();
    expect(splitter.push('data: {"a":1}\n')).toEqual([]);
    expect(splitter.push("\n")).toEqual(['{"a":1}']);
  });
});

describe("reading a turn", () => {
  test("parts come in order and end at [DONE]", async () => {
    const parts = await collect(bodyOf(line({ type: "start", messageId: "m1" }), line({ type: "finish" }), "data: [DONE]\n\n", line({ type: "error", errorText: "late" })));
    expect(parts).toEqual([{ type: "start", messageId: "m1" }, { type: "finish" }]);
  });

  test("a letter cut between two pieces is read whole", async () => {
    const bytes = encoder.encode(`${line({ type: "text-delta", id: "t", delta: "¿Mañana?" })}data: [DONE]\n\n`);
    const cut = bytes.indexOf(0xb1);
    const parts = await collect(bodyOf(bytes.slice(0, cut), bytes.slice(cut)));
    expect(parts).toEqual([{ type: "text-delta", id: "t", delta: "¿Mañana?" }]);
  });

  test("a stream that stops early is a cut, after what had arrived", async () => {
    const seen: StreamPart[] = [];
    const reading = (async () => {
      for await (const part of readParts(bodyOf(line({ type: "text-delta", id: "t", delta: "You owe " })))) seen.push(part);
    })();
    await expect(reading).rejects.toBeInstanceOf(StreamCut);
    expect(seen).toHaveLength(1);
  });

  test("a part of a later server is skipped", () => {
    expect(parsePart('{"type":"data-weather","data":{}}')).toBeNull();
    expect(parsePart("[]")).toBeNull();
  });
});

describe("a reply is the fold of its parts", () => {
  const fold = (parts: StreamPart[]) => parts.reduce(applyPart, emptyDraft());

  test("clauses are joined as they came, and a second text begins a paragraph", () => {
    const draft = fold([
      { type: "text-start", id: "a" },
      { type: "text-delta", id: "a", delta: "You owe $5.00. " },
      { type: "text-delta", id: "a", delta: "It is due." },
      { type: "text-end", id: "a" },
      { type: "text-start", id: "b" },
      { type: "text-delta", id: "b", delta: "Anything else?" },
      { type: "finish" },
    ]);
    expect(draft.text).toBe("You owe $5.00. It is due.\n\nAnything else?");
    expect(draft.finished).toBe(true);
  });

  test("a sheet sent again replaces itself and adds nothing", () => {
    const draft = fold([
      { type: "data-intent", id: "i1", data: intent },
      { type: "data-intent", id: "i1", data: { ...intent, status: "superseded" } },
    ]);
    expect(draft.intents).toEqual([{ ...intent, status: "superseded" }]);
  });

  test("no part takes text away", () => {
    const parts: StreamPart[] = [
      { type: "start", messageId: "m" },
      { type: "text-delta", id: "a", delta: "Said." },
      { type: "tool-input-available", toolCallId: "c", toolName: "get_balance", input: {} },
      { type: "tool-output-available", toolCallId: "c", output: { outcome: "answered" } },
      { type: "data-case", data: { reference: "C-1", kind: "bankruptcy" } },
      { type: "data-notice", data: { kind: "adverse_action", title: "Notice", html: "<p>x</p>", digest: "d" } },
      { type: "data-citation", data: { marker: 1, citation: "a@1#b", title: "A", section: "B" } },
      { type: "data-status", data: { status: "waiting" } },
      { type: "error", errorText: "model unavailable" },
      { type: "finish" },
    ];
    let draft = emptyDraft();
    for (const part of parts) {
      const next = applyPart(draft, part);
      expect(next.text.startsWith(draft.text)).toBe(true);
      draft = next;
    }
    expect(draft).toMatchObject({ messageId: "m", status: "waiting", error: "model unavailable", working: ["get_balance"] });
    expect(draft.cases).toHaveLength(1);
    expect(draft.notices).toHaveLength(1);
    expect(draft.citations).toHaveLength(1);
  });
});
