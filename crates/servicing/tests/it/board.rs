//! A portfolio of another lender comes in: once, whole where that is asked for, and with the books agreeing.

use boarding::{ROWS_AT_ONCE, Row, Rules};
use credit::{FlagKind, ProductCatalog};
use servicing::{
    Caller, RefusalCode, ServicingError,
    board::{Boarded, Order},
    staff_changes::ServicePeriod,
    testing::at_once,
};

use crate::counted::Statements;
use crate::house::{House, Person, day, key, refusal};

const SAMPLE: &str = include_str!("../../../../docs/boarding-sample.csv");

fn rows(text: &str) -> Vec<Row> {
    let catalog = ProductCatalog::embedded().unwrap();
    let rules = Rules { catalog: &catalog, today: day("2026-11-23") };
    let rows = boarding::read_rows(text.as_bytes(), rules).unwrap();
    rows.into_iter().map(Result::unwrap).collect()
}

/// The first row of the sample under so many references.
fn many(count: usize) -> Vec<Row> {
    let first = rows(SAMPLE).remove(0);
    let numbered =
        (1..=count).map(|n| Row { number: n as u64, reference: format!("M-{n}"), ..first.clone() });
    numbered.collect()
}

async fn board(house: &House, rows: &[Row], whole: bool) -> Result<Boarded, ServicingError> {
    let catalog = ProductCatalog::embedded().unwrap();
    let order = Order { portfolio: "harbor", catalog: &catalog, whole };
    let mut boarding = Box::pin(house.servicing.board(Caller::system(), order)).await?;
    let mut all = Boarded::default();
    for batch in rows.chunks(ROWS_AT_ONCE) {
        let batch: Vec<&Row> = batch.iter().collect();
        let done = Box::pin(boarding.rows(&batch)).await?;
        all.boarded.extend(done.boarded);
        all.before.extend(done.before);
        all.changed.extend(done.changed);
    }
    if !boarding.end().await? {
        all.boarded.clear();
    }
    Ok(all)
}

/// The customer of that name, with their line.
async fn person(house: &House, name: &str) -> Person {
    let system = Caller::system();
    let everybody = house.servicing.list_customers(system).await.unwrap();
    let id = everybody.iter().find(|one| one.name == name).unwrap().id;
    let owners = house.servicing.list_line_owners(system).await.unwrap();
    let line = owners.iter().find(|(owner, _)| *owner == id).unwrap().1;
    let accounts = house.servicing.list_bank_accounts(Caller::customer(id), id).await.unwrap();
    let checking = accounts.first().map(|one| one.id);
    Person {
        id,
        line,
        checking: checking.unwrap_or(identity::BankAccountId::mint(house.servicing.now())),
    }
}

#[tokio::test]
async fn what_is_boarded_is_what_the_row_says_and_the_books_agree() {
    let house = House::on("2026-11-23").await;
    let rows = rows(SAMPLE);
    let done = board(&house, &rows, false).await.unwrap();
    assert_eq!(done.boarded, [1, 2, 3, 4, 5]);
    for row in &rows {
        let person = person(&house, &row.name).await;
        let position =
            house.servicing.position(Caller::system(), person.id).await.unwrap().position;
        let principal: money::Cents = row.balances.principal.iter().map(|part| part.amount).sum();
        assert_eq!(position.principal_balance, principal, "{}", row.reference);
        assert_eq!(position.minimum_due, row.balances.minimum_unpaid);
        assert_eq!(position.past_due, row.balances.past_due);
        house.books_agree(person).await;
    }
    let leaves = "SELECT count(*) FROM audit_leaves WHERE kind = 'line.opened'";
    assert_eq!(house.count(leaves).await, 5);
    assert_eq!(house.count("SELECT count(*) FROM outbox WHERE kind = 'line.opened'").await, 5);
    let numbers = "SELECT count(*) FROM bank_account_numbers n JOIN bank_accounts a ON a.id = n.bank_account_id
                   WHERE position('000111224242'::bytea IN n.sealed) = 0";
    assert_eq!(house.count(numbers).await, 2);
}

