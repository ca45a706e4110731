//! Whether, when and how a customer may be written to: one pure function, asked before each message.
//!
//! Rules: docs/messages.md. What stands against a message beats what allows it; where paper is owed, an e-mail does not do; a
//! warning that somebody acts in the customer's name goes out whatever stands. What is absent: any database and any clock.

use calendar::{Tz, instant_of};
use chrono::{DateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use credit::FlagKind;
use documents::{MessageClass, MessageKind};
use serde::Serialize;
use store::contacts::{ConsentEnd, ContactLimits};

/// E-mails that ask for what is past due, in any seven days.
const COLLECTION_PER_WEEK: usize = 3;
/// The hours of the day in which it is decent to write (15 USC 1692c(a)(1)).
const OPENS_HOUR: u32 = 8;
const CLOSES_HOUR: u32 = 21;
/// Steps from one indecent hour to the next decent one, before none is looked for any more.
const STEPS_MAX: usize = 64;

/// Whether the customer agreed to electronic records (15 USC 7001(c)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    Given,
    NeverGiven,
    Ended(ConsentEnd),
}

/// All that counts.
#[derive(Clone, Debug)]
pub struct Contact<'a> {
    pub kind: MessageKind,
    pub class: MessageClass,
    pub agreement: Agreement,
    pub flags: &'a [FlagKind],
    /// The zones whose clocks must show a decent hour; without any, those of the lender.
    pub zones: &'a [Tz],
    pub limits: &'a ContactLimits,
    /// When messages that ask for what is past due went out in the last seven days, the earliest first.
    pub asked_at: &'a [DateTime<Utc>],
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Now,
    Wait(DateTime<Utc>, Why),
    Paper(Why),
    Never(Why),
}

/// Why not at once, or not by e-mail, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    Flag(FlagKind),
    NoConsent,
    ConsentWithdrawn,
    MailCameBack,
    Hours,
    TooOften,
    EmployersAddress,
    /// It happened long ago.
    Stale,
    /// What it announces was given up.
    Overtaken,
    /// The address is theirs no more.
    AddressGivenUp,
    /// It is a warning to a street.
    ByLetter,
}

impl Why {
    /// As it is recorded.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Flag(flag) => format!("flag_{}", crate::flags::flag_word(flag)),
            Self::NoConsent => "no_consent".to_owned(),
            Self::ConsentWithdrawn => "consent_withdrawn".to_owned(),
            Self::MailCameBack => "mail_came_back".to_owned(),
            Self::Hours => "hours".to_owned(),
            Self::TooOften => "too_often".to_owned(),
            Self::EmployersAddress => "employers_address".to_owned(),
            Self::Stale => "stale".to_owned(),
            Self::Overtaken => "overtaken".to_owned(),
            Self::AddressGivenUp => "address_given_up".to_owned(),
            Self::ByLetter => "by_letter".to_owned(),
        }
    }
}

/// What may be done with a message now.
#[must_use]
pub fn may_contact(contact: &Contact<'_>, now: DateTime<Utc>) -> Way {
    if contact.class != MessageClass::Alert {
        let mut standing = contact.flags.to_vec();
        // Declared in order of precedence.
        standing.sort();
        if let Some(flag) = standing.iter().find(|flag| forbids(**flag, contact)) {
            return Way::Never(Why::Flag(*flag));
        }
        if let Some(flag) = standing.iter().find(|flag| in_writing_only(**flag)) {
            return Way::Paper(Why::Flag(*flag));
        }
    }
    match contact.agreement {
        Agreement::Ended(ConsentEnd::Bounced) => return Way::Paper(Why::MailCameBack),
        // A warning needs no consent: it stands in for no record.
        _ if contact.class == MessageClass::Alert => return Way::Now,
        Agreement::NeverGiven => return Way::Paper(Why::NoConsent),
        Agreement::Ended(ConsentEnd::Withdrawn) => return Way::Paper(Why::ConsentWithdrawn),
        Agreement::Given => {}
    }
    match contact.class {
        MessageClass::Legal | MessageClass::Alert => Way::Now,
        MessageClass::Servicing => at_a_decent_hour(contact, now, now, Why::Hours),
        MessageClass::Collection => collect(contact, now),
    }
}

