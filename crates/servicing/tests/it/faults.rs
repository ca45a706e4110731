//! What goes wrong between us and the bank is nobody's fault but its own: who is to blame is given up, nobody else.

use credit::FlagKind;
use rails::SealingKeys;
use servicing::{Caller, DrawAsk, release::RunReport, testing::at_once};
use store::{
    draws::{DrawRail, DrawReview, DrawRow, DrawStatus},
    payments::{PaymentRow, PaymentStatus},
};

use crate::house::{House, Person, Wire, day, key, noon};

pub(crate) async fn run(house: &House) -> RunReport {
    house.servicing.run_payments(Caller::system()).await.unwrap()
}

async fn payment(house: &House, person: Person) -> PaymentRow {
    house.payments(person).await.remove(0)
}

pub(crate) async fn draw(house: &House, person: Person) -> DrawRow {
    let views = house.servicing.list_draws(person.caller(), person.id).await.unwrap();
    let mut draws: Vec<_> = views.into_iter().map(|view| view.draw).collect();
    // What went by file is looked at, not what was drawn at once to begin with.
    let by_file = draws.iter().position(|draw| draw.rail == DrawRail::Standard);
    draws.swap_remove(by_file.unwrap_or_default())
}

/// Asks for a draw by the next file.
pub(crate) async fn draws_by_file(house: &House, person: Person, amount: i64) {
    let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(amount, person.checking) };
    let key = key(&format!("file-{}-{}", person.id, house.servicing.now().timestamp()));
    house.servicing.draw(person.caller(), person.id, ask, &key).await.unwrap();
}

/// A draw whose file was lost on the wire, given up on a Saturday, and arrives; what the bank does with it goes by the number of Bob's
/// account.
pub(crate) async fn set_aside(number: &str) -> (House, Person) {
    let house = House::on("2026-11-20").await;
    let bob = house.person_with_account("Bob", number).await;
    draws_by_file(&house, bob, 5_000).await;
    house.cut(Wire::LosesRequests);
    run(&house).await;
    house.cut(Wire::Fine);
    house.live_until("2026-11-21").await;
    house.let_through().await;
    run(&house).await;
    assert_eq!(draw(&house, bob).await.review, Some(DrawReview::SetAside));
    (house, bob)
}

/// The open cases of the desk, by kind and customer.
pub(crate) async fn desk(house: &House) -> Vec<(String, identity::CustomerId)> {
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    queue.cases.into_iter().map(|(case, _)| (case.kind, case.customer_id)).collect()
}

#[tokio::test]
async fn who_lacks_the_key_of_a_number_leaves_the_file_to_who_has_it() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 50_000).await;
    draws_by_file(&house, ann, 5_000).await;
    house.pays(ann, 5_000, "2026-11-20").await.unwrap();
    // A process of before, or one that has only the next key.
    let stranger = house.with_keys(&SealingKeys::generate("new").unwrap());
    for _ in 0..2 {
        let report = stranger.run_payments(Caller::system()).await.unwrap();
        assert_eq!((report.released, report.held_back, report.draws_refused), (0, 0, 0));
        assert!(report.failed > 0);
        assert_eq!(payment(&house, ann).await.status, PaymentStatus::Pending);
        // Nothing more is tried of an account whose number does not open.
        assert_eq!(draw(&house, ann).await.status, DrawStatus::Held);
    }
    let report = run(&house).await;
    assert_eq!((report.released, report.draws_sent, report.failed), (1, 1, 0));
    assert_eq!(house.count("SELECT count(*) FROM rail_files").await, 2);
    assert_eq!(desk(&house).await, []);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_number_that_cannot_be_opened_here_waits_and_keeps_nobody_elses_money() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let new = SealingKeys::generate("new").unwrap();
    let both = house.with_keys(&format!("{new},{}", house.key));
    let bob = servicing::testing::add_person(
        &both,
        servicing::testing::new_customer("Bob"),
        "000111227777",
    )
    .await;
    for person in [ann, bob] {
        let ask = at_once(50_000, person.checking);
        both.draw(person.caller(), person.id, ask, &key(&person.id.to_string())).await.unwrap();
        draws_by_file(&house, person, 5_000).await;
        house.pays(person, 5_000, "2026-11-20").await.unwrap();
    }
    let only_new = house.with_keys(&new);
    let report = only_new.run_payments(Caller::system()).await.unwrap();
    assert_eq!((report.released, report.draws_sent), (1, 1), "{report:?}");
    assert_eq!(payment(&house, bob).await.status, PaymentStatus::Released);
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Scheduled);
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Held);
    let report = run(&house).await;
    assert_eq!((report.released, report.draws_sent), (1, 1), "{report:?}");
    assert_eq!(desk(&house).await, []);
}

