//! The shapes of docs/api.md, word for word. Amounts are integer cents, rates parts per million,
//! `…_on` is a date (YYYY-MM-DD) and `…_at` an instant (RFC 3339).

export type Role = "customer" | "representative" | "compliance" | "engineer";

export interface Actor {
  role: Role;
  id: string;
  name: string;
}

export interface ServedConfiguration {
  digest: string;
  prompt: string;
  model: string;
  corpus: string;
  embedder: string;
  guards: string;
}

/** Why no trusted verdict stands behind what is served. */
export interface Unattested {
  reason: "nothing_promoted" | "no_verdict" | "untrusted" | "not_passed" | "differs";
  text: string;
  /** Under `differs`: the parts that are not those the promoted verdict is about. */
  differences: { part: string; served: string; judged: string }[];
}

export interface Status {
  mode: string;
  version: string;
  now: string;
  today: string;
  clock: "system" | "manual";
  zone: string;
  released: boolean;
  attested: boolean;
  unattested: Unattested | null;
  model: { name: string; stand_in: boolean };
  served_configuration: ServedConfiguration | null;
}

export interface SandboxCustomer {
  id: string;
  name: string;
  archetype: string | null;
  summary: string | null;
  credit_line_id: string | null;
}

export interface People {
  customers: SandboxCustomer[];
  staff: { id: string; name: string; role: Exclude<Role, "customer"> }[];
}

export interface Flag {
  kind: string;
  raised_on: string;
}

/** A flag as staff see it. */
export interface DeskFlag extends Flag {
  /** Who or what raised it, in a few words. */
  source?: string;
}

export interface Position {
  as_of: string;
  credit_line: {
    id: string;
    product: string;
    status: string;
    credit_limit_cents: number;
    apr_ppm: number;
    opened_on: string;
  };
  principal_balance_cents: number;
  billed_interest_cents: number;
  accrued_interest_cents: number;
  fees_cents: number;
  credit_balance_cents: number;
  total_owed_cents: number;
  available_credit_cents: number;
  statement_balance_cents: number;
  minimum_due_cents: number;
  due_on: string | null;
  past_due_cents: number;
  days_past_due: number;
  flags: Flag[];
}

export interface Passage {
  citation: string;
  document: string;
  title: string;
  section: string;
  version: number;
  effective_on: string;
  audience: string;
  text: string;
  digest: string;
}

export interface Citation {
  /** The number of its mark: `[1]` in the text is `1`. */
  marker: number;
  citation: string;
  title: string;
  section: string;
}

/** One line of a sheet or receipt; the words are the server's. */
export interface SheetField {
  name: string;
  label: string;
  text: string;
}

export interface Receipt {
  id: string;
  intent_id: string | null;
  kind: string;
  reference: string;
  at: string;
  text: string;
  fields: SheetField[];
}

export type IntentStatus = "awaiting_confirmation" | "confirmed" | "refused" | "expired" | "superseded";

export interface Intent {
  id: string;
  tool: string;
  title: string;
  status: IntentStatus;
  fields: SheetField[];
  effect: string;
  expires_at: string;
  receipt: Receipt | null;
}

export interface Notice {
  kind: string;
  title: string;
  html: string;
  digest: string;
  url?: string | null;
}

export interface CaseReference {
  reference: string;
  kind: string;
  text?: string | null;
}

export interface ToolCall {
  id: string;
  tool: string;
  version: string;
  effect: string;
  arguments: unknown;
  outcome: "answered" | "proposed" | "refused" | "failed";
  error: string | null;
  fields: { name: string; label: string; kind: string; text: string }[];
  latency_ms: number;
}

export interface EvidencePassage {
  ref: string;
  citation: string;
  title: string;
  section: string;
  text: string;
  digest: string;
}

export interface Verdict {
  guard: string;
  answer: "allow" | "ask" | "deny" | "hand_off" | "case";
  reason: string | null;
}

