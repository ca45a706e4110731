//! Money in transit: what payments and draws say of themselves, for the clearing accounts to be held against.

use money::Cents;
use sqlx::PgConnection;

use crate::StoreError;

/// As the clearing accounts have it: debits positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InTransit {
    /// Credited, and neither settled nor come back; less what was taken back as our own mistake and is still with us.
    pub payments: Cents,
    /// Charged, and not known to have left; never positive.
    pub draws: Cents,
}

/// Of the whole house. A payment taken back as our own mistake is owed to whoever it came from until the bank has sent it back.
pub async fn in_transit(conn: &mut PgConnection) -> Result<InTransit, StoreError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT coalesce(sum(p.amount_cents), 0) FROM payments p WHERE p.status = 'released')::bigint
                      AS "released!",
                  (SELECT coalesce(sum(p.amount_cents), 0)
                     FROM countersignatures c JOIN payments p ON p.id = c.payment_id
                    WHERE c.outcome = 'done' AND p.status IN ('released', 'settled'))::bigint AS "reversed!",
                  (SELECT coalesce(sum(d.amount_cents), 0) FROM draws d
                    WHERE d.drew_seq IS NOT NULL AND d.status IN ('held', 'pending', 'released'))::bigint
                      AS "drawn!""#,
    )
    .fetch_one(conn)
    .await?;
    let (released, reversed) = (Cents::new(row.released), Cents::new(row.reversed));
    Ok(InTransit { payments: released - reversed, draws: -Cents::new(row.drawn) })
}
