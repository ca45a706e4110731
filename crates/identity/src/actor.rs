//! Who does it.

use serde::{Deserialize, Serialize};

use crate::{CustomerId, RepresentativeId};

/// Who does a thing, as the audit trail records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Actor {
    Customer {
        id: CustomerId,
    },
    Representative {
        id: RepresentativeId,
    },
    /// Our model-driven product. It proposes and protects; it never confirms.
    Assistant {
        on_behalf_of: CustomerId,
    },
    System,
}
