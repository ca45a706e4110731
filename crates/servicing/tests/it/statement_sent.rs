//! Which statements are sent, and what comes of one that could not be.

use credit::FlagKind;
use servicing::{
    Caller,
    originate::NewCustomer,
    statements::Statements,
    testing::{add_person, new_customer},
};
use store::{customers::Language, outbound::OutboundState};

use crate::{
    house::{House, Person, cents, key},
    messages::{STREET, Written},
};

async fn statements(house: &House, person: Person) -> Statements {
    house.servicing.list_statements(person.caller(), person.id, None, 50).await.unwrap()
}

/// How many messages said that a statement is ready.
async fn sent(written: &Written, person: Person) -> usize {
    let all = written.messages(person).await;
    all.iter().filter(|message| message.kind == "statement_ready").count()
}

/// 12 CFR 1026.5(b)(2)(i): more than a dollar either way, or a finance charge.
#[tokio::test]
async fn a_statement_of_next_to_nothing_is_there_to_be_opened_and_sent_to_nobody() {
    let written = Written::on("2026-12-04").await;
    let owes = written.person("ann@example.com", Language::English).await;
    let nothing = written.house.person("Bob").await;
    // Fifty cents, on which no interest has run.
    let cents_left = written.house.person("Cleo").await;
    written.draws(cents_left, 2_000).await;
    written.pays(cents_left, 1_950, "2026-12-04").await.unwrap();
    written.servicing().run_jobs(Caller::system()).await.unwrap();
    written.live_until("2026-12-06").await;
    for (person, balance, messages) in [(owes, 80_105, 1), (nothing, 0, 0), (cents_left, 50, 0)] {
        let items = statements(&written, person).await.items;
        let [statement] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(statement.new_balance, cents(balance));
        assert_eq!(statement.must_be_sent, messages == 1);
        assert_eq!(statement.minimum_due.is_positive(), messages == 1, "nor does it ask for any");
        assert_eq!(sent(&written, person).await, messages);
    }
}

const FLAGGED: &str = "SELECT count(*) FROM line_events WHERE kind = 'flag_raised'";
const FEES: &str = "SELECT count(*) FROM line_events WHERE kind = 'fee_assessed'";

async fn our_error(house: &House, person: Person) -> Option<String> {
    let standing = house.servicing.standing_flags(Caller::system(), person.id).await.unwrap();
    standing.into_iter().find(|flag| flag.kind == FlagKind::OurError).map(|flag| flag.source)
}

/// Nobody pays a late fee for a statement that was sent to nobody: the rule book's 1.5 and A18.
#[tokio::test]
async fn a_statement_that_was_sent_to_nobody_is_our_error_until_a_person_says_otherwise() {
    let written = Written::on("2026-12-03").await;
    let new = NewCustomer { email: "bounce@example.com".to_owned(), ..new_customer("Ann") };
    let ann = add_person(written.servicing(), new, "000111224242").await;
    written.draws(ann, 80_000).await;
    written.live_until("2026-12-04").await;
    assert_eq!(our_error(&written, ann).await, None, "what came back was no statement");
    written.live_until("2026-12-06").await;
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::NotSent);
    let said = "statement 1 was not sent: no address is known";
    assert_eq!(our_error(&written, ann).await.as_deref(), Some(said));
    let told =
        "SELECT count(*) FROM cases WHERE kind = 'undeliverable' AND words LIKE '%`our_error`%'";
    assert_eq!(written.count(told).await, 1);

    // It was due on December 30, and the one of January 5 was not sent either.
    written.live_until("2027-01-13").await;
    assert_eq!((written.count(FEES).await, written.count(FLAGGED).await), (0, 1));
    let position = written.servicing().position(ann.caller(), ann.id).await.unwrap().position;
    assert!(position.days_past_due > 10, "{}", position.days_past_due);

    // Found: what is sent from now on counts.
    let (service, system) = (written.servicing(), Caller::system());
    let street = STREET.map(str::to_owned);
    service.keep_postal_address(system, ann.id, &street).await.unwrap();
    let staff = written.representative("Rae").await;
    let (flag, note) = (FlagKind::OurError, "Found, and sent by mail.");
    service.clear_flag(staff, ann.id, flag, note, &key("found")).await.unwrap();
    written.live_until("2027-02-06").await;
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::OnPaper);
    assert_eq!(our_error(&written, ann).await, None);
    written.books_agree(ann).await;
}

#[tokio::test]
async fn who_was_sent_a_statement_pays_the_late_fee_though_a_letter_came_back() {
    let written = Written::on("2026-12-03").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let nowhere = ["No Such Street 5".to_owned(), "Sacramento, CA 95814".to_owned()];
    written.servicing().keep_postal_address(Caller::system(), ann.id, &nowhere).await.unwrap();
    written.live_until("2027-01-13").await;
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::NotSent);
    assert_eq!((written.count(FEES).await, written.count(FLAGGED).await), (1, 0));
}
