//! What a draft says was done, is promised or is asked for: bound to a receipt, or sent back.
//!
//! "I have scheduled", "your payment is cancelled", "it's all set": each deed of a clause needs a receipt of just this deed,
//! or a status of it that this turn has read. What is denied, asked or put off ("not", "can", "once you confirm") claims
//! nothing, but only where that governs the deed: "no problem, I paid it" claims. Promises of approval, deletion or a waiver are never said. Under a flag that forbids it, nothing asks
//! for money.

use toolkit::reading::{fold, tokens};

/// What proves a claim.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Kinds of the receipts that speak of what the clause speaks of: `payment_scheduled`, `payment_cancelled`.
    pub receipts: Vec<String>,
    /// Texts of this turn's fields that speak of what the clause speaks of and are no third party's: statuses among them.
    pub statuses: Vec<String>,
    /// A case was opened in this turn, or a person was asked for.
    pub recorded: bool,
    pub handed_off: bool,
    /// Nothing may ask for money.
    pub no_collection: bool,
}

/// Stems of deeds, and the receipt or status that proves them.
const DEEDS: &[(&[&str], &str)] = &[
    (&["scheduled", "programado", "programada", "agendado"], "payment_scheduled"),
    (
        &[
            "paid",
            "pagado",
            "pagada",
            "processed",
            "procesado",
            "debited",
            "charged",
            "made",
            "posted",
            "settled",
        ],
        "settled",
    ),
    (&["submitted"], "released"),
    (&["cancelled", "canceled", "cancelado", "cancelada", "stopped"], "payment_cancelled"),
    (
        &[
            "waived",
            "refunded",
            "reversed",
            "removed",
            "deleted",
            "forgiven",
            "credited",
            "eximido",
            "reembolsado",
        ],
        "never",
    ),
    (
        &[
            "changed",
            "updated",
            "increased",
            "raised",
            "lowered",
            "approved",
            "extended",
            "sent",
            "done",
            "arranged",
            "enviado",
            "hecho",
            "arreglado",
            "closed",
            "enrolled",
            "transferred",
            "drawn",
            "aprobado",
            "cambiado",
            "cerrado",
        ],
        "never",
    ),
    (
        &[
            "opened",
            "received",
            "recibido",
            "recorded",
            "reported",
            "filed",
            "logged",
            "noted",
            "registrado",
            "registrada",
            "registrados",
            "registradas",
            "anotado",
            "anotada",
            "abierto",
            "abierta",
            "recibida",
        ],
        "recorded",
    ),
    (&["connected", "routed", "escalated", "transferido", "derivado"], "handed_off"),
    (&["confirmed", "completed", "confirmado", "completado"], "settled"),
];

/// Deeds in short: the first word, what follows it within a few words, and what proves it. `receipt` is one of any kind.
const SHORT_FORMS: &[(&str, &[&str], &str)] = &[
    ("set", &["up"], "payment_scheduled"),
    ("all", &["set"], "receipt"),
    ("taken", &["care", "of"], "receipt"),
    ("took", &["care", "of"], "receipt"),
    ("put", &["through"], "settled"),
    ("went", &["through"], "settled"),
    ("gone", &["through"], "settled"),
    ("listo", &[], "receipt"),
];

/// Words between the parts of a short form, at most: "set *it* up".
const APART_MAX: usize = 3;

/// What says that something was written down, in other words than a deed's.
const ON_RECORD: &[&str] = &[
    "on record",
    "on the record",
    "it is on file",
    "it's on file",
    "that is on file",
    "that's on file",
    "this is on file",
    "put on file",
    "complaint is on file",
    "dispute is on file",
    "request is on file",
    "taken note",
    "a case is open",
    "case is now open",
    "there is a case",
    "there is now a case",
    "queda constancia",
    "quedo constancia",
    "dejado constancia",
    "deje constancia",
    "tomado nota",
    "tome nota",
    "tomamos nota",
    "registramos su",
    "registre su",
    "abri un caso",
    "abrimos un caso",
    "hay un caso",
];

const PROMISES: &[&str] = &[
    "i guarantee",
    "we guarantee",
    "guaranteed",
    "i promise",
    "we promise",
    "you will be approved",
    "you are approved",
    "i will waive",
    "we will waive",
    "i will delete",
    "we will delete",
    "i will remove",
    "we will remove",
    "legal advice is",
    "you should sue",
    "le garantizo",
    "le prometo",
    "sera aprobado",
    "nobody will call",
    "nobody will contact",
];