export interface LeafMark {
  id: string;
  kind: string;
  n: number;
  index: number | null;
}

export interface Evidence {
  turn_id: string;
  attested: boolean;
  served_configuration: ServedConfiguration | null;
  tool_calls: ToolCall[];
  passages: EvidencePassage[];
  verdicts: Verdict[];
  repairs: number;
  /** Absent until the server has named them. */
  leaves?: LeafMark[];
}

export interface Message {
  id: string;
  n: number;
  role: "customer" | "assistant" | "representative" | "system";
  at: string;
  text: string;
  author?: string | null;
  attested?: boolean | null;
  citations: Citation[];
  intents: Intent[];
  notices: Notice[];
  cases: CaseReference[];
  evidence?: Evidence | null;
}

export type ConversationStatus = "assistant" | "waiting" | "representative" | "closed";

export interface HandOff {
  reference: string;
  reason: string;
  opened_at: string;
  claimed_by: string | null;
}

export interface Conversation {
  id: string;
  status: ConversationStatus;
  customer_id: string;
  answering?: boolean;
  hand_off?: HandOff | null;
  messages: Message[];
}

export interface CaseRecord {
  id: string;
  reference: string;
  kind: string;
  status: string;
  /** What the customer said. */
  words: string;
  opened_at: string;
  due_on: string;
  note: string | null;
  /** The flag that closing the case may clear. */
  flag?: string | null;
}

/** A customer as staff see them, with or without a conversation. */
export interface StaffCustomer {
  customer: { id: string; name: string };
  position: Position | null;
  flags: DeskFlag[];
  open_cases: CaseRecord[];
  latest_conversation_id?: string | null;
}

/** What staff and compliance see of a conversation. */
export interface StaffConversation extends Conversation, StaffCustomer {
  /** Of the hand-off that stands: the representative who has it. */
  claimed_by_id?: string | null;
}

/** A customer in the desk's list. */
export interface ListedCustomer {
  customer: { id: string; name: string };
  flags: string[];
}

export interface QueueItem {
  kind: "hand_off" | "case";
  id: string;
  reference: string;
  conversation_id: string | null;
  customer: { id: string; name: string };
  reason: string;
  opened_at: string;
  due_on: string | null;
  status: string;
  claimed_by: string | null;
  /** Of a case: the flag that closing it may clear. */
  flag?: string | null;
}

export interface Payment {
  id: string;
  status: "scheduled" | "released" | "settled" | "returned" | "held_back" | "cancelled" | "pending";
  amount_cents: number;
  on: string;
  bank_account: { id: string; ending: string };
  reference: string;
  return_code: string | null;
  retry_on: string | null;
  retry_of: string | null;
  reversed: boolean;
}

export interface BankAccount {
  id: string;
  kind: "checking" | "savings";
  ending: string;
  bank_name: string;
  status: "verified" | "disabled";
}

export interface StandingAutopay {
  id: string;
  amount: "minimum" | "statement" | "fixed";
  cents: number | null;
  bank_account: BankAccount;
  authorised_at: string;
  authorization_url: string;
}

export interface AutopayDebit {
  statement_number: number;
  on: string;
  status: "planned" | "skipped" | "made" | "nothing_due" | "not_made";
  noticed_cents: number | null;
  payment_id: string | null;
  why: string | null;
}

export interface Autopay {
  standing: StandingAutopay | null;
  ended: { at: string | null; why: string | null } | null;
  debits: AutopayDebit[];
}

export interface AutopayOffer {
  title: string;
  html: string;
  digest: string;
  bank_account: BankAccount;
  first_on: string | null;
}

export interface DueDay {
  day: number;
  old_due_on: string;
  closes_on: string;
  due_on: string;
  then_due_on: string;
}

export type DisputeSubject = { kind: "draw"; draw_id: string } | { kind: "fee"; fee: string } | { kind: "other" };

export interface Transaction {
  id: string;
  kind: string;
  effective_on: string;
  recorded_at: string;
  description: string;
  amount_cents: number;
  /** As what it is disputed, where it can be by itself. */
  subject: DisputeSubject | null;
}

