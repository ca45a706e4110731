//! What comes back otherwise than it was sent.

use nacha::{Addenda, Batch, File, Sec, TransactionCode};
use servicing::{Caller, DrawAsk, release::RunReport, testing::at_once};
use store::{
    draws::{DrawRail, DrawStatus},
    payments::PaymentStatus,
};

use crate::{
    house::{Altering, House, Person, cents, day, key, noon},
    service::{position, told},
};

/// A file of returns, with each batch made into another.
fn altered(text: &str, alter: impl Fn(&mut Batch)) -> String {
    let mut file = File::parse(text).unwrap();
    file.batches.iter_mut().for_each(alter);
    file.write().unwrap()
}

async fn run(house: &House) -> RunReport {
    house.servicing.run_payments(Caller::system()).await.unwrap()
}

/// What the desk's open cases say.
async fn desk(house: &House) -> Vec<String> {
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    queue.cases.into_iter().map(|(case, _)| case.words).collect()
}

async fn status(house: &House, person: Person) -> PaymentStatus {
    house.payments(person).await[0].status
}

/// Each way in which a return can be another entry's than the one whose trace number it names.
fn forgeries() -> [(&'static str, Altering); 4] {
    [
        ("another amount", |text| altered(text, |batch| batch.entries[0].amount = cents(1))),
        ("another direction", |text| {
            altered(text, |batch| {
                batch.entries[0].code = TransactionCode::ReturnedCreditChecking;
            })
        }),
        ("another account", |text| {
            altered(text, |batch| batch.entries[0].account_number = "000999999001".into())
        }),
        ("another account", |text| {
            altered(text, |batch| {
                if let Some(Addenda::Return { original_prefix, .. }) = &mut batch.entries[0].addenda
                {
                    *original_prefix = "01100001".into();
                }
            })
        }),
    ]
}

#[tokio::test]
async fn a_return_of_another_amount_direction_or_account_undoes_no_payment_and_is_for_the_desk() {
    for (what, forged) in forgeries() {
        let (house, ann) = House::with_ann_banking_at("000111229001").await;
        house.pays(ann, 50_000, "2026-11-23").await.unwrap();
        house.returns_arrive_as(forged);
        let report = house.live_until("2026-11-27").await.payments;
        assert_eq!((report.returned, report.failed), (0, 0), "{what}");
        assert_eq!(status(&house, ann).await, PaymentStatus::Settled, "{what}");
        assert_eq!(position(&house, ann).await.principal_balance, cents(30_000));
        let words = desk(&house).await;
        assert!(words.len() == 1 && words[0].contains(what), "{words:?}");
        // The list is passed, and it is told once.
        assert_eq!(run(&house).await, RunReport::default());
        assert_eq!(told(&house, "return.unknown").await.len(), 1);
        house.books_agree(ann).await;
    }
}

/// The desk's words about a payment of November 23 that came back otherwise than this says.
async fn late(number: &str, to: &str, arrives_as: Altering) -> Vec<String> {
    let (house, ann) = House::with_ann_banking_at(number).await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.returns_arrive_as(arrives_as);
    house.live_until(to).await;
    assert_eq!(status(&house, ann).await, PaymentStatus::Returned);
    let mut words = desk(&house).await;
    words.retain(|words| words.contains("later than"));
    words
}

/// The same return, of another day.
fn on(text: &str, on: &str) -> String {
    altered(text, |batch| batch.effective_on = day(on))
}

#[tokio::test]
async fn a_return_is_late_by_the_day_on_which_the_bank_had_the_money() {
    // There on Monday, November 23: Thursday is a holiday, and Friday the third banking day.
    let short = "000111229001";
    let third = late(short, "2026-11-27", |text| on(text, "2026-11-27")).await;
    assert_eq!(third.len(), 1, "{third:?}");
    assert_eq!(late(short, "2026-11-27", |text| on(text, "2026-11-25")).await.len(), 0);
    let disowned = "000111229010";
    let sixty_one = late(disowned, "2026-12-24", |text| on(text, "2027-01-23")).await;
    assert_eq!(sixty_one.len(), 1, "{sixty_one:?}");
    assert_eq!(late(disowned, "2026-12-24", |text| on(text, "2027-01-22")).await.len(), 0);
}

#[tokio::test]
async fn the_banks_day_is_asked_for_where_a_return_is_read_before_the_settlement() {
    let (house, ann) = House::with_ann_banking_at("000111229001").await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-23").await;
    house.returns_arrive_as(|text| on(text, "2026-11-27"));
    house.hand.set(noon(day("2026-11-27")));
    house.bank_lives(day("2026-11-27")).await;
    assert_eq!(run(&house).await.returned, 1);
    assert_eq!(house.payments(ann).await[0].settle_on, Some(day("2026-11-23")));
    assert!(desk(&house).await.iter().any(|words| words.contains("later than")));
}

#[tokio::test]
async fn a_file_is_asked_for_once_by_a_run_and_not_for_what_is_undone() {
    let house = House::on("2026-11-20").await;
    // Ann's account is closed; Bob and Cat are short of funds.
    let ann = house.person_with_account("Ann", "000111229002").await;
    let bob = house.person_with_account("Bob", "000222229001").await;
    let cat = house.person_with_account("Cat", "000333229001").await;
    for (person, on) in [(ann, "2026-11-23"), (bob, "2026-11-24"), (cat, "2026-11-24")] {
        house.draws(person, 80_000).await;
        house.pays(person, 50_000, on).await.unwrap();
    }
    house.live_until("2026-11-24").await;
    // What came back of Ann's cannot be worked off, so that the list is read again by each run.
    house.sabotage("REVOKE UPDATE ON bank_accounts FROM plumbline_app").await;
    house.hand.set(noon(day("2026-11-27")));
    house.bank_lives(day("2026-11-27")).await;
    let keys = house.file_keys().await;
    let asked = async || {
        house.asked_for();
        assert!(run(&house).await.failed > 0);
        house.asked_for().iter().filter(|key| **key == keys[1]).count()
    };
    assert_eq!(asked().await, 1, "one question for the two of them");
    assert_eq!(status(&house, cat).await, PaymentStatus::Returned);
    assert_eq!(asked().await, 0, "nothing is left to ask of them");
}

#[tokio::test]
async fn a_forged_return_is_not_made_good_by_the_banks_word_on_the_file() {
    let (house, ann) = House::with_ann_banking_at("000111229001").await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-23").await;
    let [(_, forged), ..] = forgeries();
    house.returns_arrive_as(forged);
    // Nobody was at work meanwhile: the list and the file's answer are read by one run.
    house.hand.set(noon(day("2026-11-27")));
    house.bank_lives(day("2026-11-27")).await;
    for _ in 0..2 {
        assert_eq!(run(&house).await.returned, 0);
    }
    assert_eq!(status(&house, ann).await, PaymentStatus::Released);
    assert_eq!(desk(&house).await.len(), 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_return_of_another_amount_undoes_no_draw() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", "000111229203").await;
    let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(50_000, ann.checking) };
    house.servicing.draw(ann.caller(), ann.id, ask, &key("draw")).await.unwrap();
    let [(_, forged), ..] = forgeries();
    house.returns_arrive_as(forged);
    house.live_until("2026-11-10").await;
    let views = house.servicing.list_draws(ann.caller(), ann.id).await.unwrap();
    assert_eq!(views[0].draw.status, DrawStatus::Settled);
    assert_eq!(position(&house, ann).await.principal_balance, cents(50_000));
    assert_eq!(desk(&house).await.len(), 1);
}

/// Two people whose payments come back, and how the bank tells of it.
async fn two_people(arrives_as: Altering) -> (House, Person, Person) {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229001").await;
    let bob = house.person_with_account("Bob", "000222229001").await;
    for person in [ann, bob] {
        house.draws(person, 80_000).await;
        house.pays(person, 50_000, "2026-11-23").await.unwrap();
    }
    house.returns_arrive_as(arrives_as);
    (house, ann, bob)
}

/// Whether it is Ann's entry that comes back.
fn of_ann(batch: &Batch) -> bool {
    batch.entries[0].account_number == "000111229001"
}

#[tokio::test]
async fn a_code_or_class_we_do_not_know_is_for_the_desk_and_keeps_no_other_return() {
    let unknown_code = |text: &str| {
        altered(text, |batch| {
            let ours = of_ann(batch);
            let entry = &mut batch.entries[0];
            if let (true, Some(Addenda::Return { original_trace, original_prefix, .. })) =
                (ours, entry.addenda.clone())
            {
                entry.addenda = Some(Addenda::UnknownReturn {
                    code: "R86".into(),
                    original_trace,
                    original_prefix,
                    information: String::new(),
                });
            }
        })
    };
    let unknown_class = |text: &str| {
        altered(text, |batch| {
            if of_ann(batch) {
                batch.sec = Sec::Other(*b"XYZ");
            }
        })
    };
    let both: [(Altering, _); 2] = [(unknown_code, "R86"), (unknown_class, "XYZ")];
    for (arrives_as, named) in both {
        let (house, ann, bob) = two_people(arrives_as).await;
        let report = house.live_until("2026-11-27").await.payments;
        assert_eq!((report.returned, report.failed), (1, 0), "{named}");
        assert_eq!(status(&house, ann).await, PaymentStatus::Settled);
        assert_eq!(status(&house, bob).await, PaymentStatus::Returned);
        let words = desk(&house).await;
        assert!(words.len() == 1 && words[0].contains(named), "{words:?}");
        assert_eq!(run(&house).await, RunReport::default());
        house.books_agree(ann).await;
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_one_case_however_often_it_is_read() {
    let (house, ann, bob) = two_people(|text| {
        // A total that is not so.
        text.replacen("\n9000001", "\n9000002", 1)
    })
    .await;
    assert!(house.live_until("2026-11-25").await.payments.with_the_desk > 0);
    for _ in 0..3 {
        assert!(run(&house).await.with_the_desk > 0);
    }
    let words = desk(&house).await;
    // One file each, and nothing of either was worked off.
    assert_eq!(words.len(), 2, "{words:?}");
    for (person, words) in [(ann, &words), (bob, &words)] {
        let reference = &house.payments(person).await[0].reference;
        assert_eq!(words.iter().filter(|words| words.contains(reference)).count(), 1);
        assert_eq!(status(&house, person).await, PaymentStatus::Settled);
    }
    let repeated = "SELECT count(*) FROM audit_leaves WHERE kind = 'case.repeated'";
    assert_eq!(house.count(repeated).await, 0);
    house.returns_arrive_as(str::to_owned);
    assert_eq!(run(&house).await.returned, 2);
}

#[tokio::test]
async fn a_second_matter_stands_in_the_open_case_with_the_first() {
    // Returned at our bank's request: for the operations desk.
    let (house, ann) = House::with_ann_banking_at("000111229006").await;
    house.pays(ann, 10_000, "2026-11-23").await.unwrap();
    house.pays(ann, 20_000, "2026-11-24").await.unwrap();
    house.live_until("2026-11-30").await;
    let words = desk(&house).await;
    assert_eq!(words.len(), 1);
    for payment in house.payments(ann).await {
        let of_it = format!("Payment {} came back with R06.", payment.reference);
        assert!(words[0].lines().any(|line| line == of_it), "{words:?}");
    }
}

#[tokio::test]
async fn a_debit_that_is_disowned_on_the_sixtieth_day_counts_among_the_returns() {
    let (house, ann) = House::with_ann_banking_at("000111229010").await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.returns_arrive_as(|text| on(text, "2027-01-22"));
    house.live_until("2026-11-24").await;
    // Nobody read the list before; the bank has it since a month.
    house.hand.set(noon(day("2027-01-22")));
    house.bank_lives(day("2027-01-22")).await;
    run(&house).await;
    assert_eq!(status(&house, ann).await, PaymentStatus::Returned);
    let rates = house.servicing.return_rates(Caller::system()).await.unwrap();
    assert_eq!((rates.unauthorised.returns, rates.overall.returns), (1, 1));
}

/// With the line of Ann's entry made into another.
fn with_anns_line(text: &str, alter: impl Fn(&str) -> String) -> String {
    let line = |line: &str| {
        let anns = line.starts_with('6') && line.contains("000111229001");
        (if anns { alter(line) } else { line.to_owned() }) + "\n"
    };
    text.lines().map(line).collect()
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_for_the_desk_and_keeps_no_other() {
    let (house, ann, bob) =
        two_people(|text| with_anns_line(text, |line| line.replacen("626", "682", 1))).await;
    let report = house.live_until("2026-11-27").await.payments;
    assert_eq!((report.returned, report.failed), (1, 0));
    assert_eq!(status(&house, ann).await, PaymentStatus::Settled);
    assert_eq!(status(&house, bob).await, PaymentStatus::Returned);
    let (words, payment) = (desk(&house).await, house.payments(ann).await.remove(0));
    assert!(words.len() == 1 && words[0].contains(&payment.reference), "{words:?}");
    assert_eq!(run(&house).await, RunReport::default());
}

#[tokio::test]
async fn a_return_that_does_not_say_why_is_on_record_and_keeps_no_other() {
    let without: Altering = |text| {
        altered(text, |batch| {
            if of_ann(batch) {
                batch.entries[0].addenda = None;
            }
        })
    };
    // It says that the reason follows, and none does; and it says that none does.
    let announced: Altering = |text| {
        let silent = altered(text, |batch| {
            if of_ann(batch) {
                batch.entries[0].addenda = None;
            }
        });
        with_anns_line(&silent, |line| format!("{}1{}", &line[..78], &line[79..]))
    };
    for arrives_as in [without, announced] {
        let (house, ann, bob) = two_people(arrives_as).await;
        let report = house.live_until("2026-11-27").await.payments;
        assert_eq!((report.returned, report.failed), (1, 0));
        assert_eq!(status(&house, ann).await, PaymentStatus::Settled);
        assert_eq!(status(&house, bob).await, PaymentStatus::Returned);
        assert_eq!(told(&house, "return.unknown").await.len(), 1);
        assert_eq!(run(&house).await, RunReport::default());
    }
}
