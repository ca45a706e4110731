//! One conversation as the customer's page holds it: what the server has recorded, the reply that
//! is arriving, and the message on its way out. The server's record always wins; what is still
//! only in the page is shown as such and is never dropped.

import { ask, asProblem, get, mintKey, post, Problem } from "../api/client";
import type { Conversation, ConversationStatus, HandOff, Intent, Message, PageOf } from "../api/shapes";
import { applyPart, emptyDraft, readParts, StreamCut, type Draft } from "../api/stream";
import { merged, lastNumber, openIntents, withIntent } from "./messages";
import { tab } from "./memory";
import { noticeLostSession } from "./session.svelte";

const POLL_MS = 2_000;
const CATCH_UP_MS = 1_000;
const CATCH_UP_TRIES = 60;

/** Where the tab keeps words that have not reached the server; the composer reads it too. */
const UNSENT = "unsent.chat";

export interface Outgoing {
  text: string;
  /** Kept for every attempt to send this text, so that it can be said only once. */
  key: string;
  conversationKey: string;
  state: "sending" | "answering" | "failed" | "cut" | "interrupted";
  /** Whether it stands among the messages already. */
  recorded: boolean;
}

export class Talk {
  id = $state<string | null>(null);
  status = $state<ConversationStatus>("assistant");
  handOff = $state<HandOff | null>(null);
  messages = $state.raw<Message[]>([]);
  draft = $state.raw<Draft | null>(null);
  outgoing = $state<Outgoing | null>(null);
  problem = $state<Problem | null>(null);
  /** What a screen reader is told: a whole reply, once. */
  announcement = $state("");
  opened = $state(false);
  askingPerson = $state(false);

  private personKey: string | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private closed = false;

  constructor(private readonly onreply: (messages: Message[]) => void) {}

  get busy(): boolean {
    const state = this.outgoing?.state;
    return state === "sending" || state === "answering" || state === "cut";
  }

  /** Reads the newest conversation, if there is one. */
  async open(): Promise<void> {
    this.problem = null;
    try {
      const { items } = await get<PageOf<{ id: string }>>("/v1/conversations");
      const newest = items[0];
      if (newest !== undefined) {
        this.id = newest.id;
        await this.refresh();
      }
      this.opened = true;
      this.watch();
    } catch (cause) {
      this.problem = noticeLostSession(asProblem(cause));
    }
  }

