//! Hours and ways at which a customer said that they must not be asked for money (15 USC 1692c(a)(1), (3)): one mention is
//! enough, by the customer or by staff who heard it.

use chrono::NaiveTime;
use identity::CustomerId;
use serde::Serialize;
use serde_json::json;
use store::contacts::{self, ContactLimits};

use super::{find, invalid, stream_of};
use crate::{
    Caller, Key, Servicing, ServicingError, UseCase, authorise, disclosures::refuse_model,
    work::Begun,
};

/// What a customer says of being asked for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactLimit {
    /// Not between these hours of their wall clock.
    NotBetween { from: NaiveTime, until: NaiveTime },
    /// The e-mail address is an employer's.
    AtWork,
}

impl Servicing {
    /// Records what the customer said; it counts from now on.
    pub async fn limit_contact(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        limit: ContactLimit,
        key: &Key,
    ) -> Result<ContactLimits, ServicingError> {
        let permit = authorise(caller, UseCase::Protect, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let hours = match limit {
            ContactLimit::NotBetween { from, until } if from >= until => {
                return Err(invalid("Name the earlier hour first.").into());
            }
            ContactLimit::NotBetween { from, until } => Some((from, until)),
            ContactLimit::AtWork => None,
        };
        let request = ("limit_contact", customer_id, limit);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        find(work.conn(), customer_id).await?;
        contacts::insert_limit(work.conn(), customer_id, hours, self.now()).await?;
        let stream = stream_of(work.conn(), customer_id).await?;
        let payload = json!({"customer_id": customer_id, "hours": hours, "authorised": permit});
        self.trail(work.conn(), stream, "contact.limited", payload).await?;
        let limits = contacts::limits(work.conn(), customer_id).await?;
        work.finish(limits).await
    }
}
