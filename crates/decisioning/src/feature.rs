//! The features a scorecard may use: all there are. Nothing that the law forbids has a name here.

use crate::Application;

macro_rules! features {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// A number the scorecard looks at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Feature { $($name),+ }

        impl Feature {
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$name),+];

            /// As the model file and the registry name it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

features! {
    UtilRev = "util_rev",
    UtilAvg6m = "util_avg_6m",
    Delinq24m = "delinq_24m",
    DelinqWorst24m = "delinq_worst_24m",
    DelinqNow = "delinq_now",
    DerogCount = "derog_count",
    Inq6m = "inq_6m",
    NewAccts12m = "new_accts_12m",
    OldestTradeMo = "oldest_trade_mo",
    RevCountBal = "rev_count_bal",
    InstBalRatio = "inst_bal_ratio",
    StlLoans = "stl_loans",
    Dti = "dti",
    IncomeLow = "income_low",
    BankNegDays = "bank_neg_days",
    BankNsf = "bank_nsf",
    BankBalLow = "bank_bal_low",
}

impl Feature {
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }
}

/// The features of one application; `None` where nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features([Option<i64>; Feature::ALL.len()]);

impl Features {
    /// From given values, for what is not an application.
    pub fn from_fn(value: impl Fn(Feature) -> Option<i64>) -> Self {
        Self(Feature::ALL.map(value))
    }

    pub fn get(&self, feature: Feature) -> Option<i64> {
        self.0.get(feature as usize).copied().flatten()
    }

    /// Reads an application. Percentages round down, and are over a month's income where they are of income.
    pub fn of(application: &Application) -> Self {
        Self::from_fn(|feature| value(feature, application))
    }
}

fn value(feature: Feature, application: &Application) -> Option<i64> {
    let bureau = application.bureau.as_ref();
    let bank = application.bank.as_ref();
    match feature {
        Feature::UtilRev => bureau?.utilization_percent.map(i64::from),
        Feature::UtilAvg6m => bureau?.utilization_6m_percent.map(i64::from),
        Feature::Delinq24m => Some(bureau?.months_late_24m.into()),
        Feature::DelinqWorst24m => Some(bureau?.worst_months_late_24m.into()),
        Feature::DelinqNow => Some(bureau?.months_late_now.into()),
        Feature::DerogCount => i64::try_from(bureau?.derogatories.len()).ok(),
        Feature::Inq6m => Some(bureau?.inquiries_6m.into()),
        Feature::NewAccts12m => Some(bureau?.new_accounts_12m.into()),
        Feature::OldestTradeMo => bureau?.oldest_trade_months.map(i64::from),
        Feature::RevCountBal => Some(bureau?.revolving_with_balance.into()),
        Feature::InstBalRatio => bureau?.installment_percent.map(i64::from),
        Feature::StlLoans => Some(bureau?.short_term_loans.into()),
        Feature::Dti => percent_of_income(application, application.monthly_debt_payments?.get()),
        Feature::IncomeLow => percent_of_income(application, application.requested_limit.get()),
        Feature::BankNegDays => Some(bank?.negative_days_90.into()),
        Feature::BankNsf => Some(bank?.returned_payments_90.into()),
        Feature::BankBalLow => Some(bank?.average_balance.get().div_euclid(100)),
    }
}

fn percent_of_income(application: &Application, cents: i64) -> Option<i64> {
    cents.checked_mul(100)?.checked_div(application.monthly_income?.get())
}
