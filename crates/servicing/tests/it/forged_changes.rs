//! A notice of change that speaks of another account than the one an entry went to.

use nacha::{Addenda, File, TransactionCode};
use servicing::{Caller, release::RunReport};

use crate::{
    house::{Altering, House, day},
    service::told,
};

/// A file of returns with its entry made into another.
fn altered(text: &str, alter: impl Fn(&mut nacha::Entry)) -> String {
    let mut file = File::parse(text).unwrap();
    file.batches.iter_mut().flat_map(|batch| &mut batch.entries).for_each(alter);
    file.write().unwrap()
}

#[tokio::test]
async fn a_change_told_of_another_account_or_bank_corrects_nothing_and_is_for_the_desk() {
    let forgeries: [Altering; 3] = [
        |text| altered(text, |entry| entry.account_number = "000999999406".into()),
        |text| {
            altered(text, |entry| {
                if let Some(Addenda::Change { original_prefix, .. }) = &mut entry.addenda {
                    *original_prefix = "01100001".into();
                }
            })
        },
        |text| altered(text, |entry| entry.code = TransactionCode::ReturnedCreditChecking),
    ];
    for forged in forgeries {
        let (house, ann) = House::with_ann_banking_at("000111229406").await;
        house.pays(ann, 5_000, "2026-11-23").await.unwrap();
        house.returns_arrive_as(forged);
        let report = house.live_until("2026-11-25").await.payments;
        assert_eq!((report.settled, report.corrected, report.failed), (1, 0, 0));
        let endings = "SELECT count(*) FROM bank_accounts WHERE ending = '9406'";
        assert_eq!(house.count(endings).await, 1);
        let staff = house.representative("Rae").await;
        let queue = house.servicing.queue(staff).await.unwrap();
        let [(case, _)] = &queue.cases[..] else { panic!("one case") };
        assert_eq!(
            (case.kind.as_str(), case.opened_at.date_naive() > day("2026-11-22")),
            ("operations", true)
        );
        assert!(case.words.contains("with another"), "{}", case.words);
        assert_eq!(told(&house, "bank_account.change_told").await.len(), 1);
        // The list is passed.
        let again = house.servicing.run_payments(Caller::system()).await.unwrap();
        assert_eq!(again, RunReport::default());
        // What is about the entry is heard all the same.
        house.returns_arrive_as(str::to_owned);
        house.sabotage("UPDATE rail_cursors SET cursor = '0'").await;
        let genuine = house.servicing.run_payments(Caller::system()).await.unwrap();
        assert_eq!((genuine.corrected, genuine.failed), (1, 0));
    }
}
