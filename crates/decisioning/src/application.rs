//! What is known of an applicant on the day of the decision.

use chrono::NaiveDate;
use money::Cents;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A completed application, or one that lacks something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub requested_limit: Cents,
    /// Postal code of the state of residence: `CA`.
    pub state: String,
    /// Read only to know whether the applicant may enter into a contract.
    pub born_on: NaiveDate,
    /// All reliable income of a month, whatever its source. Absent: not given.
    pub monthly_income: Option<Cents>,
    /// Payments on all debts and housing in a month. Absent: not given.
    pub monthly_debt_payments: Option<Cents>,
    /// A member of the armed forces or a dependent (10 USC 987).
    pub covered_borrower: bool,
    /// The limits of the lines this person already has with us, together.
    pub exposure: Cents,
    pub last_declined_on: Option<NaiveDate>,
    pub verification: Verification,
    /// Absent: the bureau found nobody.
    pub bureau: Option<BureauFile>,
    /// Absent: no bank account was connected.
    pub bank: Option<BankHistory>,
}

/// What could be verified; `false` is a fact of its own, not a suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "six independent facts, none of them a mode")]
pub struct Verification {
    pub identity: bool,
    pub address: bool,
    pub income: bool,
    pub bank_account: bool,
    /// Information in the application contradicts itself or others'.
    pub contradicted: bool,
    /// A fraud or active-duty alert whose steps could not be completed (15 USC 1681c-1(h)).
    pub alert_unresolved: bool,
}

/// From the credit report. An absent number is one that the report does not carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BureauFile {
    /// The agency whose report this is.
    pub agency: String,
    pub trades: u32,
    /// Revolving balances in percent of their limits, now and over six months.
    pub utilization_percent: Option<u32>,
    pub utilization_6m_percent: Option<u32>,
    pub months_late_24m: u32,
    pub worst_months_late_24m: u32,
    pub months_late_now: u32,
    pub derogatories: Vec<Derogatory>,
    pub bankruptcy: bool,
    pub repossession_or_foreclosure: bool,
    pub inquiries_6m: u32,
    pub new_accounts_12m: u32,
    pub oldest_trade_months: Option<u32>,
    pub revolving_with_balance: u32,
    /// Installment balances in percent of the original amounts.
    pub installment_percent: Option<u32>,
    pub short_term_loans: u32,
    pub score: Option<BureauScore>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Derogatory {
    Collection,
    ChargeOff,
    Judgment,
}

impl Derogatory {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::ChargeOff => "charge-off",
            Self::Judgment => "judgment",
        }
    }
}

/// The bureau's credit score, as the notice must disclose it (15 USC 1681m(a)(2)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BureauScore {
    pub value: u32,
    pub lowest: u32,
    pub highest: u32,
    pub created_on: NaiveDate,
    /// Who made it.
    pub source: String,
    /// What weighed most in the bureau's score: not our reasons. At most four, or five with inquiries.
    pub key_factors: Vec<String>,
}

/// From the bank account the applicant connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankHistory {
    pub days: u32,
    pub negative_days_90: u32,
    pub returned_payments_90: u32,
    pub average_balance: Cents,
}

impl Application {
    /// SHA-256 over the application as canonical JSON: keys sorted, no spaces.
    pub fn digest(&self) -> Result<[u8; 32], serde_json::Error> {
        // `serde_json` keeps the keys of a value sorted, as long as no crate asks it not to: a test holds it to that.
        Ok(Sha256::digest(serde_json::to_value(self)?.to_string()).into())
    }

    /// What has to be there before anything can be decided, in words.
    pub fn missing_items(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.monthly_income.is_none_or(|income| !income.is_positive()) {
            missing.push("your income");
        }
        if self.monthly_debt_payments.is_none() {
            missing.push("your monthly debt and housing payments");
        }
        missing
    }

    /// Full years on `today`.
    pub(crate) fn age(&self, today: NaiveDate) -> u32 {
        today.years_since(self.born_on).unwrap_or(0)
    }
}
