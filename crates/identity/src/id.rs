//! The ids.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

/// A version 7 UUID: the milliseconds of `now`, then random bits.
fn uuid_at(now: DateTime<Utc>) -> Uuid {
    #[cfg(feature = "seeded")]
    if let Some(bits) = crate::seeded::bits() {
        let milliseconds = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        return uuid::Builder::from_unix_timestamp_millis(milliseconds, &bits).into_uuid();
    }
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, sortable by `now`.
            #[must_use]
            pub fn mint(now: DateTime<Utc>) -> Self {
                Self(uuid_at(now))
            }

            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// The person who owes.
    CustomerId,
    /// The customer's line.
    CreditLineId,
    /// A bank account of the customer, known to us by token and ending.
    BankAccountId,
    /// Money from the customer.
    PaymentId,
    /// Money to the customer.
    DrawId,
    ConversationId,
    /// One customer message and everything done to answer it.
    TurnId,
    MessageId,
    /// A proposed effect.
    IntentId,
    /// Permission for exactly one intent.
    GrantId,
    /// Proof that it happened.
    ReceiptId,
    CaseId,
    HandOffId,
    ApplicationId,
    DecisionId,
    /// Agreement to records in electronic form.
    ConsentId,
    PostingId,
    /// A message to a customer outside the conversations.
    OutboundId,
    /// A change of how a customer is reached.
    ContactChangeId,
    /// A record of the transparency log.
    LeafId,
    JobId,
    /// A member of our human staff.
    RepresentativeId,
    /// Leave to debit month by month.
    AutopayId,
    /// A credit balance that goes back to the customer.
    RefundId,
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_minted() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let earlier = PaymentId::mint(now);
        let later = PaymentId::mint(now + TimeDelta::milliseconds(1));
        assert!(earlier < later);
        assert_ne!(PaymentId::mint(now), PaymentId::mint(now));
    }

    #[cfg(feature = "seeded")]
    #[test]
    fn a_seed_makes_the_same_ids_again() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let minted = |seed| {
            crate::seed_ids(Some(seed));
            let ids = [PaymentId::mint(now), PaymentId::mint(now)];
            crate::seed_ids(None);
            ids
        };
        assert_eq!(minted(7), minted(7));
        assert_ne!(minted(7), minted(8));
        assert_ne!(minted(7)[0], minted(7)[1]);
        assert_eq!(minted(7)[0].as_uuid().get_version_num(), 7);
    }

    #[test]
    fn an_id_is_read_back_as_it_was_written() {
        let id = CreditLineId::mint(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
    }
}
