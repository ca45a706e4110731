//! How a customer is reached: e-mail, telephone and mailing address, electronic records agreed to and taken back, and (`limits`)
//! hours at which they must not be asked for money.
//!
//! Rules: 15 USC 7001(c); 16 CFR 681.1. A change needs a step-up (L3), waits three days after the one before, and is told to
//! the address before and to the one after it (`crate::messages`). What is absent: a code sent to the new address, which would
//! show that it is theirs.

mod limits;

use audit::Stream;
use calendar::Tz;
use chrono::{DateTime, TimeDelta, Utc};
use credit::FlagKind;
use identity::{ConsentId, ContactChangeId, CustomerId, is_mail_address};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    contacts::{self, ConsentEnd, ContactChange, ContactLimits},
    credit_lines,
    customers::{self, Customer},
    documents::{self as kept, Consent},
};

pub use limits::ContactLimit;

use crate::{
    Caller, Key, Level, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    disclosures::refuse_model,
    flags,
    words::date_text,
    work::{Begun, Trail},
};

/// After a change, how long until the next one.
const STANDS_FOR: TimeDelta = TimeDelta::hours(72);
/// The text that is agreed to.
const CONSENT_VERSION: &str = "electronic-records 1";
/// The lines of a mailing address, and the letters in each.
const POSTAL_LINES_MAX: usize = 5;
const POSTAL_CHARS_MAX: usize = 80;

/// How a customer wants to be reached; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewContact {
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Line by line, without the name.
    pub postal: Option<Vec<String>>,
}

/// How a customer is reached, and whether they agreed to electronic records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactView {
    pub email: String,
    pub phone: String,
    pub postal: Option<Vec<String>>,
    /// Since when they agree; nothing where they do not.
    pub agreed_at: Option<DateTime<Utc>>,
    /// Why they no longer do.
    pub ended: Option<ConsentEnd>,
    /// When and by which way they must not be asked for money.
    pub limits: ContactLimits,
}

impl ContactView {
    /// As somebody sees it of whom we know no more than a channel: enough to know it again, and not enough to learn it.
    fn masked(self) -> Self {
        let domain = self.email.rsplit_once('@').map_or("", |(_, domain)| domain);
        let digits: String = self.phone.chars().filter(char::is_ascii_digit).collect();
        let last = digits.get(digits.len().saturating_sub(2)..).unwrap_or_default();
        Self {
            email: format!("{}•••@{domain}", self.email.chars().take(1).collect::<String>()),
            phone: format!("•••{last}"),
            postal: None,
            ..self
        }
    }
}

fn invalid(sentence: &str) -> Refusal {
    Refusal::new(RefusalCode::TextInvalid, sentence)
}

impl NewContact {
    /// Refuses what nobody could be reached by.
    fn check(&self) -> Result<(), Refusal> {
        if self.email.as_ref().is_some_and(|email| !is_mail_address(email)) {
            return Err(invalid("This is not an e-mail address."));
        }
        let digits = |phone: &String| {
            let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
            let national = digits.strip_prefix('1').unwrap_or(&digits);
            let plain = phone.chars().all(|c| c.is_ascii_digit() || " +-.()".contains(c));
            plain && phone.len() <= 24 && national.len() == 10
        };
        if self.phone.as_ref().is_some_and(|phone| !digits(phone)) {
            return Err(invalid("This is not a telephone number of the United States."));
        }
        let line = |line: &String| {
            let length = line.trim().chars().count();
            (1..=POSTAL_CHARS_MAX).contains(&length) && !line.chars().any(char::is_control)
        };
        let lines = |lines: &Vec<String>| {
            (1..=POSTAL_LINES_MAX).contains(&lines.len()) && lines.iter().all(line)
        };
        if self.postal.as_ref().is_some_and(|postal| !lines(postal)) {
            return Err(invalid("A mailing address has one to five short lines."));
        }
        Ok(())
    }
}