  close(): void {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  async send(text: string): Promise<void> {
    if (this.busy) return;
    this.outgoing = { text, key: mintKey(), conversationKey: mintKey(), state: "sending", recorded: false };
    await this.deliver();
  }

  /** The same message again, with the same key. */
  async retry(): Promise<void> {
    if (this.outgoing === null || this.busy) return;
    this.outgoing.state = "sending";
    await this.deliver();
  }

  /** Takes back a message that was not sent. */
  takeBack(): string {
    const text = this.outgoing?.text ?? "";
    this.outgoing = null;
    this.draft = null;
    this.problem = null;
    return text;
  }

  async talkToPerson(): Promise<void> {
    if (this.askingPerson) return;
    this.askingPerson = true;
    this.problem = null;
    this.personKey ??= mintKey();
    try {
      const id = await this.ensure(mintKey());
      this.take(await post<Conversation>(`/v1/conversations/${id}/hand-off`, { body: {}, key: this.personKey }));
      this.personKey = null;
    } catch (cause) {
      this.problem = noticeLostSession(asProblem(cause));
    } finally {
      this.askingPerson = false;
      this.watch();
    }
  }

  replaceIntent(intent: Intent): void {
    this.messages = withIntent(this.messages, intent);
  }

  /** Reads what is new, and the state of every sheet still open. */
  async refresh(): Promise<void> {
    if (this.id === null) return;
    const after = lastNumber(this.messages);
    this.take(await get<Conversation>(`/v1/conversations/${this.id}?after=${after}`));
  }

  /** Tries again after trouble that no message of the customer's was part of. */
  async recover(): Promise<void> {
    if (!this.opened) return await this.open();
    try {
      await this.refresh();
      this.problem = null;
    } catch (cause) {
      this.problem = noticeLostSession(asProblem(cause));
    }
  }

  async refreshIntents(): Promise<void> {
    const open = openIntents(this.messages);
    const read = await Promise.allSettled(open.map((intent) => get<Intent>(`/v1/intents/${intent.id}`)));
    for (const result of read) if (result.status === "fulfilled") this.replaceIntent(result.value);
  }

  private take(conversation: Conversation): Message[] {
    this.status = conversation.status;
    this.handOff = conversation.hand_off ?? null;
    const known = new Set(this.messages.map((message) => message.id));
    const fresh = conversation.messages.filter((message) => !known.has(message.id));
    if (fresh.length > 0) this.messages = merged(this.messages, fresh);
    return fresh;
  }

  private async ensure(key: string): Promise<string> {
    if (this.id !== null && this.status !== "closed") return this.id;
    const { id } = await post<{ id: string }>("/v1/conversations", { body: {}, key });
    this.id = id;
    this.messages = [];
    this.status = "assistant";
    return id;
  }

  private async deliver(): Promise<void> {
    const outgoing = this.outgoing;
    if (outgoing === null) return;
    this.problem = null;
    this.announcement = "";
    let response: Response;
    try {
      const id = await this.ensure(outgoing.conversationKey);
      const act = { body: { text: outgoing.text }, key: outgoing.key, accept: "text/event-stream" };
      response = await ask("POST", `/v1/conversations/${id}/messages`, act);
    } catch (cause) {
      outgoing.state = "failed";
      if (tab.recall(UNSENT) === null) tab.remember(UNSENT, outgoing.text);
      this.problem = noticeLostSession(asProblem(cause));
      return;
    }
    outgoing.state = "answering";
    if (tab.recall(UNSENT) === outgoing.text) tab.forget(UNSENT);
    this.draft = emptyDraft();
    await this.readReply(outgoing, response);
    this.watch();
  }

  private async readReply(outgoing: Outgoing, response: Response): Promise<void> {
    try {
      if (response.body === null) throw new StreamCut();
      let draft = emptyDraft();
      for await (const part of readParts(response.body)) {
        draft = applyPart(draft, part);
        this.draft = draft;
        if (part.type === "data-status") this.status = part.data.status;
      }
      await this.settle();
    } catch {
      outgoing.state = "cut";
      await this.catchUp(outgoing);
    }
  }

  /** The turn is over: the record replaces what the page drew by itself. */
  private async settle(): Promise<void> {
    await this.settleWith(await this.readNew());
  }

  private async settleWith(fresh: Message[]): Promise<void> {
    const error = this.draft?.error ?? null;
    this.outgoing = null;
    this.draft = null;
    if (error !== null) this.problem = new Problem(200, "turn", error);
    this.announce(fresh);
    this.onreply(fresh);
    await this.refreshIntents();
  }

  private async readNew(): Promise<Message[]> {
    const before = new Set(this.messages.map((message) => message.id));
    await this.refresh();
    return this.messages.filter((message) => !before.has(message.id));
  }

  /** The stream was cut: the turn goes on at the server, so its record is read until it is there. */
  private async catchUp(outgoing: Outgoing): Promise<void> {
    const before = new Set(this.messages.map((message) => message.id));
    for (let tries = 0; tries < CATCH_UP_TRIES && !this.closed; tries += 1) {
      await pause(CATCH_UP_MS);
      try {
        const read = await get<Conversation>(`/v1/conversations/${this.id}?after=${lastNumber(this.messages)}`);
        if (read.answering === true) continue;
        const answered = read.messages.some((message) => message.role !== "customer");
        if (!answered && read.answering === undefined) continue;
        const fresh = this.take(read);
        outgoing.recorded ||= fresh.some((message) => message.role === "customer");
        if (answered) return await this.settleWith(this.messages.filter((message) => !before.has(message.id)));
        break;
      } catch (cause) {
        if (noticeLostSession(asProblem(cause)).status === 401) break;
      }
    }
    outgoing.state = "interrupted";
  }

  /** While a person may answer, the record is read again every two seconds. */
  private watch(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.closed || (this.status !== "waiting" && this.status !== "representative")) return;
    this.timer = setTimeout(() => void this.poll(), POLL_MS);
  }

  private async poll(): Promise<void> {
    if (!this.busy) {
      try {
        const fresh = await this.readNew();
        if (this.problem?.status === 0) this.problem = null;
        this.announce(fresh);
        if (fresh.length > 0) this.onreply(fresh);
      } catch (cause) {
        this.problem = noticeLostSession(asProblem(cause));
      }
    }
    this.watch();
  }

  private announce(fresh: Message[]): void {
    const spoken = fresh.filter((message) => message.role !== "customer").map((message) => message.text);
    if (spoken.length > 0) this.announcement = spoken.join("\n");
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