const COLLECTS: &[&str] = &[
    "please pay",
    "you should pay",
    "you must pay",
    "you need to pay",
    "make a payment",
    "pay now",
    "pay today",
    "schedule a payment",
    "bring your account current",
    "past due",
    "avoid a late fee",
    "late fee",
    "debe pagar",
    "por favor pague",
    "haga un pago",
    "realice un pago",
    "cargo por mora",
];

/// What is wrong with a clause, for the model; `None` when nothing is.
pub fn problem(clause: &str, proof: &Proof) -> Option<String> {
    let words: Vec<String> = tokens(&fold(clause)).into_iter().map(|token| token.norm).collect();
    let line = format!(" {} ", words.join(" "));
    let says =
        |phrases: &[&str]| phrases.iter().any(|phrase| line.contains(&format!(" {phrase} ")));
    if says(PROMISES) {
        return Some("it promises what is not ours to promise".to_owned());
    }
    if proof.no_collection && says(COLLECTS) {
        return Some("nothing may ask this customer for money now".to_owned());
    }
    if on_record(&words) && !(proof.recorded || receipt_of_payment(&words, proof)) {
        return Some("it says that something is on record, and no case was opened".to_owned());
    }
    claimed(&words).into_iter().find(|(_, wanted)| !proven(wanted, &words, proof)).map(
        |(deed, _)| format!("it says that something was {deed}, and there is no receipt for that"),
    )
}

fn proven(wanted: &str, words: &[String], proof: &Proof) -> bool {
    let status = |known: &str| proof.statuses.iter().any(|status| status == known);
    match wanted {
        "recorded" => proof.recorded || of_decision(words) || receipt_of_payment(words, proof),
        "handed_off" => proof.handed_off,
        "receipt" => !proof.receipts.is_empty(),
        "settled" => status("settled") && !mine(words),
        "released" => (status("released") || status("settled")) && !mine(words),
        kind => {
            proof.receipts.iter().any(|receipt| receipt == kind)
                || (!mine(words) && status(kind.strip_prefix("payment_").unwrap_or(kind)))
        }
    }
}

/// Words that take a deed back, or put it off.
const CONDITIONAL: &[&str] = &[
    "if", "when", "once", "until", "unless", "not", "can", "may", "could", "to", "will", "would",
    "should", "must", "no", "si", "cuando", "never", "nothing", "none", "nada", "isn't", "hasn't",
];

/// Whether a clause says that something was written down. A decision that was read is on record without our doing.
fn on_record(words: &[String]) -> bool {
    let says = |phrase: &&str| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).enumerate().any(|(at, window)| {
            let before = words.get(at.saturating_sub(4)..at).unwrap_or_default();
            window == phrase && !before.iter().any(|word| CONDITIONAL.contains(&word.as_str()))
        })
    };
    !of_decision(words) && ON_RECORD.iter().any(says)
}

fn of_decision(words: &[String]) -> bool {
    words.iter().any(|word| matches!(word.as_str(), "decision" | "decisiones" | "decisions"))
}

/// A payment that was scheduled or cancelled in this conversation is on record by its receipt.
fn receipt_of_payment(words: &[String], proof: &Proof) -> bool {
    !proof.receipts.is_empty()
        && words
            .iter()
            .any(|word| matches!(word.as_str(), "payment" | "payments" | "pago" | "pagos"))
}

/// A deed at a place: how it is said, what proves it, and how many words it takes.
fn deed_at(words: &[String], at: usize) -> Option<(String, &'static str, usize)> {
    let word = words.get(at)?;
    if let Some((_, wanted)) = DEEDS.iter().find(|(deeds, _)| deeds.contains(&word.as_str())) {
        return Some((word.clone(), wanted, 1));
    }
    SHORT_FORMS.iter().filter(|(first, ..)| first == word).find_map(|(_, rest, wanted)| {
        let said = || format!("{word} {}", rest.join(" ")).trim().to_owned();
        (0..=APART_MAX).find_map(|apart| {
            let from = at + 1 + apart;
            let between = words.get(at + 1..from)?;
            let follows = words.get(from..from + rest.len())? == *rest;
            let whole = follows && !between.iter().any(|word| parts(word));
            whole.then(|| (said(), *wanted, 1 + apart + rest.len()))
        })
    })
}