impl Servicing {
    /// How the customer is reached.
    pub async fn contact(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<ContactView, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut conn = self.store.app().acquire().await?;
        view(&mut conn, customer_id).await
    }

    /// Changes how the customer is reached. The address before and the one after are told.
    pub async fn change_contact(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        new: &NewContact,
        key: &Key,
    ) -> Result<ContactView, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::ChangeContact, Some(customer_id), now)?;
        new.check()?;
        let mut work = match self.begin(permit, key, &("change_contact", customer_id, new)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        // Everybody who changes something of theirs holds the line first, where there is one.
        self.hold_line_of(work.conn(), customer_id).await?;
        let customer = find(work.conn(), customer_id).await?;
        self.may_change(work.conn(), customer_id, now).await?;
        let former_postal = contacts::find_postal_address(work.conn(), customer_id).await?;
        let change = ContactChange {
            id: ContactChangeId::mint(now),
            customer_id,
            changed_at: now,
            changed_by: caller.actor,
            email: new.email.clone().unwrap_or_else(|| customer.email.clone()),
            former_email: customer.email,
            phone: new.phone.clone().unwrap_or_else(|| customer.phone.clone()),
            former_phone: customer.phone,
            postal: new.postal.clone().filter(|lines| Some(lines) != former_postal.as_ref()),
            former_postal,
        };
        if change.email == change.former_email
            && change.phone == change.former_phone
            && change.postal.is_none()
        {
            return Err(invalid("Nothing would change.").into());
        }
        contacts::change(work.conn(), &change).await?;
        if let Some(lines) = &change.postal {
            contacts::insert_postal_address(work.conn(), customer_id, lines, now).await?;
        }
        self.look_at_held(work.conn(), customer_id).await?;
        let payload = json!({
            "contact_change_id": change.id, "customer_id": customer_id,
            "email": change.email != change.former_email, "phone": change.phone != change.former_phone,
            "postal": change.postal.is_some(), "authorised": permit,
        });
        let stream = stream_of(work.conn(), customer_id).await?;
        self.trail(work.conn(), stream, "contact.changed", payload).await?;
        let view = view(work.conn(), customer_id).await?;
        work.finish(view).await
    }

    /// Whoever took the account over would begin with this: not while that is looked into, and not twice in three days.
    async fn may_change(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        now: DateTime<Utc>,
    ) -> Result<(), ServicingError> {
        let standing = flags::standing(conn, customer_id).await?;
        let doubt =
            |kind| matches!(kind, FlagKind::Fraud | FlagKind::IdentityTheft | FlagKind::Deceased);
        if standing.iter().any(|flag| doubt(flag.kind)) {
            let sentence = "How this customer is reached cannot be changed at the moment.";
            return Err(Refusal::new(RefusalCode::NotAllowed, sentence).into());
        }
        let last = contacts::last_change(conn, customer_id).await?;
        if stands_until(last, now).is_some() {
            let sentence = "This was changed less than three days ago.";
            return Err(Refusal::new(RefusalCode::ContactChangedLately, sentence).into());
        }
        Ok(())
    }

    /// The customer takes back their agreement to electronic records: from now on on paper.
    pub async fn withdraw_consent(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        key: &Key,
    ) -> Result<ContactView, ServicingError> {
        let permit = authorise(caller, UseCase::Protect, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut work = match self
            .begin(permit, key, &("withdraw_consent", customer_id, caller.level))
            .await?
        {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        find(work.conn(), customer_id).await?;
        if kept::find_consent(work.conn(), customer_id).await?.is_some() {
            self.consent_ends(work.conn(), customer_id, ConsentEnd::Withdrawn).await?;
        }
        let view = view(work.conn(), customer_id).await?;
        let view = if caller.level < Level::L2 { view.masked() } else { view };
        work.finish(view).await
    }

    /// Records that agreement no longer stands.
    pub(crate) async fn consent_ends(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        why: ConsentEnd,
    ) -> Result<(), ServicingError> {
        contacts::end_consent(conn, customer_id, self.now(), why).await?;
        let kind = match why {
            ConsentEnd::Withdrawn => "consent.withdrawn",
            ConsentEnd::Bounced => "consent.in_doubt",
        };
        let stream = stream_of(conn, customer_id).await?;
        self.trail(conn, stream, kind, json!({"customer_id": customer_id})).await
    }

    /// The customer agrees to electronic records, on the page that tells them what that means.
    pub async fn give_consent(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        key: &Key,
    ) -> Result<ContactView, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Agree, Some(customer_id), now)?;
        let mut work = match self.begin(permit, key, &("give_consent", customer_id)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        find(work.conn(), customer_id).await?;
        if kept::find_consent(work.conn(), customer_id).await?.is_none() {
            let last = contacts::last_consent_end(work.conn(), customer_id).await?;
            // Later than the end of the one before, whatever the clock can tell apart.
            let given_at = last.map_or(now, |(at, _)| now.max(at + TimeDelta::microseconds(1)));
            let consent = Consent {
                id: ConsentId::mint(now),
                customer_id,
                version: CONSENT_VERSION.to_owned(),
                evidence: "agreed on the page of messages, signed in".to_owned(),
                given_at,
            };
            self.record_consent_in(work.conn(), permit, &consent).await?;
            self.deliver_openings(work.conn(), permit, customer_id, consent.id).await?;
        }
        let view = view(work.conn(), customer_id).await?;
        work.finish(view).await
    }

    /// Keeps where paper goes to, at a customer's beginning.
    pub async fn keep_postal_address(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        lines: &[String],
    ) -> Result<(), ServicingError> {
        authorise(caller, UseCase::Originate, Some(customer_id), self.now())?;
        NewContact { postal: Some(lines.to_vec()), ..NewContact::default() }.check()?;
        let mut conn = self.store.app().acquire().await?;
        Ok(contacts::insert_postal_address(&mut conn, customer_id, lines, self.now()).await?)
    }
}

