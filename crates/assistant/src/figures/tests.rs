use money::Cents;

use super::*;

fn field(name: &str, label: &str, kind: FieldKind, value: FieldValue, nouns: &[&str]) -> Field {
    Field {
        name: name.into(),
        label: label.into(),
        kind,
        text: value.text(),
        nouns: nouns.iter().map(|&noun| noun.to_owned()).collect(),
        third_party: false,
        value,
    }
}

fn money(name: &str, label: &str, cents: i64, nouns: &[&str]) -> Field {
    field(name, label, FieldKind::Money, FieldValue::Money(Cents::new(cents)), nouns)
}

fn sources() -> Sources {
    let due = FieldValue::Date("2026-11-24".parse().unwrap());
    let fields = vec![
        money("minimum_due", "minimum due", 2_500, &["minimum", "minimum due", "m\u{ed}nimo"]),
        money("total_owed", "total owed", 103_222, &["total", "owe", "owed", "balance", "saldo"]),
        money("available_credit", "available credit", 2_500, &["available", "available credit"]),
        field("due_on", "due date", FieldKind::Date, due, &["due", "vence"]),
        field("apr", "APR", FieldKind::Rate, FieldValue::Rate(240_000), &["apr", "rate", "tasa"]),
        field(
            "payments.count",
            "number of payments",
            FieldKind::Count,
            FieldValue::Count(3),
            &["payments", "pagos"],
        ),
        Field {
            third_party: true,
            ..field(
                "memo",
                "memo",
                FieldKind::Text,
                FieldValue::Text("balance $7.00".into()),
                &["balance"],
            )
        },
    ];
    let passage = Passage {
        citation: "late-fee@2#amount".into(),
        title: "Late fees".into(),
        section: "Amount".into(),
        text: "A late fee of $15.00 applies more than 10 days after the due date.".into(),
        digest: "d".into(),
    };
    Sources {
        results: vec![("r1".into(), fields)],
        passages: vec![("p1".into(), passage)],
        sentences: vec!["November 2, 2026 has passed.".into()],
        said: "Is my minimum $99? I can pay on December 1".into(),
        today: "2026-11-21".parse().unwrap(),
        language: Language::English,
    }
}

fn judge(clause: &str) -> Checked {
    check(clause, &sources(), &mut Citations::default())
}

fn passes(clause: &str) -> bool {
    matches!(judge(clause), Checked::Pass(_))
}

#[test]
fn references_are_written_by_the_server() {
    let cases = [
        (
            "Your minimum due is [[r1.minimum_due]], due on [[r1.due_on]].",
            "Your minimum due is $25.00, due on November 24, 2026.",
        ),
        ("You owe [[r1.total_owed]] in total.", "You owe $1,032.22 in total."),
        ("A late fee may apply. [[p1]]", "A late fee may apply. [1]"),
        ("Happy to help!", "Happy to help!"),
    ];
    for (clause, text) in cases {
        assert_eq!(judge(clause), Checked::Pass(text.into()));
    }
}

#[test]
fn a_date_is_written_in_the_language_of_the_answer() {
    let spanish = Sources { language: Language::Spanish, ..sources() };
    let text = check("Vence el [[r1.due_on]].", &spanish, &mut Citations::default());
    assert_eq!(text, Checked::Pass("Vence el 24 de noviembre de 2026.".into()));
}

#[test]
fn a_reference_to_nothing_is_sent_back() {
    for clause in
        ["It is [[r2.total_owed]].", "It is [[r1.cash]].", "See [[p9]].", "It is [[r1.due_on"]
    {
        assert!(matches!(judge(clause), Checked::Repair(_)), "{clause}");
    }
}

#[test]
fn a_reference_beside_another_noun_is_sent_back() {
    assert!(!passes("The late fee is [[r1.minimum_due]]."));
    assert!(!passes("Your interest is [[r1.total_owed]]."));
    assert!(passes("Your balance is [[r1.total_owed]] and your minimum is [[r1.minimum_due]]."));
}

#[test]
fn a_literal_that_binds_by_value_kind_and_noun_passes() {
    for clause in [
        "Your minimum due is $25.00.",
        "Your minimum is twenty-five dollars.",
        "Your available credit is $25.",
        "It is due on November 24.",
        "It is due on the 24th.",
        "It is due on Tuesday.",
        "Your APR is 24%.",
        "The rate is twenty-four percent.",
        "You have 3 payments.",
        "Su saldo es de $1,032.22.",
        "La tasa es del veinticuatro por ciento.",
        "Tiene tres pagos.",
    ] {
        assert_eq!(judge(clause), Checked::Pass(clause.into()));
    }
}

