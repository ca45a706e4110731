//! What a turn may spend: reserved before, settled after, here and nowhere else.

use serde::{Deserialize, Serialize};

use crate::Usage;

/// The bounds of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Times the model may be asked, retries and repairs included.
    pub asks: u32,
    /// Tool calls in the whole turn.
    pub calls: u32,
    /// Tool calls in one reply.
    pub calls_per_reply: u32,
    /// Proposals in the whole turn.
    pub proposals: u32,
    /// Prompt and completion tokens in the whole turn.
    pub tokens: u64,
    /// Tokens set aside for one reply of the model.
    pub reply_tokens: u64,
    pub repairs: u32,
    /// Failed asks that are tried again.
    pub retries: u32,
    /// Clauses in one answer.
    pub clauses: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            asks: 8,
            calls: 12,
            calls_per_reply: 6,
            proposals: 2,
            tokens: 200_000,
            reply_tokens: 1_024,
            repairs: 1,
            retries: 2,
            clauses: 40,
        }
    }
}

/// What has been used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    pub asks: u32,
    pub calls: u32,
    pub proposals: u32,
    pub tokens: u64,
    pub repairs: u32,
    pub retries: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub limits: Limits,
    pub spent: Spent,
    /// Tokens set aside for the ask under way.
    pub reserved: u64,
}

impl Budget {
    pub const fn new(limits: Limits) -> Self {
        let spent = Spent { asks: 0, calls: 0, proposals: 0, tokens: 0, repairs: 0, retries: 0 };
        Self { limits, spent, reserved: 0 }
    }

    /// Sets aside one ask and its tokens; false when the turn cannot afford it.
    pub(crate) fn reserve_ask(&mut self, prompt_tokens: u64) -> bool {
        let wanted = prompt_tokens.saturating_add(self.limits.reply_tokens);
        let left = self.limits.tokens.saturating_sub(self.spent.tokens);
        if self.spent.asks >= self.limits.asks || wanted > left {
            return false;
        }
        self.spent.asks += 1;
        self.reserved = wanted;
        true
    }

    /// Settles the ask under way. Without a count from the model the whole reserve is taken as spent.
    pub(crate) fn settle_ask(&mut self, usage: Option<Usage>) {
        let used = usage.map_or(self.reserved, |usage| {
            usage.prompt_tokens.saturating_add(usage.completion_tokens)
        });
        self.spent.tokens = self.spent.tokens.saturating_add(used);
        self.reserved = 0;
    }

    /// Takes one tool call; false when there is none left.
    pub(crate) fn take_call(&mut self) -> bool {
        let left = self.spent.calls < self.limits.calls;
        self.spent.calls += u32::from(left);
        left
    }

    pub(crate) fn take_repair(&mut self) -> bool {
        let left = self.spent.repairs < self.limits.repairs;
        self.spent.repairs += u32::from(left);
        left
    }

    pub(crate) fn take_retry(&mut self) -> bool {
        let left = self.spent.retries < self.limits.retries;
        self.spent.retries += u32::from(left);
        left
    }
}
