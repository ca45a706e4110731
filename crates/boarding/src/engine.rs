//! The row as the engine has it: boarded in thought, and asked on the day of the file for the figures it came with.

use chrono::{DateTime, Utc};
use credit::{CreditError, CreditLine, LineEventBody, Position, ProductCatalog, Recorded};
use identity::CreditLineId;
use money::Cents;

use crate::row::{Fault, Row};

impl Row {
    /// The line, opened on the day after its last close with what it owes, and the two events of that.
    ///
    /// # Errors
    /// The engine's own word on it.
    pub fn open(
        &self,
        catalog: &ProductCatalog,
        id: CreditLineId,
        at: DateTime<Utc>,
    ) -> Result<(CreditLine, [Recorded; 2]), CreditError> {
        let terms = self.terms(catalog).ok_or(CreditError::NotOpened)?;
        let (mut line, opened) = CreditLine::open(id, terms, self.begins_on, at)?;
        let balances = self.balances.clone();
        let body = LineEventBody::BalanceBroughtForward { balances };
        let brought = line.record(body, self.begins_on, at)?;
        Ok((line, [opened, brought]))
    }

    fn fault(&self, column: Option<&str>, wrong: String, to_do: &str) -> Fault {
        let column = column.map(str::to_owned);
        let (row, line, to_do) = (Some(self.number), self.line, to_do.to_owned());
        Fault { row, line, column, value: None, wrong, to_do }
    }
}

/// What the engine finds otherwise than the row says.
pub(crate) fn hold_against_the_engine(row: &Row, catalog: &ProductCatalog) -> Vec<Fault> {
    let id = CreditLineId::mint(DateTime::UNIX_EPOCH);
    let position =
        row.open(catalog, id, DateTime::UNIX_EPOCH).and_then(|(line, _)| line.position(row.as_of));
    match position {
        Ok(position) => differences(row, &position),
        Err(error) => {
            vec![row.fault(
                None,
                format!("the line cannot be worked out: {error}"),
                "look at its figures",
            )]
        }
    }
}

fn differences(row: &Row, position: &Position) -> Vec<Fault> {
    let mut faults = Vec::new();
    let given = &row.balances;
    let principal: Cents = given.principal.iter().map(|part| part.amount).sum();
    let figures = [
        ("principal", principal, position.posted.principal),
        ("billed_interest", given.billed_interest, position.posted.billed_interest),
        ("fees", given.fees, position.posted.fees),
        ("penalty_fees", given.penalty_fees, position.posted.penalty_fees),
        ("credit_balance", given.credit_balance, position.posted.credit_balance),
        ("minimum_due", given.minimum_unpaid, position.minimum_due),
        ("past_due", given.past_due, position.past_due),
    ];
    for (column, said, found) in figures.into_iter().filter(|(_, said, found)| said != found) {
        let wrong = format!("the row says {said} and its other figures come to {found}");
        faults.push(row.fault(Some(column), wrong, "correct the figures that do not go together"));
    }
    if row.accrued_interest != position.accrued_interest {
        faults.push(accrued_otherwise(row, position.accrued_interest));
    }
    let early = position.pending.iter().filter(|pending| pending.on < row.as_of);
    for pending in early {
        let wrong = format!(
            "a charge of {} would fall on {}, before the day of the file",
            pending.amount, pending.on
        );
        faults.push(row.fault(Some("as_of"), wrong, "board the line as of an earlier day"));
    }
    faults
}

/// Interest not yet billed is not brought forward: it is what the days since the close come to. Where the line moved in between
/// it is another amount, and the row has to wait for its close.
fn accrued_otherwise(row: &Row, found: Cents) -> Fault {
    let wrong = format!(
        "the row says {}, and what is owed costs {found} from {} to the day before {}",
        row.accrued_interest, row.begins_on, row.as_of
    );
    let to_do = "correct it; or, where the line moved within the cycle, board it as of the day after its next close";
    row.fault(Some("accrued_interest"), wrong, to_do)
}
