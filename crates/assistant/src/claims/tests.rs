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

/// What a clause claims, and what alone proves it.
const CLAIMS: &[(&str, &[&str])] = &[
    ("Your payment is scheduled and your late fee was waived.", &["payment_scheduled"]),
    ("I scheduled it, and I refunded the fee.", &["payment_scheduled"]),
    ("No problem, I scheduled it.", &[]),
    ("No problem, your payment is scheduled.", &[]),
    ("No problem your payment is scheduled.", &[]),
    ("To confirm, I cancelled it.", &[]),
    ("You can relax, I paid it.", &[]),
    ("You can relax and I scheduled it.", &[]),
    ("I can confirm it was cancelled.", &[]),
    ("I am happy to have scheduled it.", &[]),
    ("When you asked, I cancelled it.", &[]),
    ("When you called, your payment was cancelled.", &[]),
    ("Payment scheduled, thank you.", &[]),
    ("Payment scheduled for Friday.", &[]),
    ("It's scheduled.", &[]),
    ("That's been cancelled.", &[]),
    ("You have a payment scheduled for Friday.", &[]),
    ("I set up the payment.", &[]),
    ("I've set it up for Friday.", &[]),
    ("I put it through.", &[]),
    ("Your payment went through.", &[]),
    ("It has gone through.", &[]),
    ("That is taken care of.", &[]),
    ("I took care of it.", &[]),
    ("You're all set.", &[]),
    ("All set!", &[]),
];

#[test]
fn each_deed_of_a_clause_is_proved_by_itself_whatever_stands_before_it() {
    for (clause, receipts) in CLAIMS {
        let receipts = receipts.iter().map(|kind| (*kind).to_owned()).collect();
        assert!(!fine(clause, &Proof { receipts, ..Proof::default() }), "{clause}");
    }
    let scheduled = Proof { receipts: vec!["payment_scheduled".into()], ..Proof::default() };
    for clause in [
        "No problem, I scheduled it.",
        "Payment scheduled, thank you.",
        "You're all set.",
        "I've set it up for Friday.",
        "It's scheduled.",
    ] {
        assert_eq!(problem(clause, &scheduled), None, "{clause}");
    }
    let sent = Proof { statuses: vec!["released".into()], ..Proof::default() };
    assert!(!fine("Your payment was processed.", &sent), "on its way is not settled");
    assert!(fine("Your payment was submitted.", &sent));
}

#[test]
fn what_governs_the_deed_takes_it_back() {
    for clause in [
        "Your payment is not scheduled.",
        "It hasn't been paid yet.",
        "No payment is scheduled.",
        "No late fee was charged.",
        "None of your payments was cancelled.",
        "I have not scheduled anything.",
        "I can have it cancelled.",
        "No he programado nada.",
        "No se ha programado nada.",
        "Once you confirm, it is scheduled.",
        "If you confirm it, your payment is scheduled.",
        "If a payment is returned, it is reversed.",
        "A payment can be set up in a minute.",
        "Do you want to set up a payment?",
        "If you think we reported something wrong, tell us what it is and why.",
        "If you lost work, are ill, went through a disaster, tell us.",
        "What matters is when you opened the line.",
        "A payment may be scheduled, settled, returned or cancelled.",
    ] {
        assert_eq!(problem(clause, &Proof::default()), None, "{clause}");
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
