//! Reads the turn's stream (docs/api.md): server-sent events, one JSON object per `data:` line, in
//! the AI SDK UI-message form. Text that has arrived is final, so a reader only ever appends.

import type { CaseReference, Citation, ConversationStatus, Intent, Notice } from "./shapes";

export type StreamPart =
  | { type: "start"; messageId: string }
  | { type: "text-start"; id: string }
  | { type: "text-delta"; id: string; delta: string }
  | { type: "text-end"; id: string }
  | { type: "tool-input-available"; toolCallId: string; toolName: string; input: unknown }
  | { type: "tool-output-available"; toolCallId: string; output: { outcome?: string } }
  | { type: "data-intent"; id?: string; data: Intent }
  | { type: "data-notice"; data: Notice }
  | { type: "data-case"; data: CaseReference }
  | { type: "data-citation"; data: Citation }
  | { type: "data-status"; data: { status: ConversationStatus } }
  | { type: "error"; errorText: string }
  | { type: "finish" };

const KNOWN: ReadonlySet<string> = new Set([
  "start",
  "text-start",
  "text-delta",
  "text-end",
  "tool-input-available",
  "tool-output-available",
  "data-intent",
  "data-notice",
  "data-case",
  "data-citation",
  "data-status",
  "error",
  "finish",
]);

/** Splits text that arrives in arbitrary pieces into the `data` of whole server-sent events. */
export class EventSplitter {
  private pending = "";
  private data: string[] = [];

  /** The events that `piece` completed. */
  push(piece: string): string[] {
    const events: string[] = [];
    this.pending += piece;
    for (;;) {
      const end = lineEnd(this.pending);
      if (end === null) return events;
      const line = this.pending.slice(0, end.at);
      this.pending = this.pending.slice(end.at + end.width);
      this.takeLine(line, events);
    }
  }

  private takeLine(line: string, events: string[]): void {
    if (line === "") {
      if (this.data.length > 0) events.push(this.data.join("\n"));
      this.data = [];
    } else if (line === "data" || line.startsWith("data:")) {
      const value = line.slice(5);
      this.data.push(value.startsWith(" ") ? value.slice(1) : value);
    }
  }
}

/** A line ends with LF, CRLF or CR; a CR that is last so far waits, for an LF may follow. */
function lineEnd(text: string): { at: number; width: number } | null {
  const at = text.search(/[\r\n]/);
  if (at === -1) return null;
  if (text[at] === "\n") return { at, width: 1 };
  if (at + 1 === text.length) return null;
  return { at, width: text[at + 1] === "\n" ? 2 : 1 };
}

/** One event's data as a part; `null` for a part this page does not know, which is skipped. */
export function parsePart(data: string): StreamPart | null {
  const value: unknown = JSON.parse(data);
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  return typeof value.type === "string" && KNOWN.has(value.type) ? (value as StreamPart) : null;
}

/** The stream ended without its `finish` and `[DONE]`. What was released before stands. */
export class StreamCut extends Error {
  constructor() {
    super("the stream ended before the turn was finished");
    this.name = "StreamCut";
  }
}

/** Every part in order, ending at `[DONE]`; throws `StreamCut` when the body ends before it. */
export async function* readParts(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamPart> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const splitter = new EventSplitter();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }) as const);
      if (done) throw new StreamCut();
      for (const data of splitter.push(decoder.decode(value, { stream: true }))) {
        if (data === "[DONE]") return;
        const part = parsePart(data);
        if (part !== null) yield part;
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** A reply as far as it has arrived. */
export interface Draft {
  messageId: string | null;
  text: string;
  working: string[];
  citations: Citation[];
  intents: Intent[];
  notices: Notice[];
  cases: CaseReference[];
  status: ConversationStatus | null;
  error: string | null;
  finished: boolean;
}

export function emptyDraft(): Draft {
  return {
    messageId: null,
    text: "",
    working: [],
    citations: [],
    intents: [],
    notices: [],
    cases: [],
    status: null,
    error: null,
    finished: false,
  };
}

/** `draft` with `part` added: a pure fold, so the same parts always give the same reply. */
export function applyPart(draft: Draft, part: StreamPart): Draft {
  switch (part.type) {
    case "start":
      return { ...draft, messageId: part.messageId };
    case "text-start":
      return draft.text === "" ? draft : { ...draft, text: `${draft.text}\n\n` };
    case "text-delta":
      return { ...draft, text: draft.text + part.delta };
    case "tool-input-available":
      return { ...draft, working: [...draft.working, part.toolName] };
    case "data-intent":
      return { ...draft, intents: upsert(draft.intents, part.data, (intent) => intent.id) };
    case "data-notice":
      return { ...draft, notices: upsert(draft.notices, part.data, (notice) => notice.digest) };
    case "data-case":
      return { ...draft, cases: upsert(draft.cases, part.data, (item) => item.reference) };
    case "data-citation":
      return { ...draft, citations: upsert(draft.citations, part.data, (citation) => citation.marker) };
    case "data-status":
      return { ...draft, status: part.data.status };
    case "error":
      return { ...draft, error: part.errorText };
    case "finish":
      return { ...draft, finished: true };
    case "text-end":
    case "tool-output-available":
      return draft;
  }
}

function upsert<T>(items: T[], item: T, keyOf: (item: T) => string | number): T[] {
  const at = items.findIndex((other) => keyOf(other) === keyOf(item));
  return at === -1 ? [...items, item] : items.with(at, item);
}
