//! Beginnings: customers, their bank accounts, staff, and the opening of a line.

use chrono::{DateTime, NaiveDate, Utc};
use credit::Terms;
use identity::{BankAccountId, CreditLineId, CustomerId, DecisionId, RepresentativeId};
use money::Cents;
use rails::BankDetails;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    OnConstraint,
    bank_accounts::{self, BankAccount, BankAccountKind, BankAccountStatus},
    credit_lines::{self, CreditLineRow},
    customers::{self, Customer, Language},
    decisions::{self, Outcome},
    representatives::{self, Representative, StaffRole},
};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    numbers::{ending_of, rail_kind},
    work::{Begun, Trail},
};

/// The database's own word on it: an approval opens one line.
const ONE_LINE: &str = "credit_lines_decision_unique";

/// A person to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    pub name: String,
    pub email: String,
    pub phone: String,
    /// Two letters.
    pub state: String,
    #[serde(default = "english")]
    pub language: Language,
    #[serde(default)]
    pub archetype: Option<String>,
    #[serde(default)]
    pub summary: Option<String>,
}

const fn english() -> Language {
    Language::English
}

/// A bank account to be added. No `Debug`: it carries the number.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBankAccount {
    pub kind: BankAccountKind,
    pub bank_name: String,
    pub routing_number: String,
    pub account_number: String,
}

/// What a line is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opening {
    pub customer_id: CustomerId,
    /// The approval behind it; none for a line of the sandbox.
    pub decision_id: Option<DecisionId>,
    pub terms: Terms,
}

/// Whose policies a customer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyScope {
    /// Two letters: where they live.
    pub state: String,
    /// The product of their line; none while they have no line.
    pub product: Option<String>,
}

/// Whether a line would open with the product and limit that were approved, at the rate that was approved or a lower one.
fn as_decided(decided: Option<&serde_json::Value>, terms: &Terms) -> bool {
    let decided: Option<decisioning::Terms> =
        decided.and_then(|value| serde_json::from_value(value.clone()).ok());
    decided.is_some_and(|decided| {
        let rate = terms.product.features.first().and_then(|feature| feature.apr);
        terms.product.name == decided.product
            && terms.credit_limit == decided.limit
            && rate.is_some_and(|rate| rate <= decided.apr())
    })
}

impl Servicing {
    /// Adds a customer.
    pub async fn add_customer(
        &self,
        caller: Caller,
        id: CustomerId,
        new: NewCustomer,
    ) -> Result<Customer, ServicingError> {
        let permit = authorise(caller, UseCase::Originate, None, self.now())?;
        let mut tx = self.store.app().begin().await?;
        let customer = self.add_customer_in(&mut tx, permit, id, new).await?;
        tx.commit().await?;
        Ok(customer)
    }

