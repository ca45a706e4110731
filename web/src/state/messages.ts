//! Pure operations on the messages of a conversation.

import type { Intent, Message } from "../api/shapes";

/** Both lists in the server's order, each message once; the later reading of a message wins. */
export function merged(known: Message[], read: Message[]): Message[] {
  const byId = new Map(known.map((message) => [message.id, message]));
  for (const message of read) byId.set(message.id, message);
  return [...byId.values()].sort((left, right) => left.n - right.n);
}

/** The highest number seen; 0 before the first. */
export function lastNumber(messages: Message[]): number {
  return messages.reduce((highest, message) => Math.max(highest, message.n), 0);
}

/** The sheets that still wait for a confirmation, oldest first. */
export function openIntents(messages: Message[]): Intent[] {
  return messages.flatMap((message) => message.intents).filter((intent) => intent.status === "awaiting_confirmation");
}

/** The messages with `intent` in place of what they held under its id. */
export function withIntent(messages: Message[], intent: Intent): Message[] {
  return messages.map((message) =>
    message.intents.some((held) => held.id === intent.id)
      ? { ...message, intents: message.intents.map((held) => (held.id === intent.id ? intent : held)) }
      : message,
  );
}
