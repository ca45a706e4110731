/// Why a request over a rail has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum RailError {
    /// The bank has read it and said no; nothing will happen.
    #[error("the bank refused: {reason}")]
    Refused { reason: String },
    /// It never left: nothing will happen, and it may be sent again.
    #[error("the bank could not be reached")]
    NotSent {
        #[source]
        source: reqwest::Error,
    },
    /// It may have arrived. Read back before anything else.
    #[error("the bank's answer is unknown: {reason}")]
    Unknown { reason: String },
    /// The bank answered something that we cannot read.
    #[error("the bank's answer could not be read: {reason}")]
    Unreadable { reason: String },
    /// A file could not be built.
    #[error("the ACH file could not be written")]
    File(#[from] nacha::NachaError),
    /// A rule of the rails that is compiled in does not parse.
    #[error("the rules of the rails cannot be read: {reason}")]
    Rules { reason: String },
    /// The keys of bank account numbers. Says nothing of their text.
    #[error("those are no keys for bank account numbers: {reason}")]
    Keys { reason: String },
    /// It is not what was sealed for this customer and bank account: nobody will ever open it.
    #[error("a sealed bank account number could not be opened")]
    NotOpened,
    /// Whoever has that key can open it.
    #[error("there is no key {key_id} here, which sealed a bank account number")]
    UnknownKey { key_id: String },
    #[error("the system gave no randomness to seal a bank account number with")]
    NoRandomness,
    #[error("that is no address of a bank: {reason}")]
    Address { reason: String },
    #[error("the client of the bank could not be built")]
    Client {
        #[source]
        source: reqwest::Error,
    },
}
