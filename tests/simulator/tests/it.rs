//! A handful of seeds at each level, always the same ones.
#![expect(clippy::panic, reason = "a test may panic")]

#[cfg(feature = "house")]
use simulator::house::{self, Plan, Report};
use simulator::pure;

/// Seeds of pure lives, and their days.
const LIVES: std::ops::Range<u64> = 1..41;
const LIFE_DAYS: u64 = 500;

#[test]
fn the_engine_comes_to_what_the_oracle_says_to_the_cent() {
    let mut plain_cards = 0;
    for seed in LIVES {
        match pure::run(seed, LIFE_DAYS, 7) {
            Ok(lived) => plain_cards += lived.plain_cards,
            Err(failure) => panic!("seed {seed}: {failure}"),
        }
    }
    assert!(plain_cards > 0, "no card was compared");
}

#[cfg(feature = "house")]
fn lived(seed: u64, days: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { panic!("no runtime") };
    match runtime.block_on(house::run(Plan { seed, days, lines: 3 })) {
        Ok(report) => report,
        Err(error) => panic!(
            "{error:#}\nagain: cargo run -p simulator -- --level house --seed {seed} --days {days} --lines 3"
        ),
    }
}

#[cfg(feature = "house")]
#[test]
fn a_house_whose_process_dies_between_any_two_statements_keeps_its_books() {
    let reports = [lived(1, 70), lived(2, 70), lived(3, 70)];
    // A run in which nothing goes wrong shows nothing.
    assert!(reports.iter().map(|report| report.deaths).sum::<u64>() > 10, "{reports:?}");
    assert!(reports.iter().map(|report| report.troubles).sum::<u64>() > 10, "{reports:?}");
    assert!(reports.iter().map(|report| report.returned).sum::<u64>() > 0, "{reports:?}");
}

#[cfg(feature = "house")]
#[test]
fn a_seed_is_a_run() {
    assert_eq!(lived(4, 40), lived(4, 40));
}
