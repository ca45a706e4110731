//! Whose installation this is: where business dates are reckoned, which bank has our account, who we are on the ACH network and
//! on paper.
//!
//! A sandbox's lender is invented. A live one stands in the settings, every part of it: nothing has a default, because money
//! would move in somebody else's name. Nor does the model: a stand-in that nobody asked for would be taken for one.

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
use documents::{Creditor, Party};
use rails::{AchOriginator, BankUrl, MailUrl, SealingKeys};
use secrecy::ExposeSecret;
use servicing::portfolio::sandbox_creditor;

use crate::{config::Config, exit::UsageError};

/// Where the sandbox's business dates are reckoned.
const SANDBOX_ZONE: Tz = Tz::America__Los_Angeles;

pub(crate) struct Lender {
    pub(crate) zone: Tz,
    pub(crate) who: servicing::Lender,
    /// The bank's address; nothing where a sandbox starts a bank of its own.
    pub(crate) bank_url: Option<BankUrl>,
    /// The mail server and who writes; nothing where a sandbox starts a post office of its own.
    pub(crate) mail: Option<Mail>,
}

/// By which post customers are written to.
pub(crate) struct Mail {
    pub(crate) url: MailUrl,
    pub(crate) from: String,
    pub(crate) desk_url: Option<BankUrl>,
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
        let (originator, creditor) = (invented_originator()?, sandbox_creditor());
        let who = servicing::Lender { originator, creditor, seals };
        let mut problems = Vec::new();
        let mail = config
            .mail_url
            .as_ref()
            .map(|_| mail(config, &mut problems).ok_or_else(|| UsageError(problems.join("\n  "))));
        Ok(Self { zone: SANDBOX_ZONE, who, bank_url, mail: mail.transpose()? })
    }

    /// What the settings say; otherwise all that is missing or wrong, at once.
    fn live(config: &Config) -> anyhow::Result<Self> {
        let mut problems: Vec<String> = no_model(config).into_iter().collect();
        let bank_url = bank_url(config).parsed::<BankUrl>(&mut problems);
        let creditor = creditor(config, &mut problems);
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
        let mail = mail(config, &mut problems);
        if let (Some(bank_url), Some(zone), Some(routing), Some(bank), Some(seals)) =
            (bank_url, zone, routing, bank, seals)
            && problems.is_empty()
        {
            let originator = AchOriginator { name, company_id, routing, bank, bank_name };
            match originator.check() {
                Ok(()) => {
                    let who = servicing::Lender { originator, creditor, seals };
                    return Ok(Self { zone, who, bank_url: Some(bank_url), mail });
                }
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

/// What is missing where a live server would answer with the stand-in and was not told to, or asks no model by name.
fn no_model(config: &Config) -> Option<String> {
    match &config.openai_base_url {
        Some(_) => config.model().err().map(|error| error.to_string()),
        None if config.stand_in => None,
        None => Some(
            "`openai_base_url` (OPENAI_BASE_URL) is missing: the endpoint of the model that answers, up to and including /v1; \
             `stand_in = true` (PLUMBLINE_STAND_IN=true) lets the built-in stand-in answer instead"
                .to_owned(),
        ),
    }
}

/// Who stands at the head of each document, and which agency watches over them.
fn creditor(config: &Config, problems: &mut Vec<String>) -> Creditor {
    let mut ask = |name, value: &Option<String>, what| {
        Setting { name, value: value.as_deref(), what }.given(problems)
    };
    let name = ask("lender_name", &config.lender_name, "the lender's name on documents");
    let address = ask(
        "lender_address",
        &config.lender_address,
        "the address at which the lender takes notices of errors, its lines apart by semicolons",
    );
    let phone = ask("lender_phone", &config.lender_phone, "the lender's toll-free number");
    let credit_counseling_phone = ask(
        "credit_counseling_phone",
        &config.credit_counseling_phone,
        "the toll-free number where a customer learns of credit counseling (12 CFR 1026.7(b)(12)(iv))",
    );
    let regulator = ask(
        "lender_regulator",
        &config.lender_regulator,
        "the agency that watches over the lender (12 CFR 1002, Appendix A)",
    );
    let regulator_address = ask(
        "lender_regulator_address",
        &config.lender_regulator_address,
        "that agency's address, its lines apart by semicolons",
    );
    let lines = |text: &str| text.split(';').map(|line| line.trim().to_owned()).collect();
    Creditor {
        name,
        address: lines(&address),
        phone,
        credit_counseling_phone,
        regulator: Party { name: regulator, address: lines(&regulator_address) },
    }
}

fn bank_url(config: &Config) -> Setting<'_> {
    Setting {
        name: "bank_url",
        value: config.bank_url.as_deref(),
        what: "the address of the bank that takes our ACH files, beginning with https:// or http://",
    }
}

/// The mail server and who writes; what is wrong with its address never repeats it.
fn mail(config: &Config, problems: &mut Vec<String>) -> Option<Mail> {
    let url = Setting {
        name: "mail_url",
        value: config.mail_url.as_ref().map(ExposeSecret::expose_secret),
        what: "the mail server, `smtps://name:password@host`",
    }
    .parsed::<MailUrl>(problems);
    let from = Setting {
        name: "mail_from",
        value: config.mail_from.as_deref(),
        what: "who writes the mail, `Name <name@domain>`",
    }
    .given(problems);
    let desk_url = match &config.mail_desk_url {
        Some(text) => {
            let setting = Setting {
                name: "mail_desk_url",
                value: Some(text),
                what: "where what became of mail can be asked, beginning with https:// or http://",
            };
            Some(setting.parsed::<BankUrl>(problems)?)
        }
        None => None,
    };
    Some(Mail { url: url?, from, desk_url })
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