    pub(crate) async fn add_customer_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        id: CustomerId,
        new: NewCustomer,
    ) -> Result<Customer, ServicingError> {
        let customer = Customer {
            id,
            name: new.name,
            email: new.email,
            phone: new.phone,
            state: new.state,
            language: new.language,
            archetype: new.archetype,
            summary: new.summary,
            created_at: self.now(),
        };
        customers::insert(conn, &customer).await?;
        let payload = json!({"customer_id": id, "authorised": permit});
        self.trail(conn, audit::Stream::System, "customer.added", payload).await?;
        Ok(customer)
    }

    /// A customer by id.
    pub async fn customer(
        &self,
        caller: Caller,
        id: CustomerId,
    ) -> Result<Customer, ServicingError> {
        authorise(caller, UseCase::Read, Some(id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        Ok(customers::find(&mut conn, id).await?.ok_or_else(|| Refusal::not_found("customer"))?)
    }

    /// Which policies are this customer's: those of the product of their line and of the state they live in.
    pub async fn policy_scope(
        &self,
        caller: Caller,
        id: CustomerId,
    ) -> Result<PolicyScope, ServicingError> {
        authorise(caller, UseCase::Read, Some(id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let customer =
            customers::find(&mut conn, id).await?.ok_or_else(|| Refusal::not_found("customer"))?;
        let line = credit_lines::find_of_customer(&mut conn, id).await?;
        Ok(PolicyScope { state: customer.state, product: line.map(|line| line.product) })
    }

    /// Everybody, by name: for staff, and for the sandbox's sign-in page.
    pub async fn list_customers(&self, caller: Caller) -> Result<Vec<Customer>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(customers::list(&mut conn).await?)
    }

    /// Whose line is which: for the same.
    pub async fn list_line_owners(
        &self,
        caller: Caller,
    ) -> Result<Vec<(CustomerId, CreditLineId)>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(credit_lines::list_owners(&mut conn).await?)
    }

    /// Adds a member of staff.
    pub async fn add_representative(
        &self,
        caller: Caller,
        id: RepresentativeId,
        name: &str,
        role: StaffRole,
    ) -> Result<Representative, ServicingError> {
        let permit = authorise(caller, UseCase::Originate, None, self.now())?;
        let staff = Representative { id, name: name.to_owned(), role, created_at: self.now() };
        let mut tx = self.store.app().begin().await?;
        representatives::insert(&mut tx, &staff).await?;
        let payload = json!({"representative_id": id, "role": role, "authorised": permit});
        self.trail(&mut tx, audit::Stream::System, "representative.added", payload).await?;
        tx.commit().await?;
        Ok(staff)
    }

    /// Our staff, by name.
    pub async fn list_representatives(&self) -> Result<Vec<Representative>, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        Ok(representatives::list(&mut conn).await?)
    }

    /// Adds a bank account whose ownership was verified. From here on its number is for the rails alone.
    pub async fn add_bank_account(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        id: BankAccountId,
        new: &NewBankAccount,
    ) -> Result<BankAccount, ServicingError> {
        let permit = authorise(caller, UseCase::Originate, Some(customer_id), self.now())?;
        let mut tx = self.store.app().begin().await?;
        let account =
            self.add_bank_account_in(&mut tx, permit, customer_id, (id, self.now()), new).await?;
        tx.commit().await?;
        Ok(account)
    }

    pub(crate) async fn add_bank_account_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        customer_id: CustomerId,
        (id, added_at): (BankAccountId, DateTime<Utc>),
        new: &NewBankAccount,
    ) -> Result<BankAccount, ServicingError> {
        let digits = new.account_number.bytes().all(|byte| byte.is_ascii_digit());
        // The check digit is looked at here: a wrong one would stop the file that is to carry it.
        let routing = new.routing_number.parse::<nacha::RoutingNumber>().ok();
        let (Some(ending), Some(routing_number), true, true) =
            (ending_of(&new.account_number), routing, digits, new.account_number.len() <= 17)
        else {
            return Err(Refusal::new(
                RefusalCode::TextInvalid,
                "This is not the number of a bank account.",
            )
            .into());
        };
        let account = BankAccount {
            id,
            customer_id,
            kind: new.kind,
            bank_name: new.bank_name.clone(),
            ending: ending.to_owned(),
            status: BankAccountStatus::Verified,
            added_at,
        };
        let details = BankDetails {
            kind: rail_kind(new.kind),
            routing_number,
            account_number: new.account_number.clone(),
        };
        bank_accounts::insert(conn, &account).await?;
        self.keep_number(conn, customer_id, id, &details).await?;
        let payload = json!({
            "customer_id": customer_id, "bank_account_id": id, "kind": account.kind, "ending": account.ending,
            "authorised": permit,
        });
        self.trail(conn, audit::Stream::System, "bank_account.added", payload).await?;
        Ok(account)
    }

    /// Opens a line, today, with terms that are copied into it. An approval opens one line.
    pub async fn open_line(
        &self,
        caller: Caller,
        id: CreditLineId,
        opening: Opening,
        key: &Key,
    ) -> Result<CreditLineId, ServicingError> {
        let customer_id = opening.customer_id;
        let permit = authorise(caller, UseCase::Originate, Some(customer_id), self.now())?;
        // The id is minted at the door and may differ when the request is sent again: the first one counts.
        let mut work = match self.begin(permit, key, &("open_line", &opening)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        if let Some(decision_id) = opening.decision_id {
            let decision = decisions::find(work.conn(), decision_id)
                .await?
                .filter(|decision| decision.customer_id == customer_id)
                .ok_or_else(|| Refusal::not_found("decision"))?;
            if decision.outcome != Outcome::Approved {
                return Err(Refusal::new(
                    RefusalCode::NotAllowed,
                    "A line is opened on an approval only.",
                )
                .into());
            }
            if !as_decided(decision.terms.as_ref(), &opening.terms) {
                return Err(Refusal::new(
                    RefusalCode::NotAllowed,
                    "These are not the terms that were approved.",
                )
                .into());
            }
        }
        self.open_line_in(work.conn(), permit, id, opening, self.today()).await?;
        work.finish(id).await
    }

    pub(crate) async fn open_line_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        id: CreditLineId,
        opening: Opening,
        opened_on: NaiveDate,
    ) -> Result<crate::lines::Line, ServicingError> {
        let row = CreditLineRow {
            id,
            customer_id: opening.customer_id,
            decision_id: opening.decision_id,
            product: opening.terms.product.name.clone(),
            opened_on,
            settles_next_on: opened_on,
            standing: None,
            credit: Cents::ZERO,
            created_at: self.now(),
        };
        credit_lines::insert(conn, &row).await.on_constraint(ONE_LINE, || {
            let sentence = "This approval has opened its line.";
            ServicingError::from(Refusal::new(RefusalCode::NotAllowed, sentence))
        })?;
        let payload = json!({
            "customer_id": opening.customer_id, "product": row.product, "decision_id": opening.decision_id,
            "credit_limit_cents": opening.terms.credit_limit, "opened_on": opened_on, "authorised": permit,
        });
        let opened_at = if opened_on == self.today() {
            self.now()
        } else {
            crate::lines::noon(opened_on, self.zone)
        };
        let line = self.store_opened(conn, row, opening.terms, opened_at).await?;
        self.trail(conn, Trail::stream(None, Some(id)), "line.opened", payload).await?;
        self.disclose_opening(conn, permit, &line, opened_at).await?;
        Ok(line)
    }
}
