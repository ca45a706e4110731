//! Whether, when and how a customer may be written to: what stands against it first.

use calendar::Tz;
use chrono::{DateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use credit::FlagKind;
use documents::{MessageClass, MessageKind};
use proptest::prelude::*;
use servicing::messages::{Agreement, Contact, Way, Why, may_contact, zones_of};
use store::contacts::{ConsentEnd, ContactLimits};

/// E-mails that ask for what is past due, in any seven days.
const COLLECTION_PER_WEEK: usize = 3;

const FLAGS: [FlagKind; 14] = [
    FlagKind::Vulnerable,
    FlagKind::Fraud,
    FlagKind::IdentityTheft,
    FlagKind::Bankruptcy,
    FlagKind::Deceased,
    FlagKind::Attorney,
    FlagKind::Cease,
    FlagKind::DoNotContact,
    FlagKind::Litigation,
    FlagKind::Dispute,
    FlagKind::Hardship,
    FlagKind::Disaster,
    FlagKind::Scra,
    FlagKind::Regulator,
];

static NO_LIMITS: ContactLimits = ContactLimits { hours: Vec::new(), at_work: false };

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Noon in Los Angeles, on a Friday.
fn noon() -> DateTime<Utc> {
    utc("2026-11-20T20:00:00Z")
}

fn contact(class: MessageClass) -> Contact<'static> {
    let kind = match class {
        MessageClass::Legal => MessageKind::DisputeAcknowledged,
        MessageClass::Alert => MessageKind::ContactChanged,
        MessageClass::Servicing | MessageClass::Collection => MessageKind::PaymentTaken,
    };
    Contact {
        kind,
        class,
        agreement: Agreement::Given,
        flags: &[],
        zones: &[Tz::America__Los_Angeles],
        limits: &NO_LIMITS,
        asked_at: &[],
    }
}

#[test]
fn nobody_is_asked_for_what_is_past_due_while_a_flag_of_the_rule_book_stands() {
    for flag in FLAGS {
        let flags = [flag];
        let way =
            may_contact(&Contact { flags: &flags, ..contact(MessageClass::Collection) }, noon());
        assert_eq!(way, Way::Never(Why::Flag(flag)), "{flag:?}");
    }
}

#[test]
fn who_wants_no_contact_or_has_an_attorney_gets_what_the_law_requires_and_nothing_else() {
    for flag in [FlagKind::Cease, FlagKind::DoNotContact, FlagKind::Attorney] {
        let flags = [flag];
        let with = |class| may_contact(&Contact { flags: &flags, ..contact(class) }, noon());
        assert_eq!(with(MessageClass::Servicing), Way::Never(Why::Flag(flag)));
        assert_eq!(with(MessageClass::Legal), Way::Now);
    }
}

#[test]
fn a_bankrupt_or_a_dead_customer_is_sent_no_bill_by_any_way() {
    for flag in [FlagKind::Bankruptcy, FlagKind::Deceased] {
        for kind in [MessageKind::StatementReady, MessageKind::AutopayNotice] {
            for agreement in [Agreement::Given, Agreement::NeverGiven] {
                let flags = [flag];
                let bill =
                    Contact { kind, agreement, flags: &flags, ..contact(MessageClass::Legal) };
                assert_eq!(may_contact(&bill, noon()), Way::Never(Why::Flag(flag)));
            }
        }
    }
}

#[test]
fn the_flag_that_counts_most_is_the_reason() {
    let flags = [FlagKind::Cease, FlagKind::Fraud];
    let way = may_contact(&Contact { flags: &flags, ..contact(MessageClass::Servicing) }, noon());
    assert_eq!(way, Way::Never(Why::Flag(FlagKind::Fraud)));
}

#[test]
fn while_who_reads_the_mail_is_in_doubt_a_notice_goes_by_letter_and_a_warning_goes_at_once() {
    let flags = [FlagKind::IdentityTheft];
    let legal = Contact { flags: &flags, ..contact(MessageClass::Legal) };
    assert_eq!(may_contact(&legal, noon()), Way::Paper(Why::Flag(FlagKind::IdentityTheft)));
    let night = utc("2026-11-20T11:00:00Z");
    let every = FLAGS;
    let warning = Contact {
        flags: &every,
        agreement: Agreement::Ended(ConsentEnd::Withdrawn),
        ..contact(MessageClass::Alert)
    };
    assert_eq!(may_contact(&warning, night), Way::Now);
}

#[test]
fn without_consent_it_is_paper_and_says_why() {
    let cases = [
        (Agreement::NeverGiven, Why::NoConsent),
        (Agreement::Ended(ConsentEnd::Withdrawn), Why::ConsentWithdrawn),
        (Agreement::Ended(ConsentEnd::Bounced), Why::MailCameBack),
    ];
    for (agreement, why) in cases {
        for class in [MessageClass::Legal, MessageClass::Servicing, MessageClass::Collection] {
            assert_eq!(
                may_contact(&Contact { agreement, ..contact(class) }, noon()),
                Way::Paper(why)
            );
        }
    }
}

