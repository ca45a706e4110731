//! Ways of finding the balance that bears interest, of which one would be passed over in silence.

use money::Rounding;

use super::{BalanceMethod, Compounding, InterestTerms, Period, Product, RoundedAt};

impl Product {
    /// Of the product, and of each feature that has a balance of its own.
    pub(crate) fn check_method(&self) -> Result<(), String> {
        refused(self.interest.contradiction())?;
        for feature in &self.features {
            let name = &feature.name;
            let own = self.interest.of(feature);
            let at = |message: &str| format!("{message} (feature `{name}`)");
            if feature.new_draws.is_some() && !own.by_day() {
                let message = "`new_draws` says nothing of one balance for the whole cycle";
                return Err(at(message));
            }
            refused(own.contradiction()).map_err(|message| at(&message))?;
        }
        Ok(())
    }
}

fn refused(contradiction: Option<&str>) -> Result<(), String> {
    contradiction.map_or(Ok(()), |message| Err(message.to_owned()))
}

impl InterestTerms {
    /// Each day's balance counts, and not that of one moment of the cycle.
    pub(crate) const fn by_day(&self) -> bool {
        matches!(self.balance, BalanceMethod::DailyBalance | BalanceMethod::AverageDailyBalance)
    }

    fn contradiction(&self) -> Option<&'static str> {
        let average = self.balance == BalanceMethod::AverageDailyBalance;
        let (by_day, monthly) = (self.by_day(), self.period == Period::Monthly);
        let cases = [
            (
                self.round_average && !average,
                "`round_average` needs `balance = \"average_daily_balance\"`",
            ),
            (
                !by_day && self.compounding == Compounding::Daily,
                "one balance for the whole cycle does not compound daily: set `compounding = \"none\"`",
            ),
            (
                self.daily_decimals.is_some() && (!by_day || self.round_average || monthly),
                "`daily_decimals` needs interest of each day: no monthly period, no rounded average, no one balance for the cycle",
            ),
            (
                self.daily_decimals.is_none() && self.daily_rounding != Rounding::HalfUp,
                "`daily_rounding` needs `daily_decimals`",
            ),
            (
                self.rounded_at == RoundedAt::Payments
                    && (!by_day || self.round_average || monthly),
                "`rounded_at = \"payments\"` needs interest of each day: no monthly period, no rounded average, no one balance for the cycle",
            ),
        ];
        cases.into_iter().find(|(wrong, _)| *wrong).map(|(_, message)| message)
    }
}
