//! Whose installation this is: where business dates are reckoned, which bank has our account, who we are on the ACH network.
//!
//! A sandbox's lender is invented. A live one stands in the settings, every part of it: nothing has a default, because money
//! would move in somebody else's name.

use std::{
    fmt::Display,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    str::FromStr,
};

use anyhow::Context;
use calendar::Tz;
use rails::{AchOriginator, BankUrl, SealingKeys};
use secrecy::ExposeSecret;

use crate::{config::Config, exit::UsageError};

/// Where the sandbox's business dates are reckoned.
const SANDBOX_ZONE: Tz = Tz::America__Los_Angeles;

pub(crate) struct Lender {
    pub(crate) zone: Tz,
    pub(crate) originator: AchOriginator,
    /// The bank's address; nothing where a sandbox starts a bank of its own.
    pub(crate) bank_url: Option<BankUrl>,
    /// What opens the customers' bank account numbers.
    pub(crate) seals: SealingKeys,
}

impl Lender {
    pub(crate) fn of(config: &Config, sandbox: bool) -> anyhow::Result<Self> {
        if sandbox { Self::invented(config) } else { Self::live(config) }
    }

    fn invented(config: &Config) -> anyhow::Result<Self> {
        let bank_url = config.bank_url.as_ref().map(|_| {
            let mut problems = Vec::new();
            let parsed = bank_url(config).parsed::<BankUrl>(&mut problems);
            parsed.ok_or_else(|| UsageError(problems.join("\n  ")))
        });
        let bank_url = bank_url.transpose()?;
        let mut problems = Vec::new();
        let seals = match &config.bank_number_keys {
            Some(_) => {
                keys(config, &mut problems).ok_or_else(|| UsageError(problems.join("\n  ")))?
            }
            None => sandbox_keys(&config.state_dir()?)?,
        };
        Ok(Self { zone: SANDBOX_ZONE, originator: invented_originator()?, bank_url, seals })
    }

    /// What the settings say; otherwise all that is missing or wrong, at once.
    fn live(config: &Config) -> anyhow::Result<Self> {
        let mut problems = Vec::new();
        let bank_url = bank_url(config).parsed::<BankUrl>(&mut problems);
        let mut ask = |setting: &Setting<'_>| setting.given(&mut problems);
        let name = ask(&Setting {
            name: "ach_company_name",
            value: config.ach_company_name.as_deref(),
            what: "the lender's name on the ACH network, 16 characters at most",
        });
        let company_id = ask(&Setting {
            name: "ach_company_id",
            value: config.ach_company_id.as_deref(),
            what: "the company id that the bank gave the lender, 10 characters at most",
        });
        let bank_name = ask(&Setting {
            name: "ach_bank_name",
            value: config.ach_bank_name.as_deref(),
            what: "the name of that bank, 23 characters at most",
        });
        let zone = Setting {
            name: "zone",
            value: config.zone.as_deref(),
            what: "where business dates are reckoned, as an IANA time zone: `America/New_York`",
        }
        .parsed::<Tz>(&mut problems);
        let routing = Setting {
            name: "ach_routing",
            value: config.ach_routing.as_deref(),
            what: "the nine-digit routing number under which the lender originates",
        }
        .parsed(&mut problems);
        let bank = Setting {
            name: "ach_bank_routing",
            value: config.ach_bank_routing.as_deref(),
            what: "the nine-digit routing number of the bank that takes our ACH files",
        }
        .parsed(&mut problems);
        let seals = keys(config, &mut problems);
        if let (Some(bank_url), Some(zone), Some(routing), Some(bank), Some(seals)) =
            (bank_url, zone, routing, bank, seals)
            && problems.is_empty()
        {
            let originator = AchOriginator { name, company_id, routing, bank, bank_name };
            match originator.check() {
                Ok(()) => return Ok(Self { zone, originator, bank_url: Some(bank_url), seals }),
                Err(error) => problems.push(format!("no ACH file can be written: {error}")),
            }
        }
        Err(UsageError(format!(
            "without --sandbox the settings say whose server this is, in `plumbline.toml` or the environment; put right:\n  {}",
            problems.join("\n  ")
        ))
        .into())
    }
}

fn bank_url(config: &Config) -> Setting<'_> {
    Setting {
        name: "bank_url",
        value: config.bank_url.as_deref(),
        what: "the address of the bank that takes our ACH files, beginning with https:// or http://",
    }
}

/// The keys that the settings name; what is wrong with them never repeats them.
fn keys(config: &Config, problems: &mut Vec<String>) -> Option<SealingKeys> {
    Setting {
        name: "bank_number_keys",
        value: config.bank_number_keys.as_ref().map(ExposeSecret::expose_secret),
        what: "the keys of the customers' bank account numbers, `name:64 hexadecimal digits`, the newest first",
    }
    .parsed(problems)
}

/// The key of a sandbox, made at its first start and readable by its owner only.
fn sandbox_keys(state: &Path) -> anyhow::Result<SealingKeys> {
    let path = state.join("bank-numbers.key");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(state)?;
            // Written whole under another name, so that nobody reads half of it; whoever is first has made it.
            let draft = state.join(format!("bank-numbers.{}.new", std::process::id()));
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(SealingKeys::generate("sandbox")?.as_bytes())?;
            file.sync_all()?;
            let made = fs::hard_link(&draft, &path);
            fs::remove_file(&draft)?;
            match made {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
                _ => fs::read_to_string(&path)?,
            }
        }
        text => text.with_context(|| format!("could not read {}", path.display()))?,
    };
    text.trim().parse().with_context(|| format!("{} holds no key", path.display()))
}

/// A setting that a live server must have.
struct Setting<'a> {
    name: &'static str,
    value: Option<&'a str>,
    what: &'static str,
}

impl Setting<'_> {
    /// Its value; an empty text after its problem was noted.
    fn given(&self, problems: &mut Vec<String>) -> String {
        let value = self.value.map(str::trim).unwrap_or_default();
        if value.is_empty() {
            problems.push(self.problem("is missing"));
        }
        value.to_owned()
    }

    fn parsed<T: FromStr<Err: Display>>(&self, problems: &mut Vec<String>) -> Option<T> {
        let value = self.given(problems);
        if value.is_empty() {
            return None;
        }
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                problems.push(self.problem(&format!("is wrong ({error})")));
                None
            }
        }
    }

    fn problem(&self, problem: &str) -> String {
        let (name, what) = (self.name, self.what);
        format!("`{name}` (PLUMBLINE_{}) {problem}: {what}", name.to_uppercase())
    }
}

/// The sandbox's lender on the ACH network. Invented numbers, valid check digits.
pub(crate) fn invented_originator() -> anyhow::Result<AchOriginator> {
    Ok(AchOriginator {
        name: "PLUMBLINE".to_owned(),
        company_id: "1234567890".to_owned(),
        routing: "011000015".parse()?,
        bank: "021000021".parse()?,
        bank_name: "SANDBOX BANK".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_sandbox_makes_its_key_once_for_its_owner_only() {
        let state = tempfile::tempdir().unwrap();
        sandbox_keys(state.path()).unwrap();
        let path = state.path().join("bank-numbers.key");
        let first = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(sandbox_keys(state.path()).unwrap().current().starts_with("sandbox-"));
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 1);
        fs::write(&path, "half a key").unwrap();
        let said = format!("{:#}", sandbox_keys(state.path()).unwrap_err());
        assert!(said.contains("holds no key") && !said.contains("half a key"), "{said}");
    }
}
