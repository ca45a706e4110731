//! Random histories of a line.

use chrono::{Days, NaiveDate};
use credit::{
    AppliesTo, ChangeNotice, Disputed, FeeKind, FlagKind, LineEvent, LineEventBody,
    NoticeException, Product, ProductCatalog, Snapshot, replay, replay_from,
};
use identity::{AutopayId, CaseId, DrawId, PaymentId};
use money::{Apr, Cents};
use proptest::prelude::*;

use crate::common::{day, noon, odd_products, product};

pub(crate) const OPENED: &str = "2026-01-10";
pub(crate) const DAYS: u64 = 200;

pub(crate) fn on(offset: u64) -> NaiveDate {
    day(OPENED).checked_add_days(Days::new(offset)).unwrap()
}

#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Draw {
        amount: i64,
        fee: i64,
        by_terms: bool,
    },
    Payment {
        amount: i64,
        returned_after: Option<u64>,
        reversed: bool,
    },
    Credit {
        amount: i64,
    },
    Rate {
        ppm: u32,
        new_draws: bool,
    },
    Cap {
        ppm: u32,
    },
    /// With the days after which it ends, the first ones before it began, and how late the end is known.
    Autopay {
        ended: Option<(u64, u64)>,
    },
    Fee {
        amount: i64,
        late: bool,
    },
    Waiver {
        amount: i64,
    },
    Flag,
    RefusedDraw {
        amount: i64,
    },
    CorrectedDraw {
        amount: i64,
        to: i64,
    },
    Hold {
        amount: i64,
        days: u64,
        fate: Fate,
    },
    DisputedDraw {
        amount: i64,
        error: Option<i64>,
    },
    DisputedFee {
        amount: i64,
        error: i64,
    },
    Limit {
        amount: i64,
    },
    LateFee {
        amount: i64,
    },
}

/// What becomes of a hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Void,
    Made { fee: i64 },
    Refused,
}

fn fates() -> impl Strategy<Value = Fate> {
    let made = (0_i64..3_000).prop_map(|fee| Fate::Made { fee });
    prop_oneof![Just(Fate::Void), made, Just(Fate::Refused)]
}

/// A fact, the day it takes effect and by how many days we learn of it late.
pub(crate) type Dated = (u64, u64, Fact);

pub(crate) fn facts() -> impl Strategy<Value = Vec<Dated>> {
    let fact = prop_oneof![
        6 => (1_i64..200_000, prop_oneof![2 => Just(0_i64), 1 => 1_i64..3_000], any::<bool>())
            .prop_map(|(amount, fee, by_terms)| Fact::Draw { amount, fee, by_terms }),
        8 => (1_i64..120_000, prop::option::weighted(0.25, 0_u64..60), prop::bool::weighted(0.1))
            .prop_map(|(amount, returned_after, reversed)| Fact::Payment {
                amount, returned_after, reversed,
            }),
        1 => (1_i64..20_000).prop_map(|amount| Fact::Credit { amount }),
        1 => (0_u32..359_900, any::<bool>()).prop_map(|(ppm, new_draws)| Fact::Rate { ppm, new_draws }),
        1 => (0_u32..60_000).prop_map(|ppm| Fact::Cap { ppm }),
        2 => prop::option::weighted(0.7, (0_u64..60, prop_oneof![Just(0_u64), 1_u64..50]))
            .prop_map(|ended| Fact::Autopay { ended }),
        1 => (1_i64..4_000, any::<bool>()).prop_map(|(amount, late)| Fact::Fee { amount, late }),
        1 => (1_i64..4_000).prop_map(|amount| Fact::Waiver { amount }),
        1 => Just(Fact::Flag),
        1 => (1_i64..50_000).prop_map(|amount| Fact::RefusedDraw { amount }),
        1 => (1_i64..50_000, 1_i64..50_000)
            .prop_map(|(amount, to)| Fact::CorrectedDraw { amount, to }),
        2 => (1_i64..50_000, 0_u64..9, fates())
            .prop_map(|(amount, days, fate)| Fact::Hold { amount, days, fate }),
        1 => (1_i64..90_000, prop::option::of(0_i64..90_000))
            .prop_map(|(amount, error)| Fact::DisputedDraw { amount, error }),
        1 => (1_i64..4_000, 0_i64..4_000)
            .prop_map(|(amount, error)| Fact::DisputedFee { amount, error: error.min(amount) }),
        1 => (1_i64..900_000).prop_map(|amount| Fact::Limit { amount }),
        1 => (0_i64..4_000).prop_map(|amount| Fact::LateFee { amount }),
    ];
    let late = prop_oneof![3 => Just(0_u64), 1 => 1_u64..70];
    prop::collection::vec((0..DAYS, late, fact), 1..24)
}

