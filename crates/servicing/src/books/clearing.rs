//! The clearing accounts against the payments and draws that are in transit.

use ledger::Chart;
use store::{Tx, clearing, postings::AccountTotal};

use crate::ServicingError;

/// What is wrong, in words.
pub(super) async fn check(
    tx: &mut Tx<'_>,
    chart: &Chart,
    totals: &[AccountTotal],
) -> Result<Vec<String>, ServicingError> {
    let transit = clearing::in_transit(tx).await?;
    let mut problems = Vec::new();
    for (name, expected, of) in [
        ("payments_clearing", transit.payments, "payments"),
        ("draws_clearing", transit.draws, "draws"),
    ] {
        let code = chart.account(name).map_err(ServicingError::engine)?.code;
        let total = totals.iter().find(|total| total.account == code);
        let booked = total.map(|total| total.debits - total.credits).unwrap_or_default();
        if booked != expected {
            problems.push(format!(
                "account {name} is {booked} in the books and {expected} by the {of} in transit"
            ));
        }
    }
    Ok(problems)
}
