//! Money, dates and digests as people read them. The server's figures inside messages, sheets and
//! receipts are shown as they came; these are for the page's own figures only.

export type Locale = "en" | "es";

const TAGS: Record<Locale, string> = { en: "en-US", es: "es-US" };

/** `123456` as `$1,234.56`; cents never pass through a division that could round. */
export function money(cents: number, locale: Locale = "en"): string {
  if (!Number.isSafeInteger(cents)) throw new RangeError(`cents must be a whole number, got ${cents}`);
  const whole = Math.trunc(Math.abs(cents) / 100);
  const rest = String(Math.abs(cents) % 100).padStart(2, "0");
  const grouped = new Intl.NumberFormat(TAGS[locale], { maximumFractionDigits: 0 }).format(whole);
  return `${cents < 0 ? "−" : ""}$${grouped}.${rest}`;
}

/** `12.5` as 1250; nothing where it is no amount of dollars. */
export function centsOf(text: string): number | null {
  const found = /^\$?\s*(\d{1,6})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (found === null) return null;
  return Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
}

/** `240000` ppm as `24.00%`. */
export function rate(ppm: number): string {
  const hundredths = Math.round(ppm / 100);
  return `${Math.trunc(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")}%`;
}

/** `-21500` ppm as `−2.15 pt`: a difference in percentage points, with its sign. */
export function points(ppm: number): string {
  const sign = ppm < 0 ? "−" : ppm > 0 ? "+" : "";
  return `${sign}${(Math.abs(ppm) / 10_000).toFixed(2)} pt`;
}

/** A business date. It has no zone, so it is read and written in UTC and never shifts. */
export function day(on: string, locale: Locale = "en", style: "long" | "short" = "short"): string {
  const date = new Date(`${on}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return on;
  const options: Intl.DateTimeFormatOptions =
    style === "long"
      ? { weekday: "long", month: "long", day: "numeric", year: "numeric", timeZone: "UTC" }
      : { month: "short", day: "numeric", year: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat(TAGS[locale], options).format(date);
}

/** An instant in the lender's zone. */
export function instant(at: string, zone: string, locale: Locale = "en"): string {
  return write(at, zone, locale, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
}

/** An instant as it is read beside what was said: on `today` its time alone, else its date too, and its year where that is another. */
export function moment(at: string, zone: string, today: string, locale: Locale = "en"): string {
  const on = localDay(at, zone);
  const time: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit" };
  if (on === today) return write(at, zone, locale, time);
  const year: Intl.DateTimeFormatOptions = on.slice(0, 4) === today.slice(0, 4) ? {} : { year: "numeric" };
  return write(at, zone, locale, { month: "short", day: "numeric", ...year, ...time });
}

/** An instant with nothing left out. */
export function fullInstant(at: string, zone: string, locale: Locale = "en"): string {
  return write(at, zone, locale, { dateStyle: "full", timeStyle: "long" });
}

/** The business date on which an instant lies: YYYY-MM-DD. */
function localDay(at: string, zone: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit", timeZone: zone }).format(date);
}

function write(at: string, zone: string, locale: Locale, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return new Intl.DateTimeFormat(TAGS[locale], { ...options, timeZone: zone }).format(date);
}

/** The first characters of a digest, for a glance; the whole stands in the title beside it. */
export function shortDigest(digest: string): string {
  const bare = digest.includes(":") ? digest.slice(digest.indexOf(":") + 1) : digest;
  return bare.length > 12 ? bare.slice(0, 12) : bare;
}

/** A digest by its first characters; a name, of a model or an embedder, whole. */
export function digestOrName(value: string): string {
  return /^[0-9a-f]{64}$/.test(value) ? shortDigest(value) : value;
}

/** Words of the domain that are written in capitals. */
const CAPITALS = new Set(["ach", "apr", "mla", "scra"]);

/** `past_due` as `past due`, `scra` as `SCRA`. */
export function words(name: string): string {
  const parts = name.split(/_+/).map((part) => (CAPITALS.has(part) ? part.toUpperCase() : part));
  return parts.join(" ");
}

/** `past_due` as `Past due`. */
export function title(name: string): string {
  const plain = words(name);
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

export interface Line {
  /** How far in it stands: what a figure was made from stands one step further in. */
  depth: number;
  text: string;
}
export type Block = { kind: "text"; text: string } | { kind: "list"; lines: Line[] };

/** Splits a message into its running text and its lists, whose lines begin with a dash and two spaces per step. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  for (const line of text.split("\n")) {
    const item = /^- ( *)(.*)$/.exec(line);
    const last = found.at(-1);
    if (item !== null) {
      const entry = { depth: Math.floor((item[1] ?? "").length / 2), text: item[2] ?? "" };
      if (last?.kind === "list") last.lines.push(entry);
      else found.push({ kind: "list", lines: [entry] });
    } else if (last?.kind === "text") {
      last.text += `\n${line}`;
    } else {
      found.push({ kind: "text", text: line });
    }
  }
  return found.filter((block) => block.kind === "list" || block.text.trim() !== "");
}

export type Piece = { kind: "text"; text: string } | { kind: "mark"; marker: number };

/** Splits a message at its citation marks, `[1]`. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(/\[(\d{1,3})\]/g)) {
    if (match.index > from) found.push({ kind: "text", text: text.slice(from, match.index) });
    found.push({ kind: "mark", marker: Number(match[1]) });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ kind: "text", text: text.slice(from) });
  return found;
}
