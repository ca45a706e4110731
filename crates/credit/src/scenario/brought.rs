//! What a line of a scenario owes when it comes in.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use money::Cents;
use serde::Deserialize;

use crate::{
    BroughtForward, FeatureAmount,
    units::{date_opt, dollars},
};

#[derive(Deserialize)]
#[serde(transparent)]
struct Dollars(#[serde(with = "dollars")] Cents);

/// Principal: one amount, or one by feature.
#[derive(Deserialize)]
#[serde(untagged)]
enum PrincipalFile {
    One(Dollars),
    ByFeature(BTreeMap<String, Dollars>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BroughtForwardFile {
    #[serde(default, with = "date_opt")]
    pub(super) on: Option<NaiveDate>,
    principal: Option<PrincipalFile>,
    #[serde(default, with = "dollars")]
    billed_interest: Cents,
    #[serde(default, with = "dollars")]
    fees: Cents,
    #[serde(default, with = "dollars")]
    penalty_fees: Cents,
    #[serde(default, with = "dollars")]
    credit_balance: Cents,
    #[serde(default, with = "dollars")]
    minimum_unpaid: Cents,
    #[serde(default, with = "date_opt")]
    due_on: Option<NaiveDate>,
    #[serde(default, with = "dollars")]
    past_due: Cents,
    #[serde(default, with = "date_opt")]
    past_due_since: Option<NaiveDate>,
    #[serde(default, with = "dollars")]
    interest_this_year: Cents,
    #[serde(default, with = "dollars")]
    fees_this_year: Cents,
    #[serde(default)]
    grace_lost: bool,
    #[serde(default, with = "date_opt")]
    pub(super) opened_on: Option<NaiveDate>,
    draws_made: Option<u32>,
    principal_at_repayment: Option<Dollars>,
}

impl BroughtForwardFile {
    pub(super) fn has_negative(&self) -> bool {
        let given = self.balances();
        let principal = given.principal.iter().map(|part| part.amount);
        principal
            .chain([given.billed_interest, given.fees, given.penalty_fees, given.credit_balance])
            .chain([given.minimum_unpaid, given.past_due])
            .chain([given.interest_this_year, given.fees_this_year])
            .any(Cents::is_negative)
    }

    pub(super) fn balances(&self) -> BroughtForward {
        let principal = match &self.principal {
            None => Vec::new(),
            Some(PrincipalFile::One(amount)) => {
                vec![FeatureAmount { feature: String::new(), amount: amount.0 }]
            }
            Some(PrincipalFile::ByFeature(amounts)) => amounts
                .iter()
                .map(|(feature, amount)| FeatureAmount {
                    feature: feature.clone(),
                    amount: amount.0,
                })
                .collect(),
        };
        BroughtForward {
            principal,
            billed_interest: self.billed_interest,
            fees: self.fees,
            penalty_fees: self.penalty_fees,
            credit_balance: self.credit_balance,
            minimum_unpaid: self.minimum_unpaid,
            due_on: self.due_on,
            past_due: self.past_due,
            past_due_since: self.past_due_since,
            interest_this_year: self.interest_this_year,
            fees_this_year: self.fees_this_year,
            grace_lost: self.grace_lost,
            opened_on: self.opened_on,
            draws_made: self.draws_made,
            principal_at_repayment: self.principal_at_repayment.as_ref().map(|one| one.0),
        }
    }
}
