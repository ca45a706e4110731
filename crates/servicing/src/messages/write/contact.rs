//! A change of how a customer is reached: told to the address before it and to the one after it, and to the streets likewise,
//! so that whoever changes both at once leaves the customer the warning at both old ones.

use chrono::NaiveDate;
use documents::{MessageKind, Value};
use identity::ContactChangeId;
use sqlx::PgConnection;
use store::{
    contacts::{self, ContactChange},
    outbound::Recipient,
};

use super::{Drafted, To, Told, With, values};
use crate::ServicingError;

pub(super) async fn changed(
    conn: &mut PgConnection,
    told: &Told<'_>,
    today: NaiveDate,
) -> Result<Drafted, ServicingError> {
    let id: ContactChangeId = told.need("contact_change_id")?;
    let change = contacts::find_change(conn, id)
        .await?
        .ok_or(ServicingError::Stored { what: "change of contact data", source: None })?;
    let said = values([
        ("on", Value::Date(today)),
        ("new_email", Value::Flag(change.former_email != change.email)),
        ("new_phone", Value::Flag(change.former_phone != change.phone)),
        ("new_postal", Value::Flag(change.postal.is_some())),
    ]);
    Ok((MessageKind::ContactChanged, said, With { to: whom(change), ..With::default() }))
}

/// Everywhere it is told. What is for the former e-mail address goes, on paper, to the former street or nowhere.
fn whom(change: ContactChange) -> Vec<To> {
    let mut to = vec![To {
        recipient: Recipient::NewAddress,
        address: change.email.clone(),
        street: change.postal.clone(),
    }];
    if change.former_email != change.email {
        to.push(To {
            recipient: Recipient::FormerAddress,
            address: change.former_email,
            street: Some(change.former_postal.clone().unwrap_or_default()),
        });
    }
    if let Some(new) = change.postal {
        let streets = [
            (Recipient::FormerStreet, change.former_postal.filter(|former| *former != new)),
            (Recipient::NewStreet, Some(new.clone())),
        ];
        for (recipient, street) in streets {
            if let Some(lines) = street {
                to.push(To { recipient, address: lines.join(", "), street: Some(lines) });
            }
        }
    }
    to
}
