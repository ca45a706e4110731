//! Reads documents back, by other means than those by which they were written.

use std::collections::BTreeMap;

use miniz_oxide::inflate::decompress_to_vec_zlib;

/// The text of a piece of HTML.
pub(crate) fn text(html: &str) -> String {
    let mut plain = String::new();
    let mut inside = true;
    for c in html.chars() {
        match c {
            '<' => inside = false,
            '>' => inside = true,
            c if inside => plain.push(c),
            _ => {}
        }
    }
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(plain, |text, (entity, c)| text.replace(entity, c)).trim().to_owned()
}

/// What stands between two marks, every time.
pub(crate) fn between<'t>(text: &'t str, start: &str, end: &str) -> Vec<&'t str> {
    text.split(start).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0)).collect()
}

/// The rows of the table with that caption, heads apart.
pub(crate) fn table(html: &str, caption: &str) -> Vec<Vec<String>> {
    let tables = between(html, "<table>", "</table>");
    let wanted = format!("<caption>{caption}</caption>");
    let Some(table) = tables.iter().find(|table| table.contains(&wanted)) else {
        return Vec::new();
    };
    let body = between(table, "<tbody>", "</tbody>").concat();
    between(&body, "<tr", "</tr>")
        .iter()
        .map(|row| {
            let marked = row.replace("<th", "<td").replace("</th>", "</td>");
            between(&marked, "<td", "</td>").iter().map(|cell| text(&format!("<{cell}"))).collect()
        })
        .collect()
}

/// Everything that the words of a page say: the contents of headings, cells, paragraphs and so on, in order.
pub(crate) fn said(html: &str) -> Vec<String> {
    let body = between(html, "<body>", "</body>").concat();
    let ends = [
        "</h1>",
        "</h2>",
        "</p>",
        "</li>",
        "</dt>",
        "</dd>",
        "</th>",
        "</td>",
        "</caption>",
        "<br>",
        "</address>",
    ];
    let cut = ends.iter().fold(body, |text, end| text.replace(end, "\u{1}"));
    cut.split('\u{1}').map(text).filter(|text| !text.is_empty()).collect()
}

/// The words of each page of a PDF, as a reader would copy them: each run by the map of its font.
pub(crate) fn pdf_text(pdf: &[u8]) -> Vec<String> {
    let streams = streams(pdf);
    let has = |stream: &&Vec<u8>, what: &str| {
        stream.windows(what.len()).any(|window| window == what.as_bytes())
    };
    let maps: Vec<BTreeMap<u16, char>> = streams
        .iter()
        .filter(|stream| has(stream, "beginbfchar"))
        .map(|stream| unicode(&String::from_utf8_lossy(stream)))
        .collect();
    let pages = streams.iter().filter(|stream| has(stream, " Tf\n"));
    pages.map(|page| words(page, &maps)).collect()
}

fn streams(pdf: &[u8]) -> Vec<Vec<u8>> {
    let (start, end) = (b"stream\n".as_slice(), b"\nendstream".as_slice());
    let find = |from: usize, what: &[u8]| {
        pdf[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = find(from, start) {
        let Some(until) = find(at, end) else { break };
        found.extend(decompress_to_vec_zlib(&pdf[at + start.len()..until]));
        from = until + end.len();
    }
    found
}

/// A map from glyphs to letters.
fn unicode(map: &str) -> BTreeMap<u16, char> {
    let pairs = between(map, "beginbfchar\n", "endbfchar").concat();
    let number = |hex: &str| u16::from_str_radix(hex.trim_matches(['<', '>']), 16).unwrap();
    pairs
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(glyph, letter)| (number(glyph), char::from_u32(number(letter).into()).unwrap()))
        .collect()
}

/// The words of a page, one run a line.
fn words(page: &[u8], maps: &[BTreeMap<u16, char>]) -> String {
    let mut text = String::new();
    let mut font = 0;
    let mut rest = page;
    while let Some((line, after)) = next_operation(rest) {
        if line.ends_with(b" Tf") {
            font = usize::from(line.starts_with(b"/Bold"));
        } else if line.ends_with(b" Tj") {
            let bytes = string(&line[..line.len() - 3]);
            for pair in bytes.chunks(2) {
                text.push(maps[font][&u16::from_be_bytes([pair[0], pair[1]])]);
            }
            text.push('\n');
        }
        rest = after;
    }
    text
}

/// The next line that is not inside a string.
fn next_operation(page: &[u8]) -> Option<(&[u8], &[u8])> {
    if page.is_empty() {
        return None;
    }
    let (mut depth, mut escaped) = (0, false);
    for (at, byte) in page.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if depth > 0 => escaped = true,
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\n' if depth == 0 => return Some((&page[..at], &page[at + 1..])),
            _ => {}
        }
    }
    Some((page, &[]))
}

/// The bytes of a literal or hexadecimal string.
fn string(written: &[u8]) -> Vec<u8> {
    if let Some(hex) = written.strip_prefix(b"<") {
        let hex = std::str::from_utf8(&hex[..hex.len() - 1]).unwrap();
        return (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
    }
    let inner = &written[1..written.len() - 1];
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < inner.len() {
        let byte = inner[at];
        at += 1;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let escaped = inner[at];
        if escaped.is_ascii_digit() {
            let octal = std::str::from_utf8(&inner[at..at + 3]).unwrap();
            bytes.push(u8::from_str_radix(octal, 8).unwrap());
            at += 3;
            continue;
        }
        at += 1;
        bytes.push(match escaped {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            other => other,
        });
    }
    bytes
}
