//! Statements and account-opening records: what they say is what the engine worked out, in both forms alike.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;
mod read;

use common::{creditor, day};
use credit::{
    ChangeInTerms, Issuer, LineEventBody, ProductCatalog, Repayment, Statement, Terms,
    product::{BalanceMethod, GraceTerms},
    scenario,
};
use documents::{
    Document, DocumentError, OpeningRecord, Party, StatementRecord, opening_document,
    statement_document,
};
use money::{Apr, Cents};
use proptest::prelude::*;
use read::{between, pdf_text, said, table, text};

fn customer() -> Party {
    Party { name: "Zoë <Łęcka>".into(), address: vec!["zoe@example.com".into()] }
}

/// Lives a line; answers its terms and statements.
fn live(scenario: &str) -> (Terms, Vec<Statement>) {
    let catalog = ProductCatalog::embedded().unwrap();
    let report = scenario::run(&scenario::parse(scenario, &catalog).unwrap()).unwrap();
    let line = report.lines.into_iter().next().unwrap();
    let terms = line.events.iter().find_map(|event| match &event.body {
        LineEventBody::Opened { terms } => Some(terms.as_ref().clone()),
        _ => None,
    });
    (terms.unwrap(), line.statements)
}

fn document(terms: &Terms, statement: &Statement) -> Document {
    try_document(terms, statement).unwrap()
}

fn try_document(terms: &Terms, statement: &Statement) -> Result<Document, DocumentError> {
    let record = StatementRecord {
        customer: &customer(),
        line_reference: "7F3A21",
        terms,
        statement,
        changes: &[],
    };
    statement_document(&record, &creditor())
}

const LATE: &str = r#"
as_of = "2026-11-23"
[line]
product = "CASHLINE-STD-1"
opened_on = "2026-08-06"
credit_limit = "3000.00"
apr = "24%"
close_day = 5
events = [
    { on = "2026-08-10", kind = "draw", amount = "1800.00" },
    { on = "2026-09-25", kind = "payment", id = "p1", amount = "100.00" },
    { on = "2026-09-29", kind = "payment_returned", payment = "p1", code = "R01" },
    { on = "2026-10-12", kind = "draw", amount = "250.00" },
    { on = "2026-10-14", recorded_on = "2026-10-20", kind = "payment", id = "p2", amount = "50.00" },
]
"#;

#[test]
fn a_statement_says_what_the_rule_asks_for() {
    let (terms, statements) = live(LATE);
    let statement = statements.iter().find(|one| one.number == 3).unwrap();
    let html = document(&terms, statement).html().unwrap();
    insta::assert_snapshot!(said(&html.text()).join("\n"));
}

