//! Every message in both languages: whole, plain, and with nothing at which a third party should look.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use chrono::NaiveDate;
use documents::{
    Creditor, Message, MessageClass, MessageKind, MessageRecord, Party, Tongue, Value, Values,
    letter_document, render_message,
};
use money::Cents;

fn creditor() -> Creditor {
    Creditor {
        name: "Harbor Lending".to_owned(),
        address: vec!["2 Harbor Street".to_owned(), "Boston, MA 02110".to_owned()],
        phone: "800-555-0123".to_owned(),
        credit_counseling_phone: "800-555-0142".to_owned(),
        regulator: Party { name: "FTC".to_owned(), address: Vec::new() },
    }
}

fn day() -> NaiveDate {
    "2026-12-04".parse().unwrap()
}

fn ann(name: &str) -> Party {
    Party { name: name.to_owned(), address: vec!["1 Elm Street".to_owned()] }
}

/// All that any of them may ask for, with or without what may be left out.
fn values(whole: bool) -> Values {
    let may = |value: Value| if whole { value } else { Value::Nothing };
    let promise = "We have recorded your dispute. We look into it.";
    [
        ("amount", Value::Money(Cents::new(123_456))),
        ("balance", Value::Money(Cents::new(80_000))),
        ("minimum", Value::Money(Cents::new(2_500))),
        ("fee", may(Value::Money(Cents::new(100)))),
        ("account", Value::Account { savings: false, ending: "4242".to_owned() }),
        ("on", Value::Date(day())),
        ("closed_on", Value::Date(day())),
        ("due_on", may(Value::Date(day()))),
        ("debit_on", may(Value::Date(day()))),
        ("retry_on", may(Value::Date(day()))),
        ("retry", Value::Flag(whole)),
        ("by_hand", Value::Flag(whole)),
        ("used", Value::Flag(whole)),
        ("again", Value::Flag(false)),
        ("account_ended", Value::Flag(whole)),
        ("cheque", Value::Text("100245".to_owned())),
        ("reference", Value::Text("PAY-1A2B3C".to_owned())),
        ("error", may(Value::Money(Cents::new(1_500)))),
        ("explanation", Value::Text("The charge was entered twice.".to_owned())),
        ("changes", Value::Text("fees, late, amount: 20.00".to_owned())),
        ("promise", Value::Text(promise.to_owned())),
        ("apr", may(Value::Text("23.50".to_owned()))),
        ("discount", may(Value::Text("0.50".to_owned()))),
        ("new_email", Value::Flag(true)),
        ("new_phone", Value::Flag(whole)),
        ("new_postal", Value::Flag(whole)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn record<'a>(
    kind: MessageKind,
    tongue: Tongue,
    to: &'a Party,
    values: &'a Values,
) -> MessageRecord<'a> {
    MessageRecord { kind, tongue, to, written_on: day(), values }
}

fn every() -> impl Iterator<Item = (MessageKind, Tongue)> {
    MessageKind::ALL.iter().flat_map(|kind| Tongue::ALL.map(|tongue| (*kind, tongue)))
}

fn message(kind: MessageKind, tongue: Tongue, whole: bool) -> Message {
    let mut values = values(whole);
    // Only a statement may have no day by which it is due.
    if kind != MessageKind::StatementReady {
        values.insert("due_on".to_owned(), Value::Date(day()));
    }
    render_message(&record(kind, tongue, &ann("Ann Lee"), &values), &creditor()).unwrap()
}

#[test]
fn each_message_is_whole_in_both_languages_with_and_without_what_may_be_left_out() {
    for (kind, tongue) in every() {
        let (whole, short) = (message(kind, tongue, true), message(kind, tongue, false));
        for said in [&whole, &short] {
            let (text, html) = (&said.text, &said.html);
            assert!(!said.subject.is_empty() && text.contains("Ann Lee"), "{kind:?}: {text}");
            for left in ["{{", "{%", "none", "None", "undefined", "= ", "\n\n\n"] {
                assert!(!text.contains(left), "{kind:?} {tongue:?} holds {left:?}: {text}");
            }
            assert!(html.contains(&format!("<html lang=\"{}\">", tongue.code())), "{html}");
            assert!(text.contains("800-555-0123") && html.contains("800-555-0123"), "{kind:?}");
        }
        let party = ann("Ann Lee");
        let of = values(true);
        let letter = letter_document(&record(kind, tongue, &party, &of), &creditor()).unwrap();
        assert!(letter.pdf().unwrap().bytes.starts_with(b"%PDF"));
    }
}

#[test]
fn a_value_that_is_missing_is_an_error_and_never_a_gap() {
    let party = ann("Ann");
    let nothing = Values::new();
    for (kind, tongue) in every() {
        assert!(
            render_message(&record(kind, tongue, &party, &nothing), &creditor()).is_err(),
            "{kind:?}"
        );
    }
    for name in ["amount", "account"] {
        let mut without = values(true);
        without.remove(name);
        let mut none = values(true);
        none.insert(name.to_owned(), Value::Nothing);
        for of in [&without, &none] {
            let taken = record(MessageKind::PaymentTaken, Tongue::English, &party, of);
            assert!(render_message(&taken, &creditor()).is_err(), "{name}");
        }
    }
}

#[test]
fn amounts_and_dates_are_written_as_the_language_writes_them() {
    let english = message(MessageKind::PaymentTaken, Tongue::English, true).text;
    let spanish = message(MessageKind::PaymentTaken, Tongue::Spanish, true).text;
    for said in ["$1,234.56", "December 4, 2026", "checking account ending in 4242"] {
        assert!(english.contains(said), "{english}");
    }
    for said in ["$1,234.56", "4 de diciembre de 2026", "cuenta corriente que termina en 4242"] {
        assert!(spanish.contains(said), "{spanish}");
    }
}

#[test]
fn whoever_sees_a_subject_learns_of_no_amount_and_no_debt() {
    const WORDS: [&str; 25] = [
        "owe",
        "debt",
        "balance",
        "past due",
        "overdue",
        "late",
        "collect",
        "delinq",
        "default",
        "minimum",
        "loan",
        "credit",
        "interest",
        "fee",
        "deuda",
        "debe",
        "saldo",
        "vencid",
        "atras",
        "mora",
        "cobr",
        "préstamo",
        "mínimo",
        "crédito",
        "interés",
    ];
    for (kind, tongue) in every() {
        let subject = message(kind, tongue, true).subject;
        let lower = subject.to_lowercase();
        assert!(!subject.chars().any(|c| c.is_ascii_digit() || c == '$'), "{kind:?}: {subject}");
        for word in WORDS {
            assert!(!lower.contains(word), "{kind:?} {tongue:?}: {subject}");
        }
    }
}

#[test]
fn each_e_mail_that_the_law_does_not_ask_for_says_how_to_stop_it_and_no_letter_does() {
    let party = ann("Ann");
    for (kind, tongue) in every() {
        let text = message(kind, tongue, true).text;
        let stop = match tongue {
            Tongue::English => "To stop these e-mails",
            Tongue::Spanish => "Para no recibir más estos correos",
        };
        assert_eq!(text.contains(stop), kind.class() != MessageClass::Legal, "{kind:?}: {text}");
        let of = values(true);
        let letter = letter_document(&record(kind, tongue, &party, &of), &creditor()).unwrap();
        assert!(!letter.html().unwrap().text().contains(stop), "{kind:?}");
    }
}

#[test]
fn what_a_person_typed_makes_no_line_no_markup_and_no_subject() {
    let name = "Ann\r\n\r\n= Amount: $0.00\n<script>alert(1)</script>\u{202e}{{ amount }}";
    let party = ann(name);
    let of = values(true);
    let taken = record(MessageKind::PaymentTaken, Tongue::English, &party, &of);
    let said = render_message(&taken, &creditor()).unwrap();
    assert!(!said.text.lines().any(|line| line == "Amount: $0.00"), "{}", said.text);
    assert!(!said.html.contains("<script>") && !said.text.contains('\u{202e}'));
    assert!(said.text.contains("{{ amount }}"), "it is text and no template");
    assert!(!said.subject.contains(['\n', '\r']));
}

#[test]
fn the_digest_is_of_what_was_said() {
    use sha2::{Digest as _, Sha256};
    let said = message(MessageKind::StatementReady, Tongue::Spanish, true);
    let bytes = format!("{}\n{}\n{}", said.subject, said.text, said.html);
    assert_eq!(said.digest[..], Sha256::digest(bytes)[..]);
}

/// Sentences, words and syllables of the body.
fn counted(text: &str) -> (usize, usize, usize) {
    let body = text.split("\n--\n").next().unwrap();
    // Labels with figures are no sentences.
    let prose: String = body
        .lines()
        .filter(|line| line.ends_with(['.', ':', ',']) && !line.starts_with("Hello"))
        .collect::<Vec<_>>()
        .join(" ");
    let sentences = prose.matches(['.', ':']).count().max(1);
    let words: Vec<&str> = prose.split_whitespace().collect();
    let syllables = words.iter().map(|word| syllables(word)).sum();
    (sentences, words.len(), syllables)
}

/// Groups of vowels, less a silent `e` at the end.
fn syllables(word: &str) -> usize {
    let letters: Vec<char> = word.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect();
    let vowel = |c: char| "aeiouyáéíóúü".contains(c);
    let starts = |n: &usize| vowel(letters[*n]) && (*n == 0 || !vowel(letters[*n - 1]));
    let groups = (0..letters.len()).filter(starts).count();
    let silent =
        letters.len() > 2 && letters.ends_with(&['e']) && !vowel(letters[letters.len() - 2]);
    (groups - usize::from(silent && groups > 1)).max(1)
}

#[test]
fn english_is_read_in_the_eighth_grade_and_spanish_has_short_sentences() {
    for kind in MessageKind::ALL {
        let (sentences, words, syllables) = counted(&message(*kind, Tongue::English, true).text);
        // Flesch and Kincaid's grade, in hundredths.
        let grade = 39 * words / sentences + 1_180 * syllables / words;
        assert!(grade < 1_559 + 800, "{kind:?}: grade {} hundredths", grade - 1_559);
        let (sentences, words, _) = counted(&message(*kind, Tongue::Spanish, true).text);
        assert!(words / sentences <= 18, "{kind:?}: {} words in a sentence", words / sentences);
    }
}