#[test]
fn an_invented_figure_is_sent_back_in_every_form() {
    for clause in [
        "Your minimum due is $26.00.",
        "Your balance is $25.00.",
        "Your late fee is $25.00.",
        "Your interest is 24%.",
        "It is $25.00.",
        "You owe about $1,032.22.",
        "You owe between $1,000 and $1,100.",
        "You owe a thousand dollars.",
        "You owe hundreds of dollars.",
        "Your minimum is thirty dollars.",
        "Su m\u{ed}nimo es de treinta d\u{f3}lares.",
        "It is due on November 25.",
        "It is due tomorrow.",
        "It is due on Friday.",
        "Your rate is 19.99 percent.",
        "You have five payments.",
        "Your balance is $7.00.",
        "Your minimum is half of that.",
        "Your reference is PMT-4411.",
        "Your minimum is \u{0662}\u{0665} dollars.",
        "Your minimum is \u{ff04}\u{ff12}\u{ff16}.",
        "Your m\u{200b}inimum is $2\u{200b}6.",
        "Your minimum is not $25.00.",
    ] {
        assert!(matches!(judge(clause), Checked::Repair(_)), "{clause}");
    }
}

#[test]
fn what_the_customer_asserts_is_no_source_unless_it_is_said_to_be_theirs() {
    assert!(!passes("Your minimum is $99."));
    assert!(passes("You asked about $99."));
    assert!(passes("You mentioned December 1."));
    assert!(!passes("You asked about $98."));
}

#[test]
fn a_cited_passage_may_be_quoted_word_for_word() {
    assert!(passes("A late fee of $15.00 applies more than 10 days after the due date. [[p1]]"));
    assert_eq!(
        judge("A late fee of $15.00 applies more than 10 days after the due date."),
        Checked::Pass(
            "A late fee of $15.00 applies more than 10 days after the due date. [1]".into()
        ),
        "the server cites what the draft only quotes"
    );
    assert!(!passes("A late fee of $15.00 applies more than 9 days after the due date."));
    assert!(!passes("A late fee of $20.00 applies. [[p1]]"));
    assert!(!passes("Your balance is $15.00, see [[p1]]"));
}

#[test]
fn a_refusal_may_be_told_in_the_words_of_the_server() {
    assert!(passes("I could not do that: November 2, 2026 has passed."));
    assert!(!passes("November 3, 2026 has passed."));
}

#[test]
fn each_passage_has_one_number_in_an_answer() {
    let mut citations = Citations::default();
    check("One. [[p1]]", &sources(), &mut citations);
    assert_eq!(check("Two. [[p1]]", &sources(), &mut citations), Checked::Pass("Two. [1]".into()));
    assert_eq!(citations.0, ["late-fee@2#amount"]);
}

#[test]
fn a_word_for_a_day_is_the_day_of_the_figure_beside_it() {
    let quote = |on: &str| {
        let on = FieldValue::Date(on.parse().unwrap());
        let fields = vec![
            money("payoff", "payoff amount", 122_719, &["payoff", "pay", "pagar"]),
            field("on", "payoff date", FieldKind::Date, on, &["payoff", "date"]),
        ];
        Sources { results: vec![("r1".into(), fields)], ..sources() }
    };
    let said = |clause: &str, on: &str| check(clause, &quote(on), &mut Citations::default());
    let (now, later) = ("2026-11-21", "2026-12-20");
    let passes = |checked: Checked| matches!(checked, Checked::Pass(_));
    assert!(passes(said("The payoff amount today is [[r1.payoff]].", now)));
    assert!(passes(said("The payoff amount tomorrow is [[r1.payoff]].", "2026-11-22")));
    assert!(passes(said("The payoff amount is [[r1.payoff]].", later)));
    assert!(passes(said("Not today: the payoff amount is [[r1.payoff]] on [[r1.on]].", later)));
    for invented in [
        "The payoff amount today is [[r1.payoff]].",
        "Today's payoff amount is [[r1.payoff]].",
        "Hoy necesita pagar [[r1.payoff]].",
        "Tomorrow the payoff amount is [[r1.payoff]].",
    ] {
        let Checked::Repair(problem) = said(invented, later) else { panic!("{invented}") };
        assert!(problem.contains("another day"), "{problem}");
    }
}
