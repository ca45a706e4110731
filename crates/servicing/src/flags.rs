//! Flags: what stops or routes, checked before every reply and every debit.
//!
//! Invariants: raising is always safe and never waits; clearing is for staff. A line's flag event is the record, the
//! `flags` table its reading.

use std::collections::HashMap;

use chrono::NaiveDate;
use credit::{FlagKind, LineEventBody};
use identity::CustomerId;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    credit_lines::{self, CreditLineRow},
    customers,
    flags::{self, Flag},
};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    work::{Begun, Trail},
};

/// Whether no money is taken while the flag stands. Each of these suppresses the late fee too (`products/`), and the case
/// that raises it says that debits stop. An attorney, a lawsuit or a wish not to be contacted forbids talking
/// and asking, not a payment that the customer chose.
#[must_use]
pub const fn stops_debits(kind: FlagKind) -> bool {
    matches!(
        kind,
        FlagKind::Vulnerable
            | FlagKind::Fraud
            | FlagKind::IdentityTheft
            | FlagKind::Bankruptcy
            | FlagKind::Deceased
    )
}

/// Whether a debit that came back is never tried again while the flag stands: no debits at all, or no asking
/// for money, of which a second debit is a kind (§3.6).
#[must_use]
pub const fn stops_retries(kind: FlagKind) -> bool {
    stops_debits(kind)
        || matches!(
            kind,
            FlagKind::Attorney
                | FlagKind::Cease
                | FlagKind::Litigation
                | FlagKind::Hardship
                | FlagKind::Disaster
                | FlagKind::Dispute
        )
}

/// Whether no money is lent while the flag stands.
#[must_use]
pub const fn stops_draws(kind: FlagKind) -> bool {
    stops_debits(kind)
        || matches!(
            kind,
            FlagKind::Attorney
                | FlagKind::Cease
                | FlagKind::Litigation
                | FlagKind::Frozen
                | FlagKind::Hardship
        )
}

/// The word of a flag.
#[must_use]
pub fn flag_word(kind: FlagKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{kind:?}"),
    }
}

/// The flag a word stands for.
pub fn parse_flag(word: &str) -> Result<FlagKind, Refusal> {
    serde_json::from_value(json!(word)).map_err(|_| {
        Refusal::new(RefusalCode::FlagUnknown, format!("There is no flag called {word}."))
    })
}

/// A flag that stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StandingFlag {
    pub kind: FlagKind,
    pub raised_on: NaiveDate,
    pub source: String,
}

/// Whoever clears a flag learns that there is none: their note is not dropped in silence.
pub(crate) fn not_standing(kind: FlagKind) -> Refusal {
    let word = flag_word(kind).replace('_', " ");
    Refusal::new(
        RefusalCode::FlagNotStanding,
        format!("The flag \"{word}\" does not stand on this customer."),
    )
}

impl Servicing {
    /// Raises a flag at once; `false` where it stood already.
    pub async fn raise_flag(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        kind: FlagKind,
        source: &str,
    ) -> Result<bool, ServicingError> {
        let permit = authorise(caller, UseCase::Protect, Some(customer_id), self.now())?;
        let mut tx = self.pool_for(caller).begin().await?;
        let line = self.hold_line_of(&mut tx, customer_id).await?;
        let raised =
            self.raise_in(&mut tx, permit, customer_id, line.as_ref(), (kind, source)).await?;
        tx.commit().await?;
        Ok(raised)
    }