/// Every product of `products/`, and what they leave unused: one of another lender, and the other rule of returns.
pub(crate) fn products() -> impl Strategy<Value = Product> {
    let catalog = ProductCatalog::embedded().unwrap();
    let mut all: Vec<Product> =
        catalog.names().map(|name| catalog.get(name).unwrap().clone()).collect();
    all.push(Product {
        returns: credit::product::ReturnPolicy::FromReturnDate,
        ..product("CASHLINE-STD-1")
    });
    all.push(Product::parse(OTHER).unwrap());
    all.extend(odd_products());
    prop::sample::select(all)
}

const OTHER: &str = include_str!("other-lender.toml");

/// The events of the facts with the day each becomes known, in that order.
#[expect(clippy::too_many_lines, reason = "one arm per kind of fact")]
pub(crate) fn events_of(facts: &[Dated]) -> Vec<(NaiveDate, NaiveDate, LineEventBody)> {
    let mut events = Vec::new();
    for (at, (offset, late, fact)) in facts.iter().enumerate() {
        let (effective, known) = (on(*offset), on(offset + late));
        // An id that sorts by the fact and not by its arrival.
        let stamp = noon(effective) + chrono::TimeDelta::milliseconds(i64::try_from(at).unwrap());
        let mut add = |effective, known, body| events.push((effective, known, body));
        match fact {
            Fact::Draw { amount, fee, by_terms } => {
                let draw = DrawId::mint(stamp);
                let (amount, fee) = (Cents::new(*amount), Cents::new(*fee));
                add(
                    effective,
                    known,
                    LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: *by_terms },
                );
            }
            Fact::RefusedDraw { amount } => {
                let (draw, amount, fee) = (DrawId::mint(stamp), Cents::new(*amount), Cents::ZERO);
                add(
                    effective,
                    known,
                    LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: false },
                );
                let reason = "R23".to_owned();
                let later = on(offset + late + 3);
                add(later, later, LineEventBody::DrawRefused { draw, reason });
            }
            Fact::Payment { amount, returned_after, reversed } => {
                let payment = PaymentId::mint(stamp);
                let amount = Cents::new(*amount);
                add(effective, known, LineEventBody::PaymentReceived { payment, amount });
                if let Some(after) = returned_after {
                    let later = on(offset + late + after);
                    let (code, fee) = ("R01".to_owned(), Cents::ZERO);
                    add(later, later, LineEventBody::PaymentReturned { payment, code, fee });
                } else if *reversed {
                    let later = on(offset + late + 2);
                    let reason = "keyed twice".to_owned();
                    add(later, later, LineEventBody::PaymentReversed { payment, reason });
                }
            }
            Fact::Credit { amount } => {
                let reason = "goodwill".to_owned();
                let amount = Cents::new(*amount);
                add(
                    effective,
                    known,
                    LineEventBody::CreditGranted { amount, reason, feature: None },
                );
            }
            Fact::Rate { ppm, new_draws } => {
                let applies_to =
                    if *new_draws { AppliesTo::NewDraws } else { AppliesTo::AllBalances };
                let apr = Apr::from_ppm(*ppm);
                add(
                    effective,
                    known,
                    LineEventBody::RateChanged { feature: None, apr, applies_to, notice: None },
                );
            }
            Fact::Cap { ppm } => {
                let (apr, reason) = (Apr::from_ppm(*ppm), "service".to_owned());
                add(effective, known, LineEventBody::RateCapped { apr, through: None, reason });
            }
            Fact::Autopay { ended } => {
                let autopay = AutopayId::mint(stamp);
                add(effective, known, LineEventBody::AutopayDiscountBegan { autopay });
                if let Some((after, late)) = ended {
                    let through = on((offset + after).saturating_sub(2));
                    let learned = known.max(on(offset + after + late));
                    add(through, learned, LineEventBody::AutopayDiscountEnded { autopay });
                }
            }
            Fact::Fee { amount, late: penalty } => {
                let fee = if *penalty { FeeKind::Late } else { FeeKind::Other };
                let (cycle, amount) = (None, Cents::new(*amount));
                add(effective, known, LineEventBody::FeeAssessed { fee, cycle, amount });
            }
            Fact::Waiver { amount } => {
                let (fee, amount, reason) = (FeeKind::Late, Cents::new(*amount), String::new());
                add(effective, known, LineEventBody::FeeWaived { fee, amount, reason });
            }
            Fact::CorrectedDraw { amount, to } => {
                let (draw, amount, fee) = (DrawId::mint(stamp), Cents::new(*amount), Cents::ZERO);
                add(
                    effective,
                    known,
                    LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: false },
                );
                let later = on(offset + late + 40);
                add(
                    later,
                    later,
                    LineEventBody::DrawCorrected {
                        draw,
                        amount: Cents::new(*to),
                        fee: None,
                        by_terms: false,
                    },
                );
            }
            Fact::Hold { amount, days, fate } => {
                let (draw, amount) = (DrawId::mint(stamp), Cents::new(*amount));
                let expires_on = Some(on(offset + days));
                add(effective, known, LineEventBody::DrawHeld { draw, amount, expires_on });
                let later = on(offset + late + days / 2);
                match fate {
                    Fate::Void => {}
                    Fate::Made { fee } => {
                        let (feature, fee) = (None, Cents::new(*fee));
                        let by_terms = true;
                        let made = LineEventBody::Drew { draw, feature, amount, fee, by_terms };
                        add(later, later, made);
                    }
                    Fate::Refused => {
                        let reason = "R23".to_owned();
                        add(later, later, LineEventBody::DrawRefused { draw, reason });
                    }
                }
            }
            Fact::DisputedDraw { amount, error } => {
                let (draw, amount, fee) = (DrawId::mint(stamp), Cents::new(*amount), Cents::ZERO);
                add(
                    effective,
                    known,
                    LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: false },
                );
                let (dispute, subject) = (CaseId::mint(stamp), Disputed::Draw { draw });
                let later = on(offset + late + 33);
                add(later, later, LineEventBody::DisputeOpened { dispute, subject, amount });
                if let Some(error) = error {
                    let later = on(offset + late + 71);
                    let (error, reason) = (Cents::new(*error).min(amount), String::new());
                    add(later, later, LineEventBody::DisputeResolved { dispute, error, reason });
                }
            }
            Fact::DisputedFee { amount, error } => {
                let (fee, amount) = (FeeKind::Other, Cents::new(*amount));
                add(effective, known, LineEventBody::FeeAssessed { fee, cycle: None, amount });
                let (dispute, subject) = (CaseId::mint(stamp), Disputed::Fee { fee });
                let later = on(offset + late + 20);
                add(later, later, LineEventBody::DisputeOpened { dispute, subject, amount });
                let later = on(offset + late + 50);
                let (error, reason) = (Cents::new(*error), String::new());
                add(later, later, LineEventBody::DisputeResolved { dispute, error, reason });
            }
            Fact::Limit { amount } => {
                let (credit_limit, reason) = (Cents::new(*amount), String::new());
                add(effective, known, LineEventBody::LimitChanged { credit_limit, reason });
            }
            Fact::LateFee { amount } => {
                let amount = credit::units::dollar_text(Cents::new(*amount));
                let late = serde_json::json!({ "fees": { "late": { "amount": amount } } });
                let changes = late.as_object().unwrap().clone();
                let exception = Some(NoticeException::Agreed);
                let notice = ChangeNotice { given_on: None, exception };
                add(effective, known, LineEventBody::TermsChanged { changes, notice });
            }
            Fact::Flag => {
                let (flag, note) = (FlagKind::Dispute, String::new());
                add(effective, known, LineEventBody::FlagRaised { flag, note });
            }
        }
    }
    events.sort_by_key(|(_, known, _)| *known);
    events
}

/// For every third prefix of a history, with all snapshots that any shorter prefix left behind, what is resumed on `asked` is what is
/// replayed from nothing; answers the snapshots.
pub(crate) fn resumed_as_replayed(
    events: &[LineEvent],
    asked: NaiveDate,
) -> Result<Vec<Snapshot>, TestCaseError> {
    let mut snapshots = Vec::new();
    for known in (1..=events.len()).step_by(3) {
        let prefix = events.get(..known).unwrap();
        let fresh = replay(prefix, asked).unwrap();
        let resumed = replay_from(&snapshots, prefix, asked).unwrap();
        prop_assert_eq!(&resumed.position, &fresh);
        snapshots.extend(resumed.snapshots);
    }
    Ok(snapshots)
}