#[test]
fn a_page_is_whole_by_itself_and_its_tables_can_be_listened_to() {
    let (terms, statements) = live(LATE);
    let html = document(&terms, &statements[0]).html().unwrap().text().into_owned();
    for outside in ["http:", "https:", "src=", "<script", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
    let tables = between(&html, "<table>", "</table>");
    assert!(tables.len() >= 5);
    for one in tables {
        assert_eq!(one.matches("<caption>").count(), 1);
        let columns = one.matches("<th scope=\"col\"").count();
        for row in between(between(one, "<tbody>", "</tbody>")[0], "<tr", "</tr>") {
            assert_eq!(row.matches("<th scope=\"row\"").count(), 1, "{row}");
            assert_eq!(row.matches("<td").count(), columns - 1, "{row}");
        }
    }
    assert!(html.contains("<html lang=\"en\">"));
    assert!(html.contains("Zoë &lt;Łęcka&gt;") && !html.contains("<Łęcka"));
}

#[test]
fn a_pdf_says_word_for_word_what_the_page_says() {
    let (terms, statements) = live(LATE);
    let record = OpeningRecord {
        customer: &customer(),
        line_reference: "7F3A21",
        terms: &terms,
        opened_on: day("2026-08-06"),
    };
    let opening = opening_document(&record, &creditor());
    let all = statements.iter().map(|statement| document(&terms, statement)).chain([opening]);
    for document in all {
        let html = document.html().unwrap();
        let pages = pdf_text(&document.pdf().unwrap().bytes);
        let numbered = (1..)
            .zip(&pages)
            .all(|(n, page)| page.trim_end().ends_with(&format!("Page {n} of {}", pages.len())));
        assert!(numbered, "{pages:#?}");
        let letters = |text: &str| text.replace(char::is_whitespace, "");
        let pdf = letters(&pages.concat());
        for words in said(&html.text()) {
            assert!(pdf.contains(&letters(&words)), "the PDF does not say {words}\n{pages:#?}");
        }
    }
}

#[test]
fn a_long_statement_breaks_and_every_draw_stands_on_exactly_one_sheet() {
    let draws: Vec<String> = (0..60)
        .map(|n| {
            let on = day("2026-08-07") + chrono::Days::new(n / 3);
            format!("{{ on = \"{on}\", kind = \"draw\", amount = \"{}.{:02}\" }}", 21 + n, n)
        })
        .collect();
    let scenario = format!(
        "as_of = \"2026-09-10\"\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = \"2026-08-06\"\n\
         credit_limit = \"9000.00\"\napr = \"24%\"\nclose_day = 5\nevents = [{}]\n",
        draws.join(", ")
    );
    let (terms, statements) = live(&scenario);
    let pages = pdf_text(&document(&terms, &statements[0]).pdf().unwrap().bytes);
    assert!(pages.len() > 1);
    for n in 0..60 {
        let amount = format!("${}.{:02}", 21 + n, n);
        let times: usize =
            pages.iter().map(|page| page.lines().filter(|line| *line == amount).count()).sum();
        assert_eq!(times, 1, "{amount}");
    }
    // The heads of the table come again on each sheet that it goes over to.
    for page in pages.iter().filter(|page| page.contains("\nDraw\n")) {
        assert!(page.contains("Description\nAmount"), "{page}");
    }
}

#[test]
fn the_same_record_gives_the_same_bytes_in_both_forms() {
    let (terms, statements) = live(LATE);
    let make = || {
        let document = document(&terms, &statements[1]);
        (document.html().unwrap(), document.pdf().unwrap())
    };
    let (html, pdf) = make();
    assert_eq!(make(), (html.clone(), pdf.clone()));
    assert_eq!((html.template, pdf.template), ("statement 3", "statement 3"));
    assert_eq!(pdf.media_type, "application/pdf");
    assert!(pdf.bytes.starts_with(b"%PDF-1."));
    assert!(pdf.bytes.len() < 80_000, "{} bytes", pdf.bytes.len());
}

#[test]
fn what_does_not_add_up_is_not_written() {
    let (terms, statements) = live(LATE);
    let sound = &statements[1];
    let cent = Cents::new(1);
    let wrong = [
        Statement { new_balance: sound.new_balance + cent, ..sound.clone() },
        // The identity holds, the lists do not come to their totals.
        Statement {
            draws_total: sound.draws_total + cent,
            new_balance: sound.new_balance + cent,
            ..sound.clone()
        },
        Statement {
            interest_total: sound.interest_total + cent,
            previous_balance: sound.previous_balance - cent,
            ..sound.clone()
        },
    ];
    for statement in wrong {
        assert!(matches!(
            try_document(&terms, &statement),
            Err(DocumentError::Record("the statement does not add up"))
        ));
    }
}

#[test]
fn a_change_in_terms_is_told_with_its_day() {
    let (terms, statements) = live(LATE);
    let (effective_on, what) = (day("2026-10-01"), vec!["fees.late".into()]);
    let change = ChangeInTerms { effective_on, what, ..ChangeInTerms::default() };
    let statement = Statement { changes_in_terms: vec![change], ..statements[1].clone() };
    let html = document(&terms, &statement).html().unwrap();
    let rows = table(&html.text(), "Changes to your terms");
    assert_eq!(rows, [["October 1, 2026", "fees.late"]]);
}

#[test]
fn a_card_statement_warns_of_paying_only_the_minimum() {
    let card = LATE
        .replace("CASHLINE-STD-1", "CARD-STD-1")
        .replace("amount = \"1800.00\"", "amount = \"1800.00\", feature = \"purchases\"");
    let (terms, statements) = live(&card);
    let words = |statement: &Statement| {
        let html = document(&terms, statement).html().unwrap();
        said(&html.text()).join("\n")
    };
    let first = words(&statements[0]);
    assert!(first.contains("Minimum payment warning"), "{first}");
    assert!(first.contains("3 years"), "{first}");
    // A minimum with what is past due is more than what would be paid off in three years.
    let last = words(statements.last().unwrap());
    assert!(last.contains("Minimum payment warning"), "{last}");
    assert!(!last.contains("3 years"), "{last}");
}

/// A card's statement of one cycle: its words.
fn card(product: &str, events: &str) -> (Terms, Statement, String) {
    let scenario = format!(
        "as_of = \"2026-09-10\"\n[[product]]\nname = \"T\"\nbased_on = \"CARD-STD-1\"\n{product}\n[line]\n\
         product = \"T\"\nopened_on = \"2026-08-06\"\ncredit_limit = \"9000.00\"\napr = \"24%\"\nclose_day = 5\n\
         events = [{events}]\n"
    );
    let (terms, statements) = live(&scenario);
    let statement = statements.into_iter().next().unwrap();
    let html = document(&terms, &statement).html().unwrap().text().into_owned();
    (terms, statement, html)
}

const BOUGHT: &str =
    r#"{ on = "2026-08-10", kind = "draw", amount = "1800.00", feature = "purchases" }"#;
const ADVANCED: &str =
    r#"{ on = "2026-08-10", kind = "draw", amount = "1800.00", feature = "cash_advances" }"#;

/// 12 CFR 1026.7(b)(12)(ii) and sample G-18(C)(3).
#[test]
fn a_minimum_below_the_interest_is_warned_of_in_its_own_words() {
    let product = "[product.minimum]\narms = [{ percent = \"1%\", of = \"new_balance\" }]";
    let (_, statement, html) = card(product, ADVANCED);
    let Some(Repayment::Never { in_36_months }) = statement.repayment else {
        panic!("{:?}", statement.repayment)
    };
    let said = said(&html).join("\n");
    for words in [
        "you will never pay off the balance shown on this statement because your payment will be less than the interest \
         charged each month",
        "If you make more than the minimum payment each period, you will pay less in interest",
        "call 800-555-0142",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("it will take you longer"), "{said}");
    let monthly = in_36_months.to_string().replace(".00", "");
    assert_eq!(table(&html, "How long it takes"), [[monthly, "36 months".to_owned()]]);
}

#[test]
fn a_warning_of_minimums_names_who_tells_of_credit_counseling() {
    let (terms, statement, html) = card("", BOUGHT);
    assert!(matches!(statement.repayment, Some(Repayment::Estimate { .. })));
    let said = said(&html).join("\n");
    let words =
        "If you would like information about credit counseling services, call 800-555-0142.";
    assert!(said.contains(words) && said.contains("it will take you longer"), "{said}");
    let plain = document(&terms, &Statement { repayment: None, ..statement }).html().unwrap();
    assert!(!plain.text().contains("credit counseling"));
}

#[test]
fn interest_of_an_earlier_time_is_told_beside_the_rates_of_the_cycle() {
    let promotion = "[[product.features]]\nname = \"purchases\"\napr = \"29.99%\"\npromotion = { apr = \"0%\", through = 2026-08-31, deferred = true }";
    let (_, statement, html) = card(promotion, BOUGHT);
    let due = statement.interest[0].deferred_due;
    assert!(due.is_positive());
    let said = said(&html).join("\n");
    let told =
        format!("Of the interest on purchases, {due} was deferred by a promotion and is due now");
    assert!(said.contains(&told), "{said}");
}

#[test]
fn every_rate_that_a_draw_could_have_had_stands_with_its_balance_of_nothing() {
    let (_, _, html) = card("", BOUGHT);
    let rows = table(&html, "Interest charge calculation");
    let rows: Vec<_> = rows.iter().map(|row| row.join(" | ")).collect();
    let tail = &rows[rows.len() - 2..];
    assert_eq!(
        tail,
        [
            "Cash advances | 29.99% | 0.082160% |  | $0.00 | $0.00",
            "Balance transfers | 24.00% | 0.065750% |  | $0.00 | $0.00"
        ]
    );
}

#[test]
fn a_late_payment_is_warned_of_with_the_rate_that_it_can_bring() {
    let product = "[product.penalty_rate]\napr = \"31.99%\"\n";
    let (_, _, html) = card(product, BOUGHT);
    let words = "Late payment: if your minimum payment arrives after the due date, you may have to pay a late fee of up to $41.00, \
                 and your APRs may be increased up to the penalty APR of 31.99%.";
    let said = said(&html).join("\n");
    assert!(said.contains(words), "{said}");
}

/// 12 CFR 1026.6(b)(2)(i)(D) and (ii).
#[test]
fn the_opening_record_tells_the_penalty_rate_and_every_fee_for_the_line() {
    let product = "[product.fees]\nplan = { amount = \"5.00\" }\nfurther_plans = [{ amount = \"95.00\", every_cycles = 12 }]\n\
                   [product.penalty_rate]\napr = \"31.99%\"\n";
    let (terms, ..) = card(product, BOUGHT);
    let html = opening_of(&terms);
    let fees = table(&html, "Fees");
    assert!(
        fees.contains(&vec!["Fee for the line".to_owned(), "$5.00 each billing cycle".to_owned()])
    );
    assert!(fees.contains(&vec!["Fee for the line".to_owned(), "$95.00 each year".to_owned()]));
    let rates = table(&html, "Interest rates and interest charges");
    let penalty = rates.iter().find(|row| row[0] == "Penalty APR and when it applies").unwrap();
    assert_eq!(
        penalty[1],
        "31.99%. It may apply to your balances if a minimum payment is still unpaid more than 60 days after its due date, 45 \
         days after we tell you. It applies until you pay 6 minimum payments in a row in time."
    );
    let periodic = table(&html, "Periodic rates");
    assert!(periodic.iter().any(|row| row[0] == "Penalty APR" && row[1] == "31.99%"));
}

#[test]
fn a_statement_names_who_issued_it_and_the_terms_of_its_cycle_whatever_came_after() {
    let (mut terms, statement, _) = card("", BOUGHT);
    let issuer = Issuer {
        name: "Old Harbor Lending".to_owned(),
        address: vec!["7 Old Quay".to_owned(), "Boston, MA 02110".to_owned()],
        phone: "800-555-0177".to_owned(),
        credit_counseling_phone: "800-555-0188".to_owned(),
    };
    let statement = Statement { issuer: Some(issuer), ..statement };
    let before = document(&terms, &statement).html().unwrap();
    let said = said(&before.text()).join("\n");
    for words in
        ["write to us at Old Harbor Lending, 7 Old Quay, Boston, MA 02110", "call 800-555-0188"]
    {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("Plumbline Sandbox Lending"), "{said}");
    terms.product.title = "Another card".to_owned();
    terms.product.grace = GraceTerms::default();
    terms.product.interest.balance = BalanceMethod::PreviousBalance;
    terms.product.fees.late = None;
    assert_eq!(document(&terms, &statement).html().unwrap(), before);
}

/// The opening record of a product.
fn opening(product: &str, apr: u32) -> String {
    let catalog = ProductCatalog::embedded().unwrap();
    let product = catalog.get(product).unwrap();
    opening_of(&Terms::open(product, Cents::new(200_000), Apr::from_ppm(apr), 5))
}

fn opening_of(terms: &Terms) -> String {
    let record = OpeningRecord {
        customer: &customer(),
        line_reference: "7F3A21",
        terms,
        opened_on: day("2026-08-06"),
    };
    opening_document(&record, &creditor()).html().unwrap().text().into_owned()
}

#[test]
fn the_terms_of_every_product_are_told_from_its_data() {
    let rows = |product: &str, apr: u32| {
        let html = opening(product, apr);
        let tables = ["Interest rates and interest charges", "Fees", "Periodic rates"];
        let rows: Vec<String> = tables
            .iter()
            .flat_map(|caption| table(&html, caption))
            .map(|row| row.join(" | "))
            .collect();
        rows.join("\n")
    };
    let all = [
        ("CASHLINE-STD-1", 240_000),
        ("CASHLINE-STD-1-FEE3", 353_200),
        ("CASHLINE-SUB-1", 0),
        ("CARD-STD-1", 219_900),
    ];
    let told: Vec<String> =
        all.iter().map(|(name, apr)| format!("{name}\n{}", rows(name, *apr))).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn the_opening_record_tells_when_draws_end_and_the_minimum_of_both_periods() {
    let product = "as_of = 2026-08-10\n[[product]]\nname = \"T\"\nbased_on = \"CASHLINE-STD-1\"\n[product.repayment]\nbegins_after_months = 24\n\
                   cycles = 60\n[product.repayment.minimum]\narms = [{ one_of = 60, of = \"principal_at_repayment\", plus_interest = true }]\n\
                   [line]\nproduct = \"T\"\nopened_on = 2026-08-06\napr = \"24%\"\n";
    let (terms, ..) = live(product);
    let said = said(&opening_of(&terms)).join("\n");
    for words in [
        "The minimum payment is the greater of $25.00 or 2.00% of principal",
        "You can draw through August 5, 2028. The repayment period begins on August 6, 2028: from that day on there are no draws. \
         In it the minimum payment is one part in 60 of principal as it was when the repayment period began plus the interest \
         billed on the statement, plus any amount past due; it is never more than what you owe. The last of its 60 statements \
         asks for all that is owed",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn the_billing_rights_stand_in_the_record_in_full() {
    let html = opening("CASHLINE-STD-1", 240_000);
    let said = said(&html).join("\n");
    for words in [
        "Your billing rights",
        "write to us at: Plumbline Sandbox Lending, 1 Level Street, San Francisco, CA 94105",
        "Within 60 days after the error appeared on your statement.",
        "Within 30 days of receiving your letter",
        "Within 90 days of receiving your letter",
        "you do not have to pay the first $50 of the amount you question",
    ] {
        assert!(said.contains(words), "{words}");
    }
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// V43, and each list to its total, read back from the page itself.
    #[test]
    fn the_figures_of_the_page_are_those_of_the_data_and_its_sums_hold(
        draws in prop::collection::vec((0_u64..90, 2_000_i64..60_000), 1..6),
        payments in prop::collection::vec((20_u64..100, 100_i64..40_000), 0..5),
        product in prop::sample::select(vec!["CASHLINE-STD-1", "CASHLINE-STD-1-FEE3"]),
    ) {
        let on = |day_number: u64| day("2026-06-07") + chrono::Days::new(day_number);
        let dollars = |amount: i64| format!("{}.{:02}", amount / 100, amount % 100);
        let drawn = draws.iter().map(|(at, amount)| {
            (on(*at), format!("{{ on = \"{}\", kind = \"draw\", amount = \"{}\" }}", on(*at), dollars(*amount)))
        });
        let paid = payments.iter().map(|(at, amount)| {
            (on(*at), format!("{{ on = \"{}\", kind = \"payment\", amount = \"{}\" }}", on(*at), dollars(*amount)))
        });
        let mut events: Vec<_> = drawn.chain(paid).collect();
        events.sort();
        let events: Vec<String> = events.into_iter().map(|(_, event)| event).collect();
        let scenario = format!(
            "as_of = \"2026-11-10\"\n[line]\nproduct = \"{product}\"\nopened_on = \"2026-06-06\"\n\
             credit_limit = \"9000.00\"\napr = \"24%\"\nclose_day = 5\nevents = [{}]\n",
            events.join(", ")
        );
        let (terms, statements) = live(&scenario);
        prop_assert!(!statements.is_empty());
        for statement in &statements {
            let html = document(&terms, statement).html().unwrap().text().into_owned();
            let summary = table(&html, "Summary");
            let (last, parts) = summary.split_last().unwrap();
            prop_assert_eq!(cents(&last[1]), statement.new_balance);
            let sum: Cents = parts.iter().map(|row| cents(&row[1])).sum();
            prop_assert_eq!(sum, statement.new_balance);
            let lists = [
                ("Draws", statement.draws_total),
                ("Payments and credits", -statement.payments_total),
                ("Fees", statement.fees_total),
                ("Interest charged", statement.interest_total),
                ("Adjustments", statement.adjustments_total),
            ];
            for (caption, total) in lists {
                let rows = table(&html, caption);
                if rows.is_empty() {
                    prop_assert!(total.is_zero(), "{} is missing", caption);
                    continue;
                }
                let (last, items) = rows.split_last().unwrap();
                prop_assert_eq!(cents(last.last().unwrap()), total);
                let sum: Cents = items.iter().map(|row| cents(row.last().unwrap())).sum();
                prop_assert_eq!(sum, total, "{}", caption);
            }
            let facts = between(&html, "<dl class=\"facts\">", "</dl>").concat();
            let figures: Vec<String> = between(&facts, "<dd>", "</dd>").iter().map(|figure| text(figure)).collect();
            prop_assert_eq!(&figures[0], &statement.new_balance.to_string());
            prop_assert_eq!(&figures[1], &statement.minimum_due.to_string());
        }
    }
}