    /// Raises a flag in the caller's transaction, which holds the line.
    pub(crate) async fn raise_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        customer_id: CustomerId,
        line: Option<&CreditLineRow>,
        (kind, source): (FlagKind, &str),
    ) -> Result<bool, ServicingError> {
        let (now, today) = (self.now(), self.today());
        let flag = Flag {
            customer_id,
            credit_line_id: line.map(|line| line.id),
            kind: flag_word(kind),
            raised_on: today,
            raised_at: now,
            source: source.to_owned(),
        };
        if !flags::raise(conn, &flag).await? {
            return Ok(false);
        }
        if let Some(line) = line {
            let body = LineEventBody::FlagRaised { flag: kind, note: source.to_owned() };
            self.append_mark(conn, line.id, today, body).await?;
        }
        let payload = json!({
            "customer_id": customer_id, "flag": flag.kind, "raised_on": today, "source": source, "authorised": permit,
        });
        self.trail(conn, Trail::stream(None, flag.credit_line_id), "flag.raised", payload).await?;
        Ok(true)
    }

    /// Clears a flag, with the note of whoever looked into it; answers the flags that still stand.
    pub async fn clear_flag(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        kind: FlagKind,
        note: &str,
        key: &Key,
    ) -> Result<Vec<StandingFlag>, ServicingError> {
        let note = checked_text(note)?;
        let permit = authorise(caller, UseCase::Serve, Some(customer_id), self.now())?;
        let request = ("clear_flag", customer_id, kind, note);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        if customers::find(work.conn(), customer_id).await?.is_none() {
            return Err(Refusal::not_found("customer").into());
        }
        let line = self.hold_line_of(work.conn(), customer_id).await?;
        if !self.clear_in(work.conn(), permit, customer_id, line.as_ref(), (kind, note)).await? {
            return Err(not_standing(kind).into());
        }
        let left = standing(work.conn(), customer_id).await?;
        work.finish(left).await
    }

    /// Clears a flag in the caller's transaction, which holds the line; `false` where it does not stand.
    pub(crate) async fn clear_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        customer_id: CustomerId,
        line: Option<&CreditLineRow>,
        (kind, note): (FlagKind, &str),
    ) -> Result<bool, ServicingError> {
        let (now, today) = (self.now(), self.today());
        if !flags::clear(conn, customer_id, &flag_word(kind), today, now).await? {
            return Ok(false);
        }
        if let Some(line) = line {
            let body = LineEventBody::FlagCleared { flag: kind, note: note.to_owned() };
            self.append_mark(conn, line.id, today, body).await?;
            // What the flag held back may be due now.
            credit_lines::set_settles_next(conn, line.id, today).await?;
        }
        let payload = json!({
            "customer_id": customer_id, "flag": kind, "cleared_on": today, "note": note, "authorised": permit,
        });
        let stream = Trail::stream(None, line.map(|line| line.id));
        self.trail(conn, stream, "flag.cleared", payload).await?;
        Ok(true)
    }

    /// Holds the customer's line, where there is one: before a flag or a case of theirs is touched, as everybody does.
    pub(crate) async fn hold_line_of(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
    ) -> Result<Option<CreditLineRow>, ServicingError> {
        let line = credit_lines::find_of_customer(conn, customer_id).await?;
        if let Some(line) = &line {
            self.hold_line(conn, line.id).await?;
        }
        Ok(line)
    }

    /// The flags that stand on a customer, the one that counts most first.
    pub async fn standing_flags(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<StandingFlag>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        standing(&mut conn, customer_id).await
    }
}

/// The flags that stand on each of these customers.
pub(crate) async fn standing_on(
    conn: &mut PgConnection,
    customers: &[CustomerId],
) -> Result<HashMap<CustomerId, Vec<FlagKind>>, ServicingError> {
    let mut standing: HashMap<CustomerId, Vec<FlagKind>> = HashMap::new();
    for (customer, word) in flags::list_standing_on(conn, customers).await? {
        let kind =
            parse_flag(&word).map_err(|_| ServicingError::Stored { what: "flag", source: None })?;
        standing.entry(customer).or_default().push(kind);
    }
    Ok(standing)
}

