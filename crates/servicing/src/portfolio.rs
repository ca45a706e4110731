//! World files and the sandbox portfolio: invented customers whose histories are lived through the real engine.
//!
//! A world file (docs/worlds.md) names a person, an application or neither, and a scenario or none. The first copy of a file is
//! the world as it is written; further ones vary names, amounts and account numbers by the seed, so that the same files and
//! seed give the same portfolio.

mod file;
mod names;

use std::path::Path;

use decisioning::{Underwriting, decide};
use documents::{ConsumerReport, Creditor, DecisionRecord, Party, render_adverse_action};
use identity::{CustomerId, RepresentativeId};
use serde_json::json;
use store::{decisions::Outcome, representatives::StaffRole};

pub use file::{WorldError, WorldFile};

use crate::{
    Caller, Key, Servicing, ServicingError,
    decisions::{NewDecision, Reason},
    worlds::World,
};

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Portfolio {
    pub customers: usize,
    pub lines: usize,
    pub decisions: usize,
}

/// Where everybody in the sandbox lives.
const SANDBOX_STREET: &str = "100 Example Street";

/// The staff of the sandbox.
const STAFF: [(&str, StaffRole); 4] = [
    ("Dana Whitfield", StaffRole::Representative),
    ("Jorge Medina", StaffRole::Representative),
    ("Priya Raman", StaffRole::Compliance),
    ("Sam Okafor", StaffRole::Engineer),
];

impl Servicing {
    /// Makes the world of a file: copy 0 as it is written, a higher one varied.
    pub async fn make_world(
        &self,
        file: &WorldFile,
        copy: u32,
        seed: &str,
    ) -> Result<World, ServicingError> {
        let seed = seed_of(file, copy, seed);
        self.live(&file.varied(copy, &seed), &seed).await
    }

    async fn live(&self, file: &WorldFile, seed: &str) -> Result<World, ServicingError> {
        let scenario = file.scenario().map_err(ServicingError::engine)?;
        let world =
            self.load_world(Caller::system(), scenario.as_ref(), file.person(), seed).await?;
        let street =
            vec![SANDBOX_STREET.to_owned(), format!("Sandbox, {} 00000", file.person.state)];
        self.keep_postal_address(Caller::system(), world.customer_id, &street).await?;
        if let Some(application) = &file.application {
            self.decide_and_record(world.customer_id, file, application, seed).await?;
        }
        Ok(world)
    }

    /// Fills an empty database with every world of a folder in as many copies as it asks for, each with a name of its own, and the staff. Where there
    /// are customers already, nothing is done and `None` is answered.
    pub async fn make_portfolio(
        &self,
        folder: &Path,
        seed: &str,
        mut progress: impl FnMut(usize, usize) + Send,
    ) -> Result<Option<Portfolio>, ServicingError> {
        if !self.list_customers(Caller::system()).await?.is_empty() {
            return Ok(None);
        }
        let files = WorldFile::load_all(folder).map_err(ServicingError::engine)?;
        let all: usize = files.iter().map(|file| file.copies as usize).sum();
        let mut taken = files.iter().map(|file| file.person.name.clone()).collect();
        let mut made = Portfolio::default();
        for file in &files {
            for copy in 0..file.copies {
                let seed = seed_of(file, copy, seed);
                let mut varied = file.varied(copy, &seed);
                if copy > 0 {
                    varied.name_apart(&mut taken, &seed);
                }
                let world = self.live(&varied, &seed).await?;
                made.customers += 1;
                made.lines += usize::from(world.credit_line_id.is_some());
                made.decisions += usize::from(file.application.is_some());
                progress(made.customers, all);
            }
        }
        for (name, role) in STAFF {
            let id = RepresentativeId::mint(self.now());
            self.add_representative(Caller::system(), id, name, role).await?;
        }
        Ok(Some(made))
    }

    /// Decides an application as any other is decided, renders its notice and records both.
    async fn decide_and_record(
        &self,
        customer_id: CustomerId,
        world: &WorldFile,
        application: &decisioning::Application,
        seed: &str,
    ) -> Result<(), ServicingError> {
        let underwriting = Underwriting::bundled().map_err(ServicingError::engine)?;
        let decision =
            decide(application, &underwriting, self.today()).map_err(ServicingError::engine)?;
        let outcome = match decision.outcome {
            decisioning::Outcome::Declined => Outcome::Declined,
            decisioning::Outcome::Incomplete => Outcome::Incomplete,
            decisioning::Outcome::Counteroffered => Outcome::Counteroffered,
            // Nothing adverse, so there is no notice to record; or a person has to decide.
            decisioning::Outcome::Approved | decisioning::Outcome::Referred => return Ok(()),
        };
        let reasons = decision
            .reasons
            .iter()
            .map(|reason| Reason { code: reason.code.clone(), text: reason.text.clone() })
            .collect();
        let record = DecisionRecord {
            reference: format!("APP-{}", customer_id.as_uuid().simple()),
            applicant: Party {
                name: world.person.name.clone(),
                address: vec![format!("Sandbox, {}", world.person.state)],
            },
            product_title: "cash line".to_owned(),
            requested_limit: application.requested_limit,
            noticed_on: self.today(),
            report: application.bureau.as_ref().map(report_of),
            decision: decision.clone(),
        };
        let notice = render_adverse_action(&record, &self.lender.creditor)
            .map_err(ServicingError::engine)?;
        let stored = |source| ServicingError::Stored { what: "decision", source: Some(source) };
        let new = NewDecision {
            customer_id,
            product: "CASHLINE-STD-1".to_owned(),
            requested_limit: application.requested_limit,
            inputs: serde_json::to_value(application).map_err(stored)?,
            outcome,
            model: decision.model.clone(),
            policy: decision.policy.clone(),
            contributions: serde_json::to_value(&decision.contributions).map_err(stored)?,
            reasons,
            terms: decision.terms.as_ref().map(|terms| json!(terms)),
            notice: String::from_utf8_lossy(&notice.bytes).into_owned(),
        };
        let key = Key::parse(&format!("world:{}", hex::encode(sha2_of(seed))))?;
        self.record_decision(Caller::system(), new, &key).await?;
        Ok(())
    }
}

fn seed_of(file: &WorldFile, copy: u32, seed: &str) -> String {
    format!("{seed}/{}/{copy}", file.name)
}

fn sha2_of(text: &str) -> [u8; 16] {
    use sha2::{Digest as _, Sha256};
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(Sha256::digest(text)) {
        *to = from;
    }
    half
}

fn report_of(bureau: &decisioning::BureauFile) -> ConsumerReport {
    ConsumerReport {
        agency: Party {
            name: bureau.agency.clone(),
            address: vec!["100 Example Way".to_owned(), "Sandbox, CA 90000".to_owned()],
        },
        phone: "800-555-0199".to_owned(),
        score: bureau.score.clone(),
    }
}

/// Who lends in the sandbox. Invented, but for the agency (12 CFR 1002, Appendix A: a lender that is no bank).
#[must_use]
pub fn sandbox_creditor() -> Creditor {
    Creditor {
        name: "Plumbline Sandbox Lending".to_owned(),
        address: vec!["1 Plumbline Street".to_owned(), "Sandbox, CA 90000".to_owned()],
        phone: "800-555-0100".to_owned(),
        credit_counseling_phone: "800-555-0142".to_owned(),
        regulator: Party {
            name: "Federal Trade Commission, Equal Credit Opportunity".to_owned(),
            address: vec!["Washington, DC 20580".to_owned()],
        },
    }
}