/// Until when nothing follows on a change that was made last at `changed_at`; nothing where that is over.
fn stands_until(changed_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    changed_at.map(|at| at + STANDS_FOR).filter(|until| *until > now)
}

/// Refuses to send money while a change of how the customer is reached is young: whoever took a line over changes the address
/// first, and the customer is to have time to answer the warning (16 CFR 681.1). Nobody of ours can shorten it.
pub(crate) async fn draws_allowed(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<(), ServicingError> {
    let changed_at = contacts::last_change(conn, customer_id).await?;
    let Some(until) = stands_until(changed_at, now) else { return Ok(()) };
    let until = until.with_timezone(&zone);
    let sentence = format!(
        "How we reach you was changed less than three days ago. You can draw again from {} at {}.",
        date_text(until.date_naive()),
        until.format("%H:%M")
    );
    Err(Refusal::new(RefusalCode::ContactChangedLately, sentence).into())
}

async fn find(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Customer, ServicingError> {
    let found = customers::find(conn, customer_id).await?;
    Ok(found.ok_or_else(|| Refusal::not_found("customer"))?)
}

async fn stream_of(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Stream, ServicingError> {
    let line = credit_lines::find_of_customer(conn, customer_id).await?;
    Ok(Trail::stream(None, line.map(|line| line.id)))
}

async fn view(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<ContactView, ServicingError> {
    let customer = find(conn, customer_id).await?;
    let consent = kept::find_consent(conn, customer_id).await?;
    let ended = match consent {
        Some(_) => None,
        None => contacts::last_consent_end(conn, customer_id).await?.map(|(_, why)| why),
    };
    Ok(ContactView {
        email: customer.email,
        phone: customer.phone,
        postal: contacts::find_postal_address(conn, customer_id).await?,
        agreed_at: consent.map(|consent| consent.given_at),
        ended,
        limits: contacts::limits(conn, customer_id).await?,
    })
}
