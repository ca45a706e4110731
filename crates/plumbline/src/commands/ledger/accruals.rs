//! `plumbline ledger accruals`: what was accrued day by day, as a person reads it.

use std::fmt;

use chrono::NaiveDate;
use money::Cents;
use serde::Serialize;
use servicing::{AccruedDay, Caller};

use super::refused;
use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house,
};

#[derive(clap::Args)]
pub(crate) struct Accruals {
    /// From this day on. Without it, from the first accrued day.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,

    /// With all of this day. Without it, through the last accrued day.
    #[arg(long, value_name = "DATE")]
    through: Option<NaiveDate>,
}

#[derive(Serialize)]
struct Shown {
    days: Vec<AccruedDay>,
}

pub(super) async fn run(args: &Accruals, context: &Context) -> anyhow::Result<Exit> {
    if args.from.zip(args.through).is_some_and(|(from, through)| through < from) {
        return Err(UsageError("--through lies before --from".to_owned()).into());
    }
    let servicing = house::books(&context.config).await?;
    let days = servicing.accrued_days(Caller::system(), (args.from, args.through)).await;
    servicing.store().close().await;
    context.output.answer(&Shown { days: days.map_err(refused)? })?;
    Ok(Exit::Done)
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days.is_empty() {
            return f.write_str("none of these days is accrued: `plumbline ledger accrue` does it");
        }
        writeln!(
            f,
            "{:<11} {:>7} {:>18} {:>16} {:>16} {:>16}",
            "day", "groups", "principal", "accrued", "trued up", "unbilled (1150)"
        )?;
        for one in &self.days {
            writeln!(
                f,
                "{:<11} {:>7} {:>18} {:>16} {:>16} {:>16}",
                one.day.to_string(),
                one.groups,
                one.principal.to_string(),
                one.accrued.to_string(),
                one.trued_up.to_string(),
                one.unbilled.to_string(),
            )?;
        }
        let all = |of: fn(&AccruedDay) -> Cents| self.days.iter().map(of).sum::<Cents>();
        let (accrued, trued_up) = (all(|one| one.accrued), all(|one| one.trued_up));
        write!(
            f,
            "{} days: {accrued} accrued, {trued_up} billed beyond what was estimated",
            self.days.len()
        )
    }
}
