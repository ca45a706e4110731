//! Confirming or refusing a sheet. The key of a confirmation is minted once per sheet and kept in
//! the tab, so that a second press, a retry or a reload repeats the same act and not another.

import { asProblem, get, mintKey, post } from "../api/client";
import type { Intent, Receipt } from "../api/shapes";
import { tab } from "./memory";

/** What came of it: the sheet as it now stands, and the server's words where it said no. */
export interface Outcome {
  intent: Intent;
  said: string | null;
}

/** Throws a `Problem` only when the outcome is not known, and asking again is right. */
export async function confirm(intent: Intent): Promise<Outcome> {
  return await settle(intent, async () => {
    const receipt = await post<Receipt>(`/v1/intents/${intent.id}/confirm`, { key: keyFor(intent.id, "confirm") });
    return { ...intent, status: "confirmed", receipt };
  });
}

export async function refuse(intent: Intent): Promise<Outcome> {
  return await settle(intent, () => post<Intent>(`/v1/intents/${intent.id}/refuse`, { key: keyFor(intent.id, "refuse") }));
}

async function settle(intent: Intent, act: () => Promise<Intent>): Promise<Outcome> {
  try {
    return { intent: await act(), said: null };
  } catch (cause) {
    const problem = asProblem(cause);
    if (problem.worthRetrying || problem.status === 401) throw problem;
    return { intent: await current(intent, problem.code), said: problem.detail };
  }
}

/** The sheet as the server has it; failing that, as its refusal named it. */
async function current(intent: Intent, code: string): Promise<Intent> {
  try {
    return await get<Intent>(`/v1/intents/${intent.id}`);
  } catch {
    const status = code === "expired" || code === "superseded" ? code : "refused";
    return { ...intent, status };
  }
}

function keyFor(intentId: string, act: string): string {
  const name = `key.${act}.${intentId}`;
  const kept = tab.recall(name) ?? mintKey();
  tab.remember(name, kept);
  return kept;
}