#[tokio::test]
async fn the_same_rows_again_board_nothing_and_other_figures_are_told() {
    let house = House::on("2026-11-23").await;
    let mut rows = rows(SAMPLE);
    board(&house, &rows[..2], false).await.unwrap();
    let again = board(&house, &rows, false).await.unwrap();
    assert_eq!((again.before, again.boarded), (vec![1, 2], vec![3, 4, 5]));
    rows[0].phone = "415-555-0199".to_owned();
    let changed = board(&house, &rows, false).await.unwrap();
    assert_eq!((changed.changed, changed.before), (vec![1], vec![2, 3, 4, 5]));
    assert_eq!(house.count("SELECT count(*) FROM credit_lines").await, 5);
}

#[tokio::test]
async fn whoever_boards_all_or_nothing_boards_nothing_where_one_row_is_another() {
    let house = House::on("2026-11-23").await;
    let mut rows = rows(SAMPLE);
    board(&house, &rows[..1], false).await.unwrap();
    rows[0].name = "Rosa Dominguez".to_owned();
    let done = board(&house, &rows, true).await.unwrap();
    assert_eq!((done.changed, done.boarded), (vec![1], vec![]));
    assert_eq!(house.count("SELECT count(*) FROM credit_lines").await, 1);
    let done = board(&house, &rows[1..], true).await.unwrap();
    assert_eq!(done.boarded.len(), 4);
}

#[tokio::test]
async fn a_run_that_died_between_two_batches_goes_on() {
    let house = House::on("2026-11-23").await;
    let rows = many(ROWS_AT_ONCE + 20);
    // It died after its first batch was committed, and two come back at once.
    board(&house, &rows[..ROWS_AT_ONCE], false).await.unwrap();
    let (one, other) = tokio::join!(board(&house, &rows, false), board(&house, &rows, false));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.boarded.len() + other.boarded.len(), 20);
    assert!(one.changed.is_empty() && other.changed.is_empty());
    assert_eq!(
        house.count("SELECT count(*) FROM credit_lines").await,
        i64::try_from(rows.len()).unwrap()
    );
    assert_eq!(
        house.count("SELECT count(*) FROM boarded_lines").await,
        i64::try_from(rows.len()).unwrap()
    );
}

#[tokio::test]
async fn a_batch_takes_as_many_statements_whatever_its_size() {
    let house = House::on("2026-11-23").await;
    let rows = many(ROWS_AT_ONCE + 12);
    let mut counted = Vec::new();
    // The first is not counted: connections are opened, and a place that speaks is heard only once it is known.
    for range in [0..1, 1..2, 2..12, 12..ROWS_AT_ONCE + 12] {
        let (statements, count) = (Statements::listen(), range.len());
        let done = board(&house, &rows[range], false).await.unwrap();
        counted.push(statements.count());
        assert_eq!(done.boarded.len(), count);
    }
    let [_, one, ten, most] = counted[..] else { panic!("{counted:?}") };
    // A connection that is opened meanwhile says a statement or two of its own.
    let apart = one.max(ten).max(most) - one.min(ten).min(most);
    assert!(apart <= 4, "{one}, {ten} and {most} for 1, 10 and {ROWS_AT_ONCE} rows");
    assert!((12..=30).contains(&one), "{counted:?}: nothing was counted, or too much");
}

/// Runs the other way round by another file meet in the middle; neither waits for the other without end.
#[tokio::test]
async fn two_runs_in_opposite_order_board_each_row_once() {
    let house = House::on("2026-11-23").await;
    let rows = many(40);
    let mut reversed = rows.clone();
    reversed.reverse();
    for from in (0..40).step_by(10) {
        let (one, other) = (&rows[from..from + 10], &reversed[30 - from..40 - from]);
        let (one, other) = tokio::join!(board(&house, one, false), board(&house, other, false));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.boarded.len() + other.boarded.len(), 10);
    }
    assert_eq!(house.count("SELECT count(*) FROM boarded_lines").await, 40);
}

#[tokio::test]
async fn a_draw_waits_for_the_opening_record_unless_the_other_lender_gave_it() {
    let house = House::on("2026-11-23").await;
    let mut rows = rows(SAMPLE);
    rows.truncate(2);
    rows[1].bank = rows[0].bank.clone();
    board(&house, &rows, false).await.unwrap();
    let mut refused = Vec::new();
    for row in &rows {
        let person = person(&house, &row.name).await;
        let ask = at_once(10_000, person.checking);
        let drawn =
            house.servicing.draw(person.caller(), person.id, ask, &key(&row.reference)).await;
        refused.push(drawn.err().and_then(|error| error.refusal().map(|refusal| refusal.code)));
    }
    assert_eq!(refused[1], Some(RefusalCode::OpeningRecordMissing));
    assert_ne!(refused[0], Some(RefusalCode::OpeningRecordMissing));
}

