//! An e-mail read back: its headers, its text, its page and the names of what came with it. It reads what mail programs
//! write; what it cannot read it leaves as it is, and nothing makes it fail.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Parts within parts, at most.
const DEPTH_MAX: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Parsed {
    headers: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) html: String,
    pub(super) enclosed: Vec<String>,
}

impl Parsed {
    /// A header's value, decoded; empty where there is none.
    pub(super) fn header(&self, name: &str) -> String {
        find(&self.headers, name)
    }
}

pub(super) fn parse(source: &[u8]) -> Parsed {
    let source = String::from_utf8_lossy(source);
    let (headers, body) = split(&source);
    let mut parsed = Parsed { headers, ..Parsed::default() };
    let headers = parsed.headers.clone();
    read_part(&headers, body, &mut parsed, 0);
    parsed
}

fn find(headers: &[(String, String)], name: &str) -> String {
    let found = headers.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| words(value)).unwrap_or_default()
}

/// Headers, with their continuation lines joined, and what comes after the empty line.
fn split(source: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) =
        source.split_once("\r\n\r\n").or_else(|| source.split_once("\n\n")).unwrap_or((source, ""));
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    (headers, body)
}

fn read_part(headers: &[(String, String)], body: &str, into: &mut Parsed, depth: usize) {
    let kind = find(headers, "content-type");
    if let Some(boundary) = parameter(&kind, "boundary").filter(|_| depth < DEPTH_MAX) {
        let fence = format!("--{boundary}");
        for part in body.split(fence.as_str()).skip(1) {
            if part.starts_with("--") {
                break;
            }
            let (headers, body) = split(part.trim_start_matches(['\r', '\n']));
            read_part(&headers, body.strip_suffix("\r\n").unwrap_or(body), into, depth + 1);
        }
        return;
    }
    let disposition = find(headers, "content-disposition");
    if let Some(name) = parameter(&disposition, "filename") {
        into.enclosed.push(name);
        return;
    }
    let decoded = decode(&find(headers, "content-transfer-encoding"), body);
    let decoded = String::from_utf8_lossy(&decoded).replace("\r\n", "\n");
    if kind.to_ascii_lowercase().starts_with("text/html") {
        into.html.push_str(&decoded);
    } else {
        into.text.push_str(&decoded);
    }
}

/// `boundary="x"` of a header.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn decode(encoding: &str, body: &str) -> Vec<u8> {
    match encoding.to_ascii_lowercase().as_str() {
        "base64" => {
            let packed: String = body.chars().filter(|c| !c.is_whitespace()).collect();
            BASE64_STANDARD.decode(packed).unwrap_or_else(|_| body.as_bytes().to_vec())
        }
        "quoted-printable" => {
            unquoted(body.replace("=\r\n", "").replace("=\n", "").as_bytes(), b'=')
        }
        _ => body.as_bytes().to_vec(),
    }
}

/// Bytes in which `=E1` stands for a byte.
fn unquoted(text: &[u8], escape: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        if let Some(byte) = byte.filter(|_| *first == escape) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

/// A header's text: `=?utf-8?b?…?=` and `=?utf-8?q?…?=` read (RFC 2047).
fn words(value: &str) -> String {
    let mut read = String::new();
    let mut coded_before = false;
    for piece in value.split_inclusive(char::is_whitespace) {
        if let Some(word) = encoded_word(piece.trim()) {
            if coded_before {
                // The gap between two of them is none of the text.
                read.truncate(read.trim_end().len());
            }
            read.push_str(&word);
            let gap = piece.get(piece.trim_end().len()..).unwrap_or_default();
            read.push_str(gap);
            coded_before = true;
        } else {
            read.push_str(piece);
            coded_before = false;
        }
    }
    read.trim().to_owned()
}

fn encoded_word(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut parts = inner.splitn(3, '?');
    let (_charset, how, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = if how.eq_ignore_ascii_case("b") {
        BASE64_STANDARD.decode(text).ok()?
    } else {
        unquoted(text.replace('_', " ").as_bytes(), b'=')
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_parts_is_read_with_its_accents_and_its_enclosure() {
        let source = "Subject: =?utf-8?b?U3UgZXN0YWRvIGRlIGN1ZW50YSBlc3TDoQ==?= =?utf-8?q?_listo?=\r\n\
            Content-Type: multipart/mixed; boundary=\"out\"\r\n\r\n\
            --out\r\nContent-Type: multipart/alternative;\r\n boundary=\"in\"\r\n\r\n\
            --in\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            Pago m=C3=ADnimo: $25.00, a=\r\nqu=C3=AD\r\n\
            --in\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
            PHA+SG9sYTwv\r\ncD4=\r\n--in--\r\n\
            --out\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"letter.pdf\"\r\n\r\n\
            %PDF\r\n--out--\r\n";
        let parsed = parse(source.as_bytes());
        assert_eq!(parsed.header("subject"), "Su estado de cuenta está listo");
        assert_eq!(parsed.text, "Pago mínimo: $25.00, aquí");
        assert_eq!(parsed.html, "<p>Hola</p>");
        assert_eq!(parsed.enclosed, ["letter.pdf"]);
    }

    #[test]
    fn what_is_no_mail_is_read_as_far_as_it_goes() {
        for source in [
            "",
            "\r\n\r\n",
            "Subject",
            "Content-Type: multipart/x; boundary=\"\"\r\n\r\n----",
            "=?x?=",
        ] {
            let parsed = parse(source.as_bytes());
            assert!(parsed.html.is_empty(), "{source}");
        }
        let own = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n".repeat(40);
        assert!(parse(own.as_bytes()).enclosed.is_empty());
    }
}