/// The flags that stand on a customer, by precedence.
pub(crate) async fn standing(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Vec<StandingFlag>, ServicingError> {
    let mut standing = flags::list_standing(conn, customer_id)
        .await?
        .into_iter()
        .map(|flag| {
            let kind = parse_flag(&flag.kind)
                .map_err(|_| ServicingError::Stored { what: "flag", source: None })?;
            Ok(StandingFlag { kind, raised_on: flag.raised_on, source: flag.source })
        })
        .collect::<Result<Vec<_>, ServicingError>>()?;
    // `FlagKind` is declared in order of precedence.
    standing.sort_by_key(|flag| flag.kind);
    Ok(standing)
}

/// Refuses where a flag that stands forbids taking money.
pub(crate) async fn debits_allowed(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<(), ServicingError> {
    let standing = standing(conn, customer_id).await?;
    if standing.iter().any(|flag| stops_debits(flag.kind)) {
        return Err(Refusal::new(
            RefusalCode::DebitsStopped,
            "No payment can be taken from a bank account for this line at the moment.",
        )
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::customers::Language;

    use super::*;

    const FLAGS_THAT_STOP: [FlagKind; 5] = [
        FlagKind::Vulnerable,
        FlagKind::Fraud,
        FlagKind::IdentityTheft,
        FlagKind::Bankruptcy,
        FlagKind::Deceased,
    ];

    #[test]
    fn vulnerability_comes_before_fraud_before_bankruptcy_before_death_before_attorney() {
        let mut kinds = [
            FlagKind::Cease,
            FlagKind::Attorney,
            FlagKind::Deceased,
            FlagKind::Bankruptcy,
            FlagKind::Fraud,
            FlagKind::Vulnerable,
            FlagKind::Dispute,
        ];
        kinds.sort();
        let words: Vec<_> = kinds.into_iter().map(flag_word).collect();
        assert_eq!(
            words,
            ["vulnerable", "fraud", "bankruptcy", "deceased", "attorney", "cease", "dispute"]
        );
    }

    #[test]
    fn a_flag_is_read_back_from_its_word_and_an_unknown_word_is_refused() {
        assert_eq!(parse_flag("identity_theft"), Ok(FlagKind::IdentityTheft));
        assert_eq!(parse_flag("sleepy").unwrap_err().code, RefusalCode::FlagUnknown);
    }

    #[test]
    fn a_dispute_leaves_a_chosen_payment_alone_and_a_bankruptcy_does_not() {
        assert!(!stops_debits(FlagKind::Dispute) && !stops_debits(FlagKind::Hardship));
        assert!(stops_debits(FlagKind::Bankruptcy) && stops_draws(FlagKind::Bankruptcy));
        assert!(!stops_debits(FlagKind::Cease) && !stops_debits(FlagKind::DoNotContact));
        assert!(stops_draws(FlagKind::Frozen) && !stops_debits(FlagKind::Frozen));
    }

    #[test]
    fn whatever_stops_debits_suppresses_the_late_fee_and_is_said_in_the_promise() {
        let promises: Vec<_> = crate::CaseKind::ALL
            .into_iter()
            .filter(|kind| kind.flag().is_some_and(stops_debits))
            .map(|kind| (kind, kind.promise(Language::English), kind.promise(Language::Spanish)))
            .collect();
        assert_eq!(promises.len(), 5);
        for (kind, english, spanish) in promises {
            assert!(english.contains("debits"), "{kind:?}: {english}");
            assert!(spanish.contains("débitos"), "{kind:?}: {spanish}");
        }
        for text in [
            include_str!("../../../products/cashline-std-1.toml"),
            include_str!("../../../products/card-std-1.toml"),
        ] {
            let product: credit::Product = toml::from_str(text).unwrap();
            let late = product.fees.late.unwrap();
            for kind in FLAGS_THAT_STOP {
                assert!(late.suppressed_by.contains(&kind), "{}: {kind:?}", product.name);
            }
        }
    }

    #[test]
    fn an_attorney_a_lawsuit_or_no_contact_leave_a_payment_the_customer_chose_alone() {
        for kind in [FlagKind::Attorney, FlagKind::Cease, FlagKind::Litigation] {
            assert!(!stops_debits(kind) && stops_draws(kind) && stops_retries(kind));
        }
    }

    #[test]
    fn a_second_debit_is_stopped_by_what_forbids_asking_and_not_by_what_forbids_lending() {
        for kind in FLAGS_THAT_STOP {
            assert!(stops_retries(kind), "{kind:?}");
        }
        for kind in [FlagKind::Hardship, FlagKind::Disaster, FlagKind::Dispute] {
            assert!(stops_retries(kind) && !stops_debits(kind), "{kind:?}");
        }
        assert!(stops_draws(FlagKind::Frozen) && !stops_retries(FlagKind::Frozen));
    }
}