/// Every deed that is said to be done: by us, or to something of theirs.
fn claimed(words: &[String]) -> Vec<(String, &'static str)> {
    let deeds = (0..words.len()).filter_map(|at| deed_at(words, at).map(|deed| (at, deed)));
    deeds
        .filter(|(at, (deed, wanted, length))| {
            let start = words.iter().take(*at).rposition(|word| parts(word)).map_or(0, |at| at + 1);
            let span = words.get(start..*at).unwrap_or_default();
            let next = words.get(at + length).map(String::as_str);
            let goes = matches!(deed.as_str(), "went through" | "gone through");
            let active = goes && span.last().is_some_and(|word| is_one(word, GOES));
            by_us(span)
                || suffered(span, active, words.get(..start).unwrap_or_default())
                || bare(span, start, next, wanted)
        })
        .map(|(_, (deed, wanted, _))| (deed, wanted))
        .collect()
}

/// What parts one span of a clause from the next.
fn parts(word: &str) -> bool {
    matches!(word, "," | ";" | ":" | "." | "!" | "?" | "(" | ")" | "-")
}

/// Words before a deed that still belong to it.
const REACH: usize = 5;

const US: &[&str] = &["i", "i've", "we", "we've", "he", "hemos", "i'm", "we're"];
const OTHERS: &[&str] = &["you", "you've", "they", "they've", "she", "usted", "who"];
const NEGATIONS: &[&str] = &["not", "never", "neither", "nor", "nunca", "tampoco"];
const MODALS: &[&str] = &[
    "can", "may", "could", "to", "will", "would", "should", "must", "might", "cannot", "puede",
    "puedo", "podria", "debe", "sera", "seran", "para",
];
/// A subject that says that nothing was done.
const NOTHING: &[&str] = &["nothing", "none", "neither", "nobody", "nada", "nadie"];
const NO: &[&str] = &["no", "ningun", "ninguna", "ninguno"];
/// What begins a condition whatever the tense; and what begins a mere time, where the tense is past.
const CONDITIONS: &[&str] = &["if", "unless", "until", "whether", "si", "hasta"];
const TIMES: &[&str] = &["when", "once", "before", "after", "cuando"];
const NOW: &[&str] = &["is", "are", "be", "it's", "esta", "estan", "queda", "quedan"];
const AUXILIARIES: &[&str] = &[
    "is", "are", "was", "were", "been", "be", "being", "has", "have", "had", "now", "esta",
    "estan", "fue", "fueron", "ha", "han", "sido", "queda", "quedo", "quedan", "quedado",
];
/// What may stand between an auxiliary and its deed.
const FILLERS: &[&str] = &[
    "yet",
    "only",
    "then",
    "also",
    "already",
    "still",
    "just",
    "ever",
    "successfully",
    "se",
    "ya",
    "so",
    "no",
];

/// What is said to go through.
const GOES: &[&str] =
    &["it", "that", "this", "everything", "payment", "transfer", "cancellation", "request", "pago"];

fn is_one(word: &str, set: &[&str]) -> bool {
    set.contains(&word)
}

fn negates(word: &str) -> bool {
    is_one(word, NEGATIONS) || word.ends_with("n't")
}

fn modal(word: &str) -> bool {
    is_one(word, MODALS) || word.ends_with("'ll") || word.ends_with("'d")
}

fn auxiliary(word: &str) -> bool {
    is_one(word, AUXILIARIES)
        || word.ends_with("n't")
        || (word != "let's" && (word.ends_with("'s") || word.ends_with("'re")))
}

/// We are said to have done it, and nothing between us and the deed takes that back.
fn by_us(span: &[String]) -> bool {
    let near = span.get(span.len().saturating_sub(REACH)..).unwrap_or_default();
    let Some(at) = near.iter().rposition(|word| is_one(word, US)) else { return false };
    let ahead = near.get(..at).and_then(<[String]>::last).map_or("", String::as_str);
    let spanish = near.get(at).is_some_and(|us| matches!(us.as_str(), "he" | "hemos"));
    let put_off = is_one(ahead, CONDITIONS)
        || span.first().is_some_and(|word| is_one(word, CONDITIONS))
        || is_one(ahead, TIMES)
        || (spanish && (ahead == "no" || negates(ahead)));
    let between = near.get(at + 1..).unwrap_or_default();
    let taken_back = between.iter().enumerate().any(|(at, word)| {
        // "Happy to have scheduled it" has scheduled it.
        let perfect = word == "to" && between.get(at + 1).is_some_and(|next| next == "have");
        negates(word) || is_one(word, OTHERS) || (modal(word) && !perfect)
    });
    !put_off && !taken_back
}

