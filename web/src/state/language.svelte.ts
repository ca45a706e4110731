//! The language of the page's own words. `say` reads rune state, so every use follows a change.

import { speak } from "../api/client";
import type { Locale } from "../format";
import { en } from "../words/en";
import { es } from "../words/es";
import { remember, recall } from "./memory";

const BOOKS = { en, es };

class Language {
  locale = $state<Locale>(first());

  choose(locale: Locale): void {
    this.locale = locale;
    remember("language", locale);
    this.apply();
  }

  /** Tells the document and the server. */
  apply(): void {
    document.documentElement.lang = this.locale;
    speak(this.locale);
  }
}

function first(): Locale {
  const kept = recall("language");
  if (kept === "en" || kept === "es") return kept;
  return navigator.language.toLowerCase().startsWith("es") ? "es" : "en";
}

export const language = new Language();

/** The page's words for `key`, with `{name}` filled from `values`. */
export function say(key: keyof typeof en, values: Record<string, string> = {}): string {
  return BOOKS[language.locale][key].replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