fn collect(contact: &Contact<'_>, now: DateTime<Utc>) -> Way {
    if contact.limits.at_work {
        return Way::Never(Why::EmployersAddress);
    }
    let week = TimeDelta::days(7);
    let recent: Vec<_> = contact.asked_at.iter().filter(|at| **at > now - week).collect();
    // Free again when the third last of them is a week old.
    let free_at = recent.iter().rev().nth(COLLECTION_PER_WEEK - 1).map(|at| **at + week);
    match free_at {
        Some(then) => at_a_decent_hour(contact, now, then, Why::TooOften),
        None => at_a_decent_hour(contact, now, now, Why::Hours),
    }
}

/// Whether nothing of this kind is sent while the flag stands, by any way.
fn forbids(flag: FlagKind, contact: &Contact<'_>) -> bool {
    use FlagKind as F;
    let collects = contact.class == MessageClass::Collection;
    match flag {
        // Nobody is told to pay: a stay, or an estate of which nobody has shown that it is theirs.
        F::Bankruptcy => collects || contact.kind.asks_for_money(),
        F::Deceased => contact.class != MessageClass::Legal || contact.kind.asks_for_money(),
        // Nothing but what the law requires: it was asked for, or who reads the mail is in doubt.
        F::Attorney | F::Cease | F::DoNotContact | F::Fraud | F::IdentityTheft => {
            contact.class != MessageClass::Legal
        }
        // A warm voice or options first, and no word of money past due.
        F::Vulnerable
        | F::Hardship
        | F::Disaster
        | F::Dispute
        | F::Litigation
        | F::Scra
        | F::Regulator => collects,
        _ => false,
    }
}

/// Whether what the law requires goes by mail to the address on file.
const fn in_writing_only(flag: FlagKind) -> bool {
    matches!(flag, FlagKind::Fraud | FlagKind::IdentityTheft | FlagKind::Deceased)
}

/// At `from`, or at the first decent hour after it.
fn at_a_decent_hour(
    contact: &Contact<'_>,
    now: DateTime<Utc>,
    from: DateTime<Utc>,
    why: Why,
) -> Way {
    match decent_from(contact, from) {
        Some(at) if at <= now => Way::Now,
        Some(at) if at > from => Way::Wait(at, Why::Hours),
        Some(at) => Way::Wait(at, why),
        // Their hours leave none: a letter wakes nobody.
        None => Way::Paper(Why::Hours),
    }
}

/// The first instant at or after `from` at which every clock shows an hour in which they may be written to.
fn decent_from(contact: &Contact<'_>, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut at = from;
    for _ in 0..STEPS_MAX {
        let later = contact.zones.iter().filter_map(|zone| next_decent(contact, at, *zone)).max();
        match later {
            None => return Some(at),
            Some(later) => at = later,
        }
    }
    None
}

/// Where this clock shows an indecent hour, the end of it.
fn next_decent(contact: &Contact<'_>, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let local = at.with_timezone(&zone);
    let (date, time) = (local.date_naive(), local.time());
    let opens = NaiveTime::from_hms_opt(OPENS_HOUR, 0, 0)?;
    if time.hour() < OPENS_HOUR {
        return Some(instant_of(date, opens, zone));
    }
    if time.hour() >= CLOSES_HOUR {
        return Some(instant_of(date.succ_opt()?, opens, zone));
    }
    let within = contact.limits.hours.iter().find(|(from, until)| (*from..*until).contains(&time));
    within.map(|(_, until)| instant_of(date, *until, zone))
}
