//! The auth port: how a claim to be somebody is proved, and to which level (docs/api.md).
//!
//! Invariants: no route begins a session but through `sign_in`; what asks for no proof signs nobody in outside a
//! sandbox. What is absent: an identity provider. [`SandboxAuth`] is the one implementation there is.

use std::pin::Pin;

use identity::{CustomerId, RepresentativeId};
use servicing::{Level, sessions::Session};
use store::sessions::SessionRole;
use uuid::Uuid;

use crate::{ApiError, App, Mode};

/// Who somebody says they are.
#[derive(Clone, Debug)]
pub struct Claim {
    pub role: SessionRole,
    pub id: Uuid,
    /// The level asked for.
    pub level: Level,
    /// What proves it, as the implementation reads it: a code of an identity provider, an assertion of a passkey.
    pub proof: Option<String>,
}

/// What an [`Auth`] answers, later.
pub type AuthFuture<'a> = Pin<Box<dyn Future<Output = Result<Level, ApiError>> + Send + 'a>>;

/// Establishes that somebody is who they claim to be.
pub trait Auth: Send + Sync {
    /// The level to which the claim is proved.
    fn prove<'a>(&'a self, claim: &'a Claim) -> AuthFuture<'a>;

    /// Whether it believes without proof, which only a sandbox may.
    fn believes(&self) -> bool {
        false
    }
}

/// SANDBOX ONLY: believes whoever asks, to whatever level they ask for.
pub struct SandboxAuth;

impl Auth for SandboxAuth {
    fn prove<'a>(&'a self, claim: &'a Claim) -> AuthFuture<'a> {
        Box::pin(std::future::ready(Ok(claim.level)))
    }

    fn believes(&self) -> bool {
        true
    }
}

/// Begins a session of whoever proves to be who they claim to be; answers its token.
pub(crate) async fn sign_in(app: &App, claim: &Claim) -> Result<(String, Session), ApiError> {
    permitted(&*app.auth, app.mode)?;
    let level = app.auth.prove(claim).await?;
    let (token, session) = if claim.role == SessionRole::Customer {
        app.servicing.sign_in_customer(CustomerId::from_uuid(claim.id), level).await?
    } else {
        app.servicing.sign_in_staff(RepresentativeId::from_uuid(claim.id), level).await?
    };
    if session.role() != claim.role {
        app.servicing.sign_out(&token).await?;
        return Err(ApiError::forbidden());
    }
    Ok((token, session))
}

fn permitted(auth: &dyn Auth, mode: Mode) -> Result<(), ApiError> {
    if auth.believes() && mode != Mode::Sandbox {
        return Err(ApiError::no_sign_in());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Provider;

    impl Auth for Provider {
        fn prove<'a>(&'a self, _: &'a Claim) -> AuthFuture<'a> {
            Box::pin(std::future::ready(Ok(Level::L2)))
        }
    }

    #[test]
    fn nobody_is_believed_outside_a_sandbox() {
        assert!(permitted(&SandboxAuth, Mode::Sandbox).is_ok());
        assert!(permitted(&SandboxAuth, Mode::Live).is_err());
        assert!(permitted(&Provider, Mode::Live).is_ok());
    }
}