#[tokio::test]
async fn service_counts_on_a_boarded_line_from_the_day_it_was_opened_elsewhere() {
    let house = House::on("2026-11-23").await;
    let rows = rows(SAMPLE);
    board(&house, &rows[..1], false).await.unwrap();
    let rosa = person(&house, "Rosa Delgado").await;
    let staff = house.representative("Rae").await;
    let record = async |from: &str, through: Option<&str>| {
        let note = "Orders.".to_owned();
        let period = ServicePeriod { from: day(from), through: through.map(day), note };
        house.servicing.record_service(staff, rosa.id, &period, &key(from)).await
    };
    let early = refusal(record("2025-03-13", None).await);
    assert!(early.sentence.contains("opened on March 14, 2025"), "{}", early.sentence);
    let over = refusal(record("2026-01-10", Some("2026-10-31")).await);
    assert!(over.sentence.contains("came to us on November 6, 2026"), "{}", over.sentence);
    // It began in January; what accrues with us is at six percent, from the first day of our books.
    record("2026-01-12", None).await.unwrap();
    let position = house.servicing.position(Caller::system(), rosa.id).await.unwrap().position;
    assert_eq!(position.opened_on, day("2025-03-14"));
    assert_eq!(position.features[0].apr, money::Apr::from_ppm(60_000));
    // $800.00 for 17 days.
    assert_eq!(position.accrued_interest, money::Cents::new(224));
    assert!(position.flagged(FlagKind::Scra));
    house.books_agree(rosa).await;
}

#[tokio::test]
async fn a_customer_or_a_model_boards_nothing() {
    let house = House::on("2026-11-23").await;
    let catalog = ProductCatalog::embedded().unwrap();
    let order = Order { portfolio: "harbor", catalog: &catalog, whole: false };
    let id = identity::CustomerId::mint(house.servicing.now());
    for caller in [Caller::customer(id), Caller::assistant(id)] {
        let refused = Box::pin(house.servicing.board(caller, order)).await.err().unwrap();
        assert_eq!(refused.refusal().unwrap().code, RefusalCode::NotAllowed);
    }
}

#[tokio::test]
async fn where_paper_goes_and_what_stands_against_writing_come_with_the_row() {
    let house = House::on("2026-11-23").await;
    let mut lines = SAMPLE.lines();
    let names = format!("{},postal_address,flags", lines.next().unwrap());
    let first = lines.next().unwrap();
    let file = |reach: &str| format!("{names}\n{first},{reach}\n");
    let rows = rows(&file("\"1 Elm Street; Sacramento, CA 95814\",Do not contact; hardship"));
    board(&house, &rows, false).await.unwrap();
    let rosa = person(&house, "Rosa Delgado").await;
    let view = house.servicing.contact(Caller::system(), rosa.id).await.unwrap();
    assert_eq!(view.postal.unwrap(), ["1 Elm Street", "Sacramento, CA 95814"]);
    let standing = house.servicing.standing_flags(Caller::system(), rosa.id).await.unwrap();
    let kinds: Vec<FlagKind> = standing.iter().map(|flag| flag.kind).collect();
    assert_eq!(kinds, [FlagKind::DoNotContact, FlagKind::Hardship]);
    assert!(standing.iter().all(|flag| flag.source == "boarded"));
    house.books_agree(rosa).await;

    let catalog = ProductCatalog::embedded().unwrap();
    let rules = Rules { catalog: &catalog, today: day("2026-11-23") };
    for (reach, column) in [
        ("1 Elm Street,", "postal_address"),
        (",nonsense", "flags"),
        ("a;b;c;d;e;f,", "postal_address"),
    ] {
        let judged = boarding::read_rows(file(reach).as_bytes(), rules).unwrap().remove(0);
        let faults = judged.unwrap_err();
        assert_eq!(faults[0].column.as_deref(), Some(column), "{reach}");
    }
}
