//! Decisions as they are recorded: inputs' digest, contributions, reasons, and the notice exactly as it was sent. Who asks
//! "why was I declined?" is answered from this record and from nothing else (12 CFR 1002.9; docs/decisioning.md).

use calendar::add_months;
use chrono::NaiveDate;
use identity::{ApplicationId, CustomerId, DecisionId};
use money::Cents;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::decisions::{self, Application, Decision, Outcome};

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise, work::Begun,
};

/// Reasons in one notice, at most (comment 9(b)(2)-1).
const REASONS_MAX: usize = 4;

/// Records of an application are kept so many months after the notice (12 CFR 1002.12(b)).
const KEPT_MONTHS: i32 = 25;

/// A principal reason, in our wording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: String,
    pub text: String,
}

/// A decision to be recorded, with the application it answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewDecision {
    pub customer_id: CustomerId,
    pub product: String,
    pub requested_limit: Cents,
    /// Everything that was looked at.
    pub inputs: Value,
    pub outcome: Outcome,
    /// Name and version of the model, and of the policy.
    pub model: String,
    pub policy: String,
    pub contributions: Value,
    /// The weightiest first.
    pub reasons: Vec<Reason>,
    pub terms: Option<Value>,
    /// The rendered notice.
    pub notice: String,
}

/// A recorded decision, as its subject may see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecisionView {
    pub id: DecisionId,
    pub outcome: Outcome,
    pub decided_on: NaiveDate,
    pub reasons: Vec<Reason>,
    /// SHA-256 of the notice, in hexadecimal.
    pub notice_digest: String,
    #[serde(skip)]
    pub notice: Vec<u8>,
}

impl Servicing {
    /// Records a decision and its notice; neither is ever changed.
    pub async fn record_decision(
        &self,
        caller: Caller,
        new: NewDecision,
        key: &Key,
    ) -> Result<DecisionId, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Originate, Some(new.customer_id), now)?;
        let bad_reasons = new.reasons.len() > REASONS_MAX
            || (new.reasons.is_empty() && new.outcome == Outcome::Declined);
        if bad_reasons {
            return Err(Refusal::new(
                RefusalCode::NotAllowed,
                "A denial names one to four principal reasons.",
            )
            .into());
        }
        let mut work = match self.begin(permit, key, &("record_decision", &new)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let inputs_digest = Sha256::digest(audit::canonical_json(&new.inputs).as_bytes()).to_vec();
        let application = Application {
            id: ApplicationId::mint(now),
            customer_id: new.customer_id,
            product: new.product,
            requested_limit: new.requested_limit,
            inputs: new.inputs,
            inputs_digest: inputs_digest.clone(),
            completed_at: now,
        };
        decisions::insert_application(work.conn(), &application).await?;
        let notice_digest = Sha256::digest(new.notice.as_bytes()).to_vec();
        let decided_on = self.today();
        let decision = Decision {
            id: DecisionId::mint(now),
            application_id: application.id,
            customer_id: new.customer_id,
            outcome: new.outcome,
            decided_on,
            decided_at: now,
            model: new.model,
            policy: new.policy,
            inputs_digest,
            contributions: new.contributions,
            reasons: json!(new.reasons),
            terms: new.terms,
            notice: new.notice.into_bytes(),
            notice_digest,
            legal_minimum_until: add_months(decided_on, KEPT_MONTHS),
        };
        decisions::insert(work.conn(), &decision).await?;
        let payload = json!({
            "decision_id": decision.id, "application_id": application.id, "customer_id": decision.customer_id,
            "outcome": decision.outcome, "model": decision.model, "policy": decision.policy,
            "inputs_digest": hex::encode(&decision.inputs_digest), "reasons": decision.reasons,
            "notice_digest": hex::encode(&decision.notice_digest), "authorised": permit,
        });
        self.trail(work.conn(), audit::Stream::System, "decision.recorded", payload).await?;
        work.finish(decision.id).await
    }

    /// The customer's newest decision.
    pub async fn decision(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<DecisionView, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let decision = decisions::find_latest(&mut conn, customer_id)
            .await?
            .ok_or_else(|| Refusal::not_found("decision"))?;
        viewed(decision)
    }

    /// A decision by id, for its notice.
    pub async fn decision_by_id(
        &self,
        caller: Caller,
        id: DecisionId,
    ) -> Result<DecisionView, ServicingError> {
        let mut conn = self.pool_for(caller).acquire().await?;
        let decision =
            decisions::find(&mut conn, id).await?.ok_or_else(|| Refusal::not_found("decision"))?;
        authorise(caller, UseCase::Read, Some(decision.customer_id), self.now())?;
        viewed(decision)
    }
}

fn viewed(decision: Decision) -> Result<DecisionView, ServicingError> {
    if Sha256::digest(&decision.notice).to_vec() != decision.notice_digest {
        return Err(ServicingError::Stored { what: "notice", source: None });
    }
    let reasons = serde_json::from_value(decision.reasons)
        .map_err(|source| ServicingError::Stored { what: "reasons", source: Some(source) })?;
    Ok(DecisionView {
        id: decision.id,
        outcome: decision.outcome,
        decided_on: decision.decided_on,
        reasons,
        notice_digest: hex::encode(&decision.notice_digest),
        notice: decision.notice,
    })
}