#[test]
fn the_hour_must_be_decent_by_both_clocks_on_both_sides_of_a_time_change() {
    let zones = zones_of("CA", "+1 212 555 0100");
    let at = |text: &str| {
        let servicing = Contact { zones: &zones, ..contact(MessageClass::Servicing) };
        may_contact(&servicing, utc(text))
    };
    let wait = |text: &str| Way::Wait(utc(text), Why::Hours);
    // 08:00 in New York is 05:00 in California; 18:00 in California is 21:00 in New York.
    assert_eq!(at("2026-11-20T13:00:00Z"), wait("2026-11-20T16:00:00Z"));
    assert_eq!(at("2026-11-20T16:00:00Z"), Way::Now);
    assert_eq!(at("2026-11-21T01:59:59Z"), Way::Now);
    assert_eq!(at("2026-11-21T02:00:00Z"), wait("2026-11-21T16:00:00Z"));
    // The night in which the clocks go forward.
    assert_eq!(at("2027-03-14T03:00:00Z"), wait("2027-03-14T15:00:00Z"));
    // A notice of the law waits for no hour.
    let legal = Contact { zones: &zones, ..contact(MessageClass::Legal) };
    assert_eq!(may_contact(&legal, utc("2026-11-20T11:00:00Z")), Way::Now);
}

#[test]
fn hours_that_a_customer_ruled_out_are_waited_out_and_hours_that_leave_none_make_a_letter() {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let limits = ContactLimits { hours: vec![(time(9), time(17))], at_work: false };
    let servicing = Contact { limits: &limits, ..contact(MessageClass::Servicing) };
    assert_eq!(may_contact(&servicing, noon()), Way::Wait(utc("2026-11-21T01:00:00Z"), Why::Hours));
    let limits = ContactLimits { hours: vec![(time(8), time(21))], at_work: false };
    let servicing = Contact { limits: &limits, ..contact(MessageClass::Servicing) };
    assert_eq!(may_contact(&servicing, noon()), Way::Paper(Why::Hours));
}

#[test]
fn nobody_is_asked_at_work_nor_a_fourth_time_in_seven_days() {
    let limits = ContactLimits { hours: Vec::new(), at_work: true };
    let asked = Contact { limits: &limits, ..contact(MessageClass::Collection) };
    assert_eq!(may_contact(&asked, noon()), Way::Never(Why::EmployersAddress));
    assert_eq!(may_contact(&Contact { class: MessageClass::Servicing, ..asked }, noon()), Way::Now);

    let days = |days: i64| noon() - TimeDelta::days(days);
    let asked_at = [days(7), days(6), days(3), days(1)];
    let asked = Contact { asked_at: &asked_at, ..contact(MessageClass::Collection) };
    assert_eq!(may_contact(&asked, noon()), Way::Wait(noon() + TimeDelta::days(1), Why::TooOften));
    let asked_at = [days(7), days(3), days(1)];
    let asked = Contact { asked_at: &asked_at, ..contact(MessageClass::Collection) };
    assert_eq!(may_contact(&asked, noon()), Way::Now);
}

fn class() -> impl Strategy<Value = MessageClass> {
    prop::sample::select(vec![
        MessageClass::Legal,
        MessageClass::Alert,
        MessageClass::Servicing,
        MessageClass::Collection,
    ])
}

fn agreement() -> impl Strategy<Value = Agreement> {
    prop::sample::select(vec![
        Agreement::Given,
        Agreement::NeverGiven,
        Agreement::Ended(ConsentEnd::Withdrawn),
        Agreement::Ended(ConsentEnd::Bounced),
    ])
}

proptest! {
    /// Whatever stands: what is sent now is decent by every clock, agreed to, and not too often; what waits may go when its
    /// time has come; and a further flag never loosens anything.
    #[test]
    fn what_goes_now_may_go_and_what_waits_may_go_then(
        (class, agreement) in (class(), agreement()),
        kind in prop::sample::select(MessageKind::ALL.to_vec()),
        flags in prop::sample::subsequence(FLAGS.to_vec(), 0..3),
        further in prop::sample::select(FLAGS.to_vec()),
        (state, area) in (prop::sample::select(vec!["CA", "HI", "GU", "ME", "TN", "AZ"]), 201_u16..990),
        seconds in 0_i64..400 * 86_400,
        ago in prop::collection::vec(0_i64..10 * 86_400, 0..6),
    ) {
        let now = utc("2026-01-01T00:00:00Z") + TimeDelta::seconds(seconds);
        let zones = zones_of(state, &format!("+1 {area} 555 0100"));
        let mut asked_at: Vec<_> = ago.iter().map(|ago| now - TimeDelta::seconds(*ago)).collect();
        asked_at.sort();
        let contact = Contact {
            kind, class, agreement, flags: &flags, zones: &zones, limits: &NO_LIMITS, asked_at: &asked_at,
        };
        let way = may_contact(&contact, now);
        match way {
            Way::Now if class == MessageClass::Servicing || class == MessageClass::Collection => {
                prop_assert_eq!(agreement, Agreement::Given);
                for zone in &zones {
                    prop_assert!((8..21).contains(&now.with_timezone(zone).hour()));
                }
                let week = asked_at.iter().filter(|at| **at > now - TimeDelta::days(7)).count();
                prop_assert!(class != MessageClass::Collection || week < COLLECTION_PER_WEEK);
            }
            Way::Wait(then, _) => {
                prop_assert!(then > now && then < now + TimeDelta::days(9));
                prop_assert_eq!(may_contact(&contact, then), Way::Now);
                let early = then - TimeDelta::seconds(1);
                prop_assert_ne!(may_contact(&contact, early), Way::Now);
            }
            _ => {}
        }
        let mut more = flags.clone();
        more.push(further);
        let tighter = may_contact(&Contact { flags: &more, ..contact.clone() }, now);
        if matches!(way, Way::Never(_)) {
            prop_assert!(matches!(tighter, Way::Never(_)));
        }
        if matches!(way, Way::Paper(Why::Flag(_))) {
            prop_assert!(matches!(tighter, Way::Paper(_) | Way::Never(_)));
        }
        if matches!(tighter, Way::Now) {
            prop_assert_eq!(way, Way::Now);
        }
    }
}
