//! The post: mail, what became of it, and letters.

use std::{future::Future, pin::Pin};

use rails::{Bounce, Mail, MailClient, MailError, PostClient, Printing, RailError};

pub type PostFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// The wires to the mail server and to the printer. `Err(Unknown)` is never taken for success nor for failure.
pub trait Post: Send + Sync {
    /// Hands a message over under its id.
    fn send<'a>(&'a self, mail: &'a Mail<'a>) -> PostFuture<'a, (), MailError>;

    /// Whether the message of this id was taken.
    fn has<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError>;

    /// What came back after it was taken, after the one numbered `sequence`; all of it after 0.
    fn bounces_after(&self, sequence: u64) -> PostFuture<'_, Vec<Bounce>, RailError>;

    /// Whether the letter of this id is at the printer's.
    fn has_letter<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError>;

    /// Hands a letter to the printer; with what stands on its envelope; twice under one id, it is printed once.
    fn print<'a>(&'a self, letter: &'a Printing<'a>) -> PostFuture<'a, (), RailError>;
}

/// A mail server, and the desk that knows what became of mail and prints letters.
#[derive(Clone, Debug)]
pub struct PostOffice {
    pub mail: MailClient,
    /// Where there is none, an answer that was lost stays unknown and letters wait for whoever fetches them.
    pub desk: Option<PostClient>,
}

fn no_desk() -> RailError {
    RailError::Unknown { reason: "nobody can be asked what became of mail".to_owned() }
}

impl Post for PostOffice {
    fn send<'a>(&'a self, mail: &'a Mail<'a>) -> PostFuture<'a, (), MailError> {
        Box::pin(self.mail.send(mail))
    }

    fn has<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        Box::pin(async move {
            let desk = self.desk.as_ref().ok_or_else(no_desk)?;
            desk.has(&self.mail.message_id(id)).await
        })
    }

    fn bounces_after(&self, sequence: u64) -> PostFuture<'_, Vec<Bounce>, RailError> {
        Box::pin(async move {
            match &self.desk {
                Some(desk) => desk.bounces_after(sequence).await,
                None => Ok(Vec::new()),
            }
        })
    }

    fn has_letter<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        Box::pin(async move {
            match &self.desk {
                Some(desk) => desk.has_letter(id).await,
                None => Ok(false),
            }
        })
    }

    fn print<'a>(&'a self, letter: &'a Printing<'a>) -> PostFuture<'a, (), RailError> {
        Box::pin(async move {
            let desk = self.desk.as_ref().ok_or_else(no_desk)?;
            desk.print(letter).await
        })
    }
}