#[tokio::test]
async fn a_database_that_gives_no_numbers_is_nobodys_fault() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 50_000).await;
    draws_by_file(&house, ann, 5_000).await;
    house.pays(ann, 5_000, "2026-11-20").await.unwrap();
    house.sabotage("REVOKE SELECT ON bank_account_numbers FROM plumbline_rails").await;
    assert!(run(&house).await.failed > 0);
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Pending);
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Pending);
    house.sabotage("GRANT SELECT ON bank_account_numbers TO plumbline_rails").await;
    let report = run(&house).await;
    assert_eq!((report.released, report.draws_sent, report.failed), (1, 1, 0));
    assert_eq!(desk(&house).await, []);
}

#[tokio::test]
async fn a_damaged_number_is_named_and_holds_up_its_own_account_only() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    for person in [ann, bob] {
        house.draws(person, 50_000).await;
        house.pays(person, 5_000, "2026-11-20").await.unwrap();
    }
    let damage =
        "UPDATE bank_account_numbers SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)";
    house.sabotage(&format!("{damage} WHERE bank_account_id = '{}'", ann.checking)).await;
    let new = SealingKeys::generate("new").unwrap();
    let both = house.with_keys(&format!("{new},{}", house.key));
    let done = both.reseal_numbers(Caller::system()).await.unwrap();
    assert_eq!((done.resealed, done.damaged), (1, vec![ann.checking]));
    let report = both.run_payments(Caller::system()).await.unwrap();
    assert_eq!(report.released, 1);
    assert_eq!(payment(&house, bob).await.status, PaymentStatus::Released);
    assert_eq!(payment(&house, ann).await.cancel_reason.as_deref(), Some("cannot_be_written"));
    assert_eq!(desk(&house).await, [("operations".to_owned(), ann.id)]);
}

#[tokio::test]
async fn of_a_refused_file_only_the_entry_to_blame_is_given_up() {
    let house = House::on("2026-11-20").await;
    let mut people = Vec::new();
    for (name, number) in
        [("Ann", "000111224242"), ("Bob", "000111227777"), ("Cat", "000111226666")]
    {
        let person = house.person_with_account(name, number).await;
        house.draws(person, 50_000).await;
        draws_by_file(&house, person, 5_000).await;
        house.pays(person, 5_000, "2026-11-20").await.unwrap();
        people.push(person);
    }
    house.cut(Wire::RefusesFilesWith("000111227777"));
    let report = run(&house).await;
    assert_eq!((report.released, report.draws_sent), (2, 2), "{report:?}");
    let [ann, bob, cat] = people[..] else { panic!("three people") };
    for person in [ann, cat] {
        assert_eq!(payment(&house, person).await.status, PaymentStatus::Released);
        assert_eq!(draw(&house, person).await.status, DrawStatus::Released);
    }
    let waits = payment(&house, bob).await;
    assert_eq!((waits.status, waits.debit_on), (PaymentStatus::Scheduled, day("2026-11-23")));
    assert_eq!(draw(&house, bob).await.status, DrawStatus::Held);
    house.live_until("2026-11-23").await;
    assert_eq!(payment(&house, bob).await.cancel_reason.as_deref(), Some("refused_by_the_bank"));
    assert_eq!(draw(&house, bob).await.refusal.as_deref(), Some("refused_by_the_bank"));
    for person in [ann, cat] {
        assert_eq!(payment(&house, person).await.status, PaymentStatus::Settled);
    }
    // The bank repeated the number; it is kept nowhere.
    let kept = "SELECT count(*) FROM rail_files WHERE refusal = 'account  is none'";
    assert_eq!(house.count(kept).await, 6);
    let told = "SELECT count(*) FROM outbox WHERE payload::text LIKE '%111227777%'";
    assert_eq!(house.count(told).await, 0);
    house.books_agree(bob).await;
}

