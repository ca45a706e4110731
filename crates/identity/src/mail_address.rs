//! Where a person can be written to.

use email_address::EmailAddress;

/// The longest address that a mail server takes (RFC 5321, 4.5.3.1.3: a path of 256 with its brackets).
const LENGTH_AT_MOST: usize = 254;

/// Whether this is an e-mail address of somebody out there: with a domain of two words at least.
#[must_use]
pub fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= LENGTH_AT_MOST
        && EmailAddress::is_valid_local_part(local)
        && EmailAddress::is_valid_domain(domain)
        && domain.contains('.')
}

#[cfg(test)]
mod tests {
    use super::is_mail_address;

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        for good in ["ana@example.com", "ana.ruiz+bills@mail.example.co", "o'neil@example.org"] {
            assert!(is_mail_address(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        let bad = [
            "",
            "ana",
            "ana@",
            "@example.com",
            "ana@localhost",
            "ana@example..com",
            "ana@.com",
            "a b@example.com",
            "ana@example.com, b@example.com",
            "Ana <ana@example.com>",
            "ana@exa mple.com",
            "ana@example.com\r\nBcc: b@example.com",
            &long,
        ];
        for bad in bad {
            assert!(!is_mail_address(bad), "{bad}");
        }
    }
}
