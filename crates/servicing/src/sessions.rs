//! Who is signed in. A token is 32 random bytes, told once; only its digest is kept.
//!
//! Sessions begin and end by the session clock, which nobody who is signed in can move.

use chrono::{DateTime, TimeDelta, Utc};
use identity::{CustomerId, RepresentativeId};
use sha2::{Digest, Sha256};
pub use store::sessions::Who;
use store::{
    customers,
    representatives::{self, StaffRole},
    sessions::{self, SessionRole, SessionRow},
};

use crate::{Caller, Level, Refusal, Servicing, ServicingError};

/// How long a session lasts.
pub const SESSION_LASTS: TimeDelta = TimeDelta::hours(12);

/// A login that is neither over nor expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub who: Who,
    pub level: Level,
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// As whom this session asks for things.
    #[must_use]
    pub const fn caller(&self) -> Caller {
        let caller = match &self.who {
            Who::Customer(customer) => Caller::customer(customer.id),
            Who::Staff(staff) => match staff.role {
                StaffRole::Representative => Caller::representative(staff.id),
                StaffRole::Compliance | StaffRole::Engineer => {
                    Caller::representative(staff.id).reading_only()
                }
            },
        };
        Caller { level: self.level, ..caller }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Customer(customer) => &customer.name,
            Who::Staff(staff) => &staff.name,
        }
    }

    #[must_use]
    pub const fn role(&self) -> SessionRole {
        match &self.who {
            Who::Customer(_) => SessionRole::Customer,
            Who::Staff(staff) => staff_session(staff.role),
        }
    }
}

const fn staff_session(role: StaffRole) -> SessionRole {
    match role {
        StaffRole::Representative => SessionRole::Representative,
        StaffRole::Compliance => SessionRole::Compliance,
        StaffRole::Engineer => SessionRole::Engineer,
    }
}

impl Servicing {
    /// Begins a session of a customer whose identity was established to `level`; answers its token.
    pub async fn sign_in_customer(
        &self,
        id: CustomerId,
        level: Level,
    ) -> Result<(String, Session), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let customer =
            customers::find(&mut conn, id).await?.ok_or_else(|| Refusal::not_found("customer"))?;
        drop(conn);
        self.sign_in(Who::Customer(customer), level).await
    }

    /// Begins a session of a member of staff.
    pub async fn sign_in_staff(
        &self,
        id: RepresentativeId,
        level: Level,
    ) -> Result<(String, Session), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let staff = representatives::find(&mut conn, id)
            .await?
            .ok_or_else(|| Refusal::not_found("representative"))?;
        drop(conn);
        self.sign_in(Who::Staff(staff), level).await
    }

    async fn sign_in(&self, who: Who, level: Level) -> Result<(String, Session), ServicingError> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(ServicingError::NoRandomness)?;
        let token = hex::encode(secret);
        let now = self.session_clock.now();
        let session = Session { who, level, expires_at: now + SESSION_LASTS };
        let actor_id = match &session.who {
            Who::Customer(customer) => customer.id.as_uuid(),
            Who::Staff(staff) => staff.id.as_uuid(),
        };
        let row = SessionRow {
            role: session.role(),
            actor_id,
            level: level.number(),
            created_at: now,
            expires_at: session.expires_at,
        };
        let mut conn = self.store.app().acquire().await?;
        sessions::insert(&mut conn, &digest(&token), &row).await?;
        Ok((token, session))
    }

    /// The session of a token, if it is live.
    pub async fn session(&self, token: &str) -> Result<Option<Session>, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let now = self.session_clock.now();
        let live = sessions::find_live(&mut conn, &digest(token), now).await?;
        Ok(live.map(|(row, who)| Session {
            who,
            level: Level::of_number(row.level),
            expires_at: row.expires_at,
        }))
    }

    /// Ends the session of a token, if there is one.
    pub async fn sign_out(&self, token: &str) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        Ok(sessions::end(&mut conn, &digest(token), self.session_clock.now()).await?)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
