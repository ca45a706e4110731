//! What a file is filled with, and where that stands while it is due.

use chrono::NaiveDate;
use identity::BankAccountId;
use money::Cents;
use sqlx::PgConnection;
use store::{
    draws, payments,
    rail_files::{Place, RailFileRow, Wanted},
};

use super::super::file::Entry;
use crate::ServicingError;

/// What a file is filled with. In files of their own: what is the matter with a payment keeps nobody's draw from leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::release) enum Kind {
    Payments,
    Draws,
}

impl Kind {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Draws => "draws",
        }
    }

    pub(super) const fn debit(self) -> bool {
        matches!(self, Self::Payments)
    }

    pub(super) fn of(file: &RailFileRow) -> Self {
        if file.debit > Cents::ZERO { Self::Payments } else { Self::Draws }
    }

    pub(super) async fn take_due(
        self,
        conn: &mut PgConnection,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Place>, ServicingError> {
        Ok(match self {
            Self::Payments => payments::take_due(conn, wanted).await?,
            Self::Draws => draws::take_due(conn, wanted).await?,
        })
    }

    pub(super) async fn claim(
        self,
        conn: &mut PgConnection,
        by: NaiveDate,
        places: &[Place],
    ) -> Result<Vec<Entry>, ServicingError> {
        Ok(match self {
            Self::Payments => {
                let due = payments::claim(conn, by, places).await?;
                due.into_iter().map(Entry::Payment).collect()
            }
            Self::Draws => {
                let due = draws::claim(conn, by, places).await?;
                due.into_iter().map(Entry::Draw).collect()
            }
        })
    }

    pub(super) async fn count_due(
        self,
        conn: &mut PgConnection,
        by: NaiveDate,
        but: &[BankAccountId],
    ) -> Result<u64, ServicingError> {
        Ok(match self {
            Self::Payments => payments::count_due(conn, by, but).await?,
            Self::Draws => draws::count_due(conn, by, but).await?,
        })
    }
}