#[tokio::test]
async fn a_name_in_another_script_stops_no_file() {
    let house = House::on("2026-11-20").await;
    for name in ["李小龍", "Мария", "محمد"] {
        let person = house.person(name).await;
        house.draws(person, 50_000).await;
        house.pays(person, 5_000, "2026-11-20").await.unwrap();
    }
    let report = run(&house).await;
    assert_eq!((report.released, report.failed), (3, 0));
    assert_eq!(house.submitted(), 1);
}

#[tokio::test]
async fn what_the_bank_said_is_read_before_anything_leaves() {
    let house = House::on("2026-11-20").await;
    // A closed account, of which the bank tells after two banking days.
    let ann = house.person_with_account("Ann", "000111229002").await;
    house.draws(ann, 80_000).await;
    house.pays(ann, 5_000, "2026-11-20").await.unwrap();
    let days = ["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-27"];
    for on in days {
        house.pays(ann, 5_000, on).await.unwrap();
    }
    let payment_of = async |on: &str| {
        let on = day(on);
        let payments = house.payments(ann).await;
        payments.into_iter().find(|one| one.authorised_on == on).unwrap().status
    };
    for on in days {
        house.live_until(on).await;
        if payment_of("2026-11-20").await == PaymentStatus::Returned {
            assert_eq!(payment_of(on).await, PaymentStatus::HeldBack, "{on}");
            return;
        }
    }
    panic!("it never came back");
}

#[tokio::test]
async fn a_file_that_arrives_after_it_was_given_up_is_for_the_desk_and_nothing_of_it_goes_twice() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229001").await;
    let bob = house.person("Bob").await;
    house.draws(ann, 50_000).await;
    house.pays(ann, 5_000, "2026-11-20").await.unwrap();
    draws_by_file(&house, bob, 5_000).await;
    house.cut(Wire::LosesRequests);
    assert_eq!(run(&house).await.pending, 2);
    house.cut(Wire::Fine);
    // A Saturday: the files are given up, and nothing leaves.
    house.live_until("2026-11-21").await;
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Scheduled);
    assert_eq!(draw(&house, bob).await.status, DrawStatus::Held);
    house.let_through().await;
    run(&house).await;
    let kept_here = payment(&house, ann).await;
    assert_eq!(
        (kept_here.status, kept_here.cancel_reason.as_deref()),
        (PaymentStatus::HeldBack, Some("file_arrived_late"))
    );
    assert_eq!(draw(&house, bob).await.review, Some(DrawReview::SetAside));
    let mut told = desk(&house).await;
    told.sort();
    let mut expected = [("operations".to_owned(), ann.id), ("operations".to_owned(), bob.id)];
    expected.sort();
    assert_eq!(told, expected);
    // What comes of it is known by the file it was in; it is told once that the file arrived.
    house.live_until("2026-11-27").await;
    assert_eq!(house.submitted(), 0);
    let told = "SELECT count(*) FROM rail_files WHERE status = 'late'";
    assert_eq!(house.count(told).await, 2);
    let unknown = "SELECT count(*) FROM outbox WHERE kind = 'return.unknown' AND payload ->> 'reference' IS NOT NULL";
    assert_eq!(house.count(unknown).await, 1);
    // Nobody looked at the draw in time, and the bank has paid it: it is owed from that day.
    let paid = draw(&house, bob).await;
    assert_eq!((paid.status, paid.drawn_on), (DrawStatus::Settled, Some(day("2026-11-23"))));
    house.books_agree(bob).await;
}

