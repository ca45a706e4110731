//! What a draft says was done, is promised or is asked for: bound to a receipt, or sent back.
//!
//! "I have scheduled", "your payment is cancelled", "I waived": each needs proof of this conversation, or a status this
//! turn has read. Promises of approval, deletion or a waiver are never said. Under a flag that forbids it, nothing asks
//! for money.

use toolkit::reading::{fold, tokens};

/// What proves a claim.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Kinds of the receipts of this conversation: `payment_scheduled`, `payment_cancelled`.
    pub receipts: Vec<String>,
    /// Texts of this turn's fields that are no third party's: statuses among them.
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
            "submitted",
            "debited",
            "charged",
            "made",
            "posted",
            "settled",
        ],
        "settled",
    ),
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
    let (deed, wanted) = claimed(&words)?;
    let proven = match wanted {
        "recorded" => proof.recorded || of_decision(&words) || receipt_of_payment(&words, proof),
        "handed_off" => proof.handed_off,
        "settled" => {
            proof.statuses.iter().any(|status| matches!(status.as_str(), "settled" | "released"))
                && !mine(&words)
        }
        kind => {
            let status = kind.strip_prefix("payment_").unwrap_or(kind);
            proof.receipts.iter().any(|receipt| receipt == kind)
                || (!mine(&words) && proof.statuses.iter().any(|known| known == status))
        }
    };
    (!proven)
        .then(|| format!("it says that something was {deed}, and there is no receipt for that"))
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

/// A deed that is said to be done: by us, or to something of theirs.
fn claimed(words: &[String]) -> Option<(String, &'static str)> {
    let deed_at = |at: usize| {
        let word = words.get(at)?;
        DEEDS
            .iter()
            .find(|(deeds, _)| deeds.contains(&word.as_str()))
            .map(|(_, wanted)| (word, *wanted))
    };
    (0..words.len()).find_map(|at| {
        let (word, wanted) = deed_at(at)?;
        let before = words.get(at.saturating_sub(4)..at).unwrap_or_default();
        let has = |set: &[&str]| before.iter().any(|word| set.contains(&word.as_str()));
        let conditional = has(CONDITIONAL);
        let by_us = has(&["i", "i've", "we", "we've", "he", "hemos", "i'm"]);
        let passive = has(&[
            "is", "are", "was", "were", "been", "be", "esta", "fue", "ha", "sido", "been", "now",
            "has", "have", "queda", "quedo", "quedan", "quedado", "estan",
        ]);
        let bare =
            at <= 1 && matches!(words.get(at + 1).map(String::as_str), None | Some("." | "!"));
        ((by_us || passive || bare) && !conditional).then(|| (word.clone(), wanted))
    })
}

/// Said in the first person: a status that was read proves nothing of our own doing.
fn mine(words: &[String]) -> bool {
    words.iter().any(|word| matches!(word.as_str(), "i" | "i've" | "we've" | "he" | "hemos"))
        || words.windows(2).any(|pair| matches!(pair, [we, have] if we == "we" && have == "have"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine(clause: &str, proof: &Proof) -> bool {
        problem(clause, proof).is_none()
    }

    #[test]
    fn a_deed_needs_its_receipt() {
        let nothing = Proof::default();
        let scheduled = Proof { receipts: vec!["payment_scheduled".into()], ..Proof::default() };
        for clause in [
            "I have scheduled your payment.",
            "I've scheduled it.",
            "Your payment is scheduled.",
            "Your payment has been scheduled for Friday.",
            "We scheduled it.",
            "He programado su pago.",
        ] {
            assert!(!fine(clause, &nothing), "{clause}");
            assert!(fine(clause, &scheduled), "{clause}");
        }
        for clause in [
            "I cancelled it.",
            "I have waived the fee.",
            "Your limit was increased.",
            "Payment confirmed!",
            "Done, I paid it.",
        ] {
            assert!(!fine(clause, &scheduled), "{clause}");
        }
    }

    #[test]
    fn what_is_said_to_be_on_record_needs_a_case_or_a_receipt() {
        let nothing = Proof::default();
        let recorded = Proof { recorded: true, ..Proof::default() };
        for clause in [
            "It is on record.",
            "Thank you for telling us; it is on record.",
            "Your complaint is on record and a person will answer it.",
            "That's on file now.",
            "Hemos dejado constancia.",
            "There is a case for this now.",
            "Your dispute has been noted.",
            "Queda registrada.",
            "Gracias por decirnos; qued\u{f3} registrado.",
            "Su queja est\u{e1} registrada y una persona le responder\u{e1}.",
            "Hemos tomado nota.",
            "Su caso queda abierto.",
        ] {
            assert!(!fine(clause, &nothing), "{clause}");
            assert_eq!(problem(clause, &recorded), None, "{clause}");
        }
        let paid = Proof { receipts: vec!["payment_scheduled".into()], ..Proof::default() };
        assert!(fine("Your payment is on record.", &paid));
        assert!(!fine("Your complaint is on record.", &paid));
        for clause in [
            "Our decision is on record from [[r1.decided_on]].",
            "Nuestra decisi\u{f3}n est\u{e1} registrada con fecha [[r1.decided_on]].",
            "Nothing is on record yet.",
            "If you want it on record, tell me what happened.",
            "We use the address on file.",
        ] {
            assert_eq!(problem(clause, &nothing), None, "{clause}");
        }
    }

    #[test]
    fn a_status_that_was_read_may_be_told_and_not_claimed() {
        let read = Proof { statuses: vec!["scheduled".into()], ..Proof::default() };
        assert!(fine("Your payment is scheduled.", &read));
        assert!(!fine("I have scheduled your payment.", &read));
    }

    #[test]
    fn what_is_not_claimed_is_free() {
        for clause in [
            "I have prepared a payment of $50.00.",
            "Nothing is paid until you confirm it.",
            "It will be scheduled once you confirm.",
            "You can cancel it until it leaves.",
            "Payments made after 5 p.m. count tomorrow.",
            "Please check the sheet and confirm it.",
        ] {
            assert_eq!(problem(clause, &Proof::default()), None, "{clause}");
        }
    }

    #[test]
    fn promises_and_collection_under_a_flag_are_sent_back() {
        assert!(!fine("I guarantee you will get it.", &Proof::default()));
        let flagged = Proof { no_collection: true, ..Proof::default() };
        assert!(!fine("Please pay your minimum.", &flagged));
        assert!(fine("Please pay attention to the sheet.", &Proof::default()));
    }
}
