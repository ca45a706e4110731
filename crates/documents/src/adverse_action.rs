//! The notice of action taken, in the shape of Regulation B's form C-1 (12 CFR 1002, Appendix C), with the disclosures of
//! 15 USC 1681m where a consumer report or other outside information was used.
//!
//! The reasons are those of the decision, word for word and in its order. The bureau's key factors are not the reasons and
//! stand apart from them (comment 9(b)(2)-9).

use chrono::NaiveDate;
use credit::Issuer;
use decisioning::{BureauScore, Decision, Outcome};
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    render::{DocumentError, Format, Rendered, render},
    words::long_date,
};

const TEMPLATE: &str = "adverse-action 1";

/// Somebody with an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    pub name: String,
    pub address: Vec<String>,
}

/// Who decided, and which agency watches over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Creditor {
    pub name: String,
    pub address: Vec<String>,
    pub phone: String,
    /// Toll-free, of whoever tells of credit counselling (12 CFR 1026.7(b)(12)(iv)).
    #[serde(default)]
    pub credit_counseling_phone: String,
    /// From 12 CFR 1002, Appendix A.
    pub regulator: Party,
}

impl Creditor {
    /// As a statement names it.
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        Issuer {
            name: self.name.clone(),
            address: self.address.clone(),
            phone: self.phone.clone(),
            credit_counseling_phone: self.credit_counseling_phone.clone(),
        }
    }

    /// As it was when a statement was issued.
    pub(crate) fn as_issued(&self, issuer: &Issuer) -> Self {
        let Issuer { name, address, phone, credit_counseling_phone } = issuer.clone();
        Self { name, address, phone, credit_counseling_phone, regulator: self.regulator.clone() }
    }
}

/// The consumer report that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerReport {
    pub agency: Party,
    /// Toll-free.
    pub phone: String,
    /// The score obtained with it, if one was.
    pub score: Option<BureauScore>,
}

/// All that the notice says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRecord {
    /// What to quote when asking: the decision's id.
    pub reference: String,
    pub applicant: Party,
    pub product_title: String,
    pub requested_limit: Cents,
    pub noticed_on: NaiveDate,
    pub decision: Decision,
    /// Must be there if the decision used a consumer report.
    pub report: Option<ConsumerReport>,
}

#[derive(Serialize)]
struct View<'a> {
    template: &'static str,
    creditor: &'a Creditor,
    applicant: &'a Party,
    reference: &'a str,
    noticed_on: String,
    title: &'static str,
    action: String,
    reasons: Vec<&'a str>,
    report: Option<&'a ConsumerReport>,
    score: Option<Score<'a>>,
    outside_data: bool,
    incomplete_until: Option<String>,
}

#[derive(Serialize)]
struct Score<'a> {
    value: u32,
    lowest: u32,
    highest: u32,
    created_on: String,
    source: &'a str,
    key_factors: &'a [String],
}

/// The notice, as HTML. It is made for what was declined, offered at less than asked, or left incomplete.
pub fn render_adverse_action(
    record: &DecisionRecord,
    creditor: &Creditor,
) -> Result<Rendered, DocumentError> {
    let decision = &record.decision;
    let (title, action) = action(record)?;
    if decision.reasons.is_empty() || decision.reasons.len() > 4 {
        return Err(DocumentError::Record("a notice gives one to four reasons"));
    }
    let report = match (&record.report, decision.consumer_report_used) {
        (None, true) => {
            return Err(DocumentError::Record("a consumer report was used and is not named"));
        }
        (report, used) => report.as_ref().filter(|_| used),
    };
    let score = report.and_then(|report| report.score.as_ref()).map(|score| Score {
        value: score.value,
        lowest: score.lowest,
        highest: score.highest,
        created_on: long_date(score.created_on),
        source: &score.source,
        key_factors: &score.key_factors,
    });
    let incomplete = decision.outcome == Outcome::Incomplete;
    let view = View {
        template: TEMPLATE,
        creditor,
        applicant: &record.applicant,
        reference: &record.reference,
        noticed_on: long_date(record.noticed_on),
        title,
        action,
        reasons: decision.reasons.iter().map(|reason| reason.text.as_str()).collect(),
        report,
        score,
        outside_data: decision.bank_data_used,
        incomplete_until: incomplete.then(|| long_date(record.noticed_on + chrono::Days::new(30))),
    };
    render(TEMPLATE, include_str!("../templates/adverse_action.html"), Format::Html, &view)
}

fn action(record: &DecisionRecord) -> Result<(&'static str, String), DocumentError> {
    let product = &record.product_title;
    let asked = record.requested_limit;
    match (record.decision.outcome, &record.decision.terms) {
        (Outcome::Declined, _) => Ok((
            "Notice of action taken and statement of reasons",
            format!("We cannot approve your application for a {product} with a limit of {asked}."),
        )),
        (Outcome::Counteroffered, Some(terms)) => Ok((
            "Notice of counteroffer and statement of reasons",
            format!(
                "We cannot offer you a {product} with the limit of {asked} that you asked for. We can offer you a limit of \
                 {} at an annual percentage rate of {}. If you do not accept this offer within 90 days, please take this \
                 as our notice that your application was not approved.",
                terms.limit,
                terms.apr()
            ),
        )),
        (Outcome::Incomplete, _) => Ok((
            "Notice of incomplete application",
            format!("We cannot yet decide on your application for a {product}."),
        )),
        _ => Err(DocumentError::Record("nothing adverse was decided")),
    }
}