export interface Refund {
  id: string;
  reference: string;
  status: "requested" | "pending" | "sent" | "refused";
  amount_cents: number;
  cause: "asked" | "six_months";
  pay_by: string;
  refusal: string | null;
}

export interface Dispute {
  id: string;
  case_id: string;
  customer_id: string;
  subject: DisputeSubject;
  amount_cents: number;
  words: string;
  statement_number: number | null;
  received_at: string;
  acknowledge_by: string;
  resolve_by: string;
  resolved_at: string | null;
  error_cents: number | null;
  explanation: string | null;
}

/** A dispute as staff see it. */
export interface DeskDispute extends Dispute {
  /** A finding that a second person has to agree to. */
  waiting: { id: string; error_cents: number; asked_by: string } | null;
}

/** A payment as staff see it. */
export interface DeskPayment extends Payment {
  reversal: "waiting" | "done" | null;
}

interface Staff {
  id: string;
  name: string | null;
}

/** What one member of staff asked for, and another does. */
export interface Countersignature {
  id: string;
  act: "reverse_payment" | "credit_dispute" | "send_cheque";
  payment_id: string | null;
  dispute_id: string | null;
  cheque_id: string | null;
  customer: { id: string; name: string };
  amount_cents: number;
  /** With the interest and fees that go back beside an error. */
  in_all_cents: number;
  reason: string;
  asked_by: Staff;
  asked_at: string;
  decided_by: Staff | null;
  outcome: "done" | "refused" | null;
  note: string | null;
}

/** A credit balance that goes back by cheque. */
export interface Cheque {
  id: string;
  number: string;
  amount_cents: number;
  sent_on: string;
  status: "waiting" | "sent" | "refused" | "voided";
  void_reason: string | null;
}

/** A draw that does not leave until a person has looked at it. */
export interface WaitingDraw {
  id: string;
  reference: string;
  customer: { id: string; name: string };
  amount_cents: number;
  rail: "standard" | "instant";
  bank_account: BankAccount;
  account_added_at: string;
  review: "waiting" | "set_aside";
  held_at: string;
}

export interface Decision {
  id: string;
  outcome: string;
  decided_on: string;
  reasons: { code: string; text: string }[];
  notice_url: string | null;
}

export interface AuditItem {
  id: string;
  customer: { id: string; name: string };
  started_at: string;
  turns: number;
  flags: Flag[];
  attested: boolean;
}

export interface Verification {
  ok: boolean;
  checked: { leaves: number; erased: number; checkpoint_size: number | null; trusted: boolean };
  problems: { fault: string; at: string; message: string }[];
}

/** A statement in the list; the document itself is opened by its number. */
export interface Statement {
  number: number;
  opened_on: string;
  closed_on: string;
  due_on: string;
  new_balance_cents: number;
  minimum_due_cents: number;
}

/** What a customer was told by e-mail or letter. */
export interface SentMessage {
  id: string;
  kind: string;
  subject: string;
  language: string;
  state: "waiting" | "sending" | "sent" | "deferred" | "bounced" | "on_paper" | "not_sent";
  why: string | null;
  recipient: "customer" | "former_address" | "new_address";
  written_at: string;
  sent_at: string | null;
}

export interface WholeMessage extends SentMessage {
  address: string;
  text: string;
  digest: string;
  code: string | null;
}

/** How the customer is reached; `agreed_at` is absent where they get paper. */
export interface Contact {
  email: string;
  phone: string;
  postal: string[] | null;
  agreed_at: string | null;
  ended: "withdrawn" | "bounced" | null;
  limits: ContactLimits;
}

/** When and by which way a customer must not be asked for money. */
export interface ContactLimits {
  not_between: { from: string; until: string }[];
  at_work: boolean;
}

export interface PageOf<T> {
  items: T[];
  next_cursor?: string | null;
}
