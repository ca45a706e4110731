//! What may be done with one message as things stand: looked up before each attempt, decided by [`may_contact`].

use chrono::TimeDelta;
use credit::FlagKind;
use documents::{MessageClass, MessageKind};
use identity::PaymentId;
use sqlx::PgConnection;
use store::{
    autopays,
    contacts::{self, ConsentEnd},
    customers::{self, Customer},
    documents as kept, outbound,
    outbound::{OutboundRow, Recipient},
    outbox,
    payments::{self, PaymentStatus},
};

use super::{Agreement, Contact, Way, Why, may_contact, zones::zones_of};
use crate::{Refusal, Servicing, ServicingError, flags, payments::revoked};

impl Servicing {
    /// Decides, and turns the message to the address that counts now: what waited must not go to one given up meanwhile.
    pub(super) async fn way(
        &self,
        conn: &mut PgConnection,
        message: &mut OutboundRow,
    ) -> Result<Way, ServicingError> {
        let now = self.now();
        let id = message.customer_id;
        let kind = MessageKind::parse(&message.kind)
            .ok_or(ServicingError::Stored { what: "message", source: None })?;
        let customer =
            customers::find(conn, id).await?.ok_or_else(|| Refusal::not_found("customer"))?;
        match message.recipient {
            Recipient::FormerStreet | Recipient::NewStreet => return Ok(Way::Paper(Why::ByLetter)),
            Recipient::NewAddress if message.address != customer.email => {
                return Ok(Way::Never(Why::AddressGivenUp));
            }
            Recipient::NewAddress | Recipient::FormerAddress => {}
            Recipient::Customer => message.address.clone_from(&customer.email),
        }
        if overtaken(conn, kind, message).await? {
            return Ok(Way::Never(Why::Overtaken));
        }
        let standing: Vec<FlagKind> =
            flags::standing(conn, id).await?.into_iter().map(|flag| flag.kind).collect();
        let limits = contacts::limits(conn, id).await?;
        let week = now - TimeDelta::days(7);
        let asked_at =
            outbound::sent_since(conn, id, MessageClass::Collection.as_str(), week).await?;
        let contact = Contact {
            kind,
            class: kind.class(),
            agreement: agreement(conn, message).await?,
            flags: &standing,
            zones: &self.zones_of(&customer),
            limits: &limits,
            asked_at: &asked_at,
        };
        let stale = message.why == Some(Why::Stale.word());
        Ok(match may_contact(&contact, now) {
            Way::Now if stale => Way::Paper(Why::Stale),
            way => way,
        })
    }

    /// The clocks by which the customer may live; ours where none is known.
    fn zones_of(&self, customer: &Customer) -> Vec<calendar::Tz> {
        let mut zones = zones_of(&customer.state, &customer.phone);
        if zones.is_empty() {
            zones.push(self.zone);
        }
        zones
    }
}

/// Whether what a message announces was given up before it left: nobody is told of a debit that will not be made.
async fn overtaken(
    conn: &mut PgConnection,
    kind: MessageKind,
    message: &OutboundRow,
) -> Result<bool, ServicingError> {
    match (kind, message.credit_line_id) {
        (MessageKind::AutopayNotice, Some(line)) => {
            Ok(autopays::find_standing(conn, line).await?.is_none())
        }
        (MessageKind::PaymentScheduled, _) => {
            let event = outbox::find(conn, message.cause).await?;
            let id = event.and_then(|event| event.payload.get("payment_id").cloned());
            let id: Option<PaymentId> = id.and_then(|id| serde_json::from_value(id).ok());
            let payment = match id {
                Some(id) => payments::find(conn, id).await?,
                None => None,
            };
            let Some(payment) = payment else { return Ok(false) };
            match payment.status {
                PaymentStatus::Cancelled | PaymentStatus::HeldBack => Ok(true),
                PaymentStatus::Scheduled => revoked(conn, &payment).await,
                _ => Ok(false),
            }
        }
        _ => Ok(false),
    }
}

/// Whether the customer agreed to get this at this address.
async fn agreement(
    conn: &mut PgConnection,
    message: &OutboundRow,
) -> Result<Agreement, ServicingError> {
    let id = message.customer_id;
    // Of a change both addresses are told, each as long as that one takes mail: who gives a new address at which nobody lives
    // must not so keep the warning from the old one.
    if message.recipient != Recipient::Customer {
        if outbound::came_back(conn, id, &message.address).await? {
            return Ok(Agreement::Ended(ConsentEnd::Bounced));
        }
        return Ok(Agreement::NeverGiven);
    }
    if kept::find_consent(conn, id).await?.is_some() {
        return Ok(Agreement::Given);
    }
    let ended = contacts::last_consent_end(conn, id).await?;
    Ok(ended.map_or(Agreement::NeverGiven, |(_, why)| Agreement::Ended(why)))
}