#[tokio::test]
async fn a_draw_that_was_set_aside_is_ended_in_time_as_the_bank_has_it() {
    // One that is sent back two banking days after it was paid, and one that stays paid.
    for (number, ended) in [("000111229203", "R03"), ("000111224242", "")] {
        let (house, bob) = set_aside(number).await;
        // Three banking days are a person's; where the bank cannot be asked then, it stays as it is.
        house.live_until("2026-11-25").await;
        assert_eq!(draw(&house, bob).await.status, DrawStatus::Held);
        house.cut(Wire::LosesFinds);
        house.live_until("2026-11-27").await;
        assert_eq!(draw(&house, bob).await.status, DrawStatus::Held);
        house.cut(Wire::Fine);
        run(&house).await;
        let done = draw(&house, bob).await;
        assert_ne!(done.status, DrawStatus::Held, "it holds no credit for ever");
        assert_eq!(done.refusal.unwrap_or_default(), ended);
        let disabled = "SELECT count(*) FROM bank_accounts WHERE status = 'disabled'";
        assert_eq!(house.count(disabled).await, i64::from(ended == "R03"));
        assert_eq!(desk(&house).await, [("operations".to_owned(), bob.id)]);
        house.books_agree(bob).await;
    }
}

#[tokio::test]
async fn an_instant_draw_whose_process_died_before_it_was_handed_over_does_not_leave_weeks_later() {
    let house = House::on("2026-11-20").await;
    let (ann, bob) = (house.person("Ann").await, house.person("Bob").await);
    house.cut(Wire::LosesRequests);
    for person in [ann, bob] {
        house.draws(person, 50_000).await;
    }
    // As the process leaves it that dies after the draw was held.
    house.sabotage("UPDATE draws SET status = 'held', handed_at = NULL").await;
    house.hand.advance(chrono::TimeDelta::minutes(61));
    run(&house).await;
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Held, "the bank was not asked");
    house.cut(Wire::Fine);
    let report = run(&house).await;
    assert_eq!((report.draws_refused, report.draws_settled, report.pending), (2, 0, 0));
    for person in [ann, bob] {
        let given_up = draw(&house, person).await;
        assert_eq!(
            (given_up.status, given_up.refusal.as_deref()),
            (DrawStatus::Voided, Some("timed_out"))
        );
        house.books_agree(person).await;
    }
    assert_eq!(run(&house).await, RunReport::default());
}

#[tokio::test]
async fn an_instant_draw_whose_process_died_leaves_with_the_next_run() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.cut(Wire::LosesRequests);
    house.draws(ann, 50_000).await;
    house.sabotage("UPDATE draws SET status = 'held', handed_at = NULL").await;
    house.cut(Wire::Fine);
    house.hand.advance(chrono::TimeDelta::minutes(60));
    assert_eq!(run(&house).await.draws_settled, 1);
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Settled);
}

#[tokio::test]
async fn a_draw_of_which_nothing_is_known_for_days_is_told_to_the_desk_once() {
    let house = House::on("2026-11-16").await;
    let ann = house.person("Ann").await;
    draws_by_file(&house, ann, 5_000).await;
    house.cut(Wire::LosesRequests);
    run(&house).await;
    house.live_until("2026-11-19").await;
    assert_eq!(desk(&house).await, []);
    house.live_until("2026-11-23").await;
    assert_eq!(desk(&house).await, [("operations".to_owned(), ann.id)]);
    let leaves = "SELECT count(*) FROM audit_leaves WHERE kind LIKE 'case.%'";
    assert_eq!(house.count(leaves).await, 1);
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Pending);
}

#[tokio::test]
async fn one_draw_that_cannot_be_undone_keeps_no_others_from_leaving() {
    let house = House::on("2026-11-20").await;
    let (ann, bob) = (house.person("Ann").await, house.person("Bob").await);
    for person in [ann, bob] {
        draws_by_file(&house, person, 5_000).await;
    }
    let assistant = Caller::assistant(ann.id);
    house.servicing.raise_flag(assistant, ann.id, FlagKind::Fraud, "case CAS-1").await.unwrap();
    house
        .sabotage(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF NEW.body ->> 'kind' = 'draw_refused' THEN RAISE 'no room'; END IF; RETURN NEW; END $$",
        )
        .await;
    house
        .sabotage(
            "CREATE TRIGGER fail BEFORE INSERT ON line_events FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        .await;
    let report = run(&house).await;
    assert_eq!((report.draws_sent, report.draws_refused, report.failed), (1, 0, 1));
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Held);
    house.sabotage("DROP TRIGGER fail ON line_events").await;
    assert_eq!(run(&house).await.draws_refused, 1);
}