/// Something is said to have been done to something, and nothing that governs the deed takes that back.
fn suffered(span: &[String], active: bool, earlier: &[String]) -> bool {
    let from = span.len().saturating_sub(REACH);
    let last = span.iter().skip(from).rposition(|word| auxiliary(word)).map(|at| from + at);
    let Some(last) = last.or_else(|| active.then_some(span.len())) else { return false };
    // "It is when you opened it": somebody else's doing.
    if span.iter().skip(last).any(|word| is_one(word, OTHERS)) {
        return false;
    }
    let chained = |word: &String| auxiliary(word) || is_one(word, FILLERS) || negates(word);
    let head = span.iter().take(last).rposition(|word| !chained(word)).map_or(0, |at| at + 1);
    let (subject, chain) = span.split_at(head.min(span.len()));
    // "No se ha programado", and not "no, it is scheduled".
    let spanish =
        |word: &String| matches!(word.as_str(), "se" | "ha" | "han" | "fue" | "esta" | "estan");
    let no = chain.windows(2).any(|pair| matches!(pair, [no, next] if no == "no" && spanish(next)));
    if no || chain.iter().any(|word| negates(word)) {
        return false;
    }
    let governs = subject.last().map_or("", String::as_str);
    let perfect = governs == "to" && chain.first().is_some_and(|word| word == "have");
    if modal(governs) && !perfect {
        return false;
    }
    let now = chain.iter().any(|word| is_one(word, NOW)) && !chain.iter().any(|w| w == "been");
    let puts_off = |word: &String| is_one(word, CONDITIONS) || (is_one(word, TIMES) && !was(chain));
    if nothing_of(subject) || subject.iter().any(puts_off) {
        return false;
    }
    // "Once you confirm, it is scheduled": a condition in the span before governs the present, not the past.
    let before = earlier.split_last().map_or(earlier, |(_, rest)| rest);
    let start = before.iter().rposition(|word| parts(word)).map_or(0, |at| at + 1);
    let opens =
        before.get(start).is_some_and(|word| is_one(word, CONDITIONS) || is_one(word, TIMES));
    !(now && opens)
}

fn was(chain: &[String]) -> bool {
    chain.iter().any(|word| matches!(word.as_str(), "was" | "were" | "had" | "fue" | "fueron"))
}

/// "No payment", "none of your payments"; not "no problem, your payment".
fn nothing_of(subject: &[String]) -> bool {
    let starts_anew = |word: &String| {
        is_one(word, US)
            || matches!(word.as_str(), "your" | "the" | "it" | "this" | "that" | "su" | "el" | "la")
    };
    let none = subject.iter().rposition(|word| is_one(word, NOTHING));
    let no = subject.iter().rposition(|word| is_one(word, NO));
    let after = |at: usize| subject.get(at + 1..).unwrap_or_default();
    none.is_some_and(|at| !after(at).iter().any(|word| is_one(word, US)))
        || no.is_some_and(|at| !after(at).iter().any(starts_anew))
}

/// "Payment scheduled", "Done": without a verb of its own, at the head of a clause.
fn bare(span: &[String], start: usize, next: Option<&str>, wanted: &str) -> bool {
    const NOUNS: &[&str] =
        &["payment", "autopay", "transfer", "cancellation", "pago", "transferencia"];
    let ends = next.is_none_or(parts);
    let told = span.last().is_some_and(|word| is_one(word, NOUNS))
        && wanted.starts_with("payment_")
        && next.is_some_and(|word| matches!(word, "for" | "on" | "and" | "as" | "para" | "y"));
    start == 0 && ((span.len() <= 1 && ends) || (span.len() <= 2 && told))
}

/// Said in the first person: a status that was read proves nothing of our own doing.
fn mine(words: &[String]) -> bool {
    words.iter().any(|word| matches!(word.as_str(), "i" | "i've" | "we've" | "he" | "hemos"))
        || words.windows(2).any(|pair| matches!(pair, [we, have] if we == "we" && have == "have"))
}

#[cfg(test)]
mod tests;