#[tokio::test]
async fn a_push_that_is_refused_when_it_is_sent_again_is_read_back() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.cut(Wire::LosesRequests);
    house.draws(ann, 50_000).await;
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Pending);
    house.cut(Wire::TakesAndRefuses);
    run(&house).await;
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Settled);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn an_instant_draw_that_something_stands_against_is_not_pushed_again() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.cut(Wire::LosesRequests);
    house.draws(ann, 50_000).await;
    let assistant = Caller::assistant(ann.id);
    house.servicing.raise_flag(assistant, ann.id, FlagKind::Fraud, "case CAS-1").await.unwrap();
    house.cut(Wire::Fine);
    // At once, and not only when the bank has been given time.
    run(&house).await;
    let given_up = draw(&house, ann).await;
    assert_eq!((given_up.status, given_up.drawn_on), (DrawStatus::Voided, None));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_file_on_its_way_is_not_given_back_whatever_goes_wrong_here() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 50_000).await;
    house.pays(ann, 5_000, "2026-11-20").await.unwrap();
    house
        .sabotage(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF NEW.status = 'accepted' THEN RAISE 'no room'; END IF; RETURN NEW; END $$",
        )
        .await;
    house
        .sabotage(
            "CREATE TRIGGER fail BEFORE UPDATE ON rail_files FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        .await;
    let report = run(&house).await;
    assert_eq!((report.failed, report.pending), (1, 1));
    assert_eq!(house.submitted(), 1);
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Pending);
    house.sabotage("DROP TRIGGER fail ON rail_files").await;
    assert_eq!(run(&house).await.released, 1);
    assert_eq!(house.submitted(), 1, "it was with the bank");
}

#[tokio::test]
async fn a_file_that_may_still_arrive_is_not_given_up() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 50_000).await;
    house.pays(ann, 5_000, "2026-11-20").await.unwrap();
    house.cut(Wire::LosesRequests);
    run(&house).await;
    let assistant = Caller::assistant(ann.id);
    house.servicing.raise_flag(assistant, ann.id, FlagKind::Fraud, "case CAS-1").await.unwrap();
    house.cut(Wire::Fine);
    assert_eq!(run(&house).await.pending, 1);
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Pending);
    house.hand.set(noon(day("2026-11-20")) + chrono::TimeDelta::minutes(15));
    assert_eq!(run(&house).await.held_back, 1);
    assert_eq!(house.submitted(), 0);
}

#[tokio::test]
async fn what_came_back_to_nobody_is_told_once_however_often_the_list_is_read() {
    let house = House::on("2026-11-20").await;
    let mut people = Vec::new();
    for name in ["Ann", "Bob"] {
        let person = house.person_with_account(name, "000111229002").await;
        house.draws(person, 80_000).await;
        house.pays(person, 5_000, "2026-11-20").await.unwrap();
        people.push(person);
    }
    let [ann, bob] = people[..] else { panic!("two people") };
    run(&house).await;
    // The bank returns Bob's under a number that is nobody's, and Ann's cannot be worked off: the list is not passed.
    let lost = "UPDATE payments SET trace_number = '091000010000000' WHERE customer_id";
    house.sabotage(&format!("{lost} = '{}'", bob.id)).await;
    house.sabotage("REVOKE UPDATE ON bank_accounts FROM plumbline_app").await;
    house.live_until("2026-11-25").await;
    for _ in 0..3 {
        assert!(run(&house).await.failed > 0);
    }
    assert_eq!(house.count("SELECT count(*) FROM outbox WHERE kind = 'return.unknown'").await, 1);
    house.sabotage("GRANT UPDATE (status) ON bank_accounts TO plumbline_app").await;
    run(&house).await;
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Returned);
    assert_eq!(house.count("SELECT count(*) FROM outbox WHERE kind = 'return.unknown'").await, 1);
}
