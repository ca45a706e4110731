//! One byte changed, anywhere: caught, and named at its place.

use super::*;

/// The path of what stands on each line of a bundle.
fn paths(json: &str) -> Vec<String> {
    let mut open: Vec<(String, Option<usize>)> = Vec::new();
    let mut paths = Vec::new();
    for line in json.lines() {
        let line = line.trim().trim_end_matches(',');
        let within = open.last().map_or(String::new(), |(path, _)| path.clone());
        if line == "}" || line == "]" {
            paths.push(open.pop().unwrap().0);
            continue;
        }
        let path = match open.last_mut() {
            None => String::new(),
            Some((_, Some(next))) => {
                *next += 1;
                format!("{within}[{}]", *next - 1)
            }
            Some((_, None)) => {
                let key = line.split('"').nth(1).unwrap();
                if within.is_empty() { key.to_owned() } else { format!("{within}.{key}") }
            }
        };
        paths.push(path.clone());
        match line.chars().last() {
            Some('{') if !line.contains("\"payload\"") => open.push((path, None)),
            Some('[') => open.push((path, Some(0))),
            _ => {}
        }
    }
    paths
}

#[test]
fn every_flip_of_a_byte_is_caught_and_named() {
    let mut scribe = Scribe::new();
    scribe.write("message.received", &json!({"text": "pay $50"}));
    scribe.write("turn.verdict", &json!({"answer": "ask", "limits": [1, 2.5, null]}));
    scribe.erase(0);
    let json = scribe.since(2).to_json().unwrap();
    assert!(verify(json.as_bytes(), &Trust::default()).ok);

    let paths = paths(&json);
    let mut line = 0;
    for (place, byte) in json.bytes().enumerate() {
        // 0x20 changes the case of a letter, 0x80 makes it no text at all: less often, it is slow.
        let masks = [
            Some(0x01),
            byte.is_ascii_alphabetic().then_some(0x20),
            (place % 16 == 0).then_some(0x80),
        ];
        for mask in masks.into_iter().flatten() {
            let mut bytes = json.clone().into_bytes();
            bytes[place] = byte ^ mask;
            let report = verify(&bytes, &Trust::default());
            assert!(!report.ok, "byte {place} ^ {mask:#x} went unnoticed");
            for problem in &report.problems {
                assert!(
                    named(problem, &paths, line),
                    "byte {place} ^ {mask:#x} on line {} ({}) was named {problem:?}",
                    line + 1,
                    paths[line]
                );
            }
        }
        line += usize::from(byte == b'\n');
    }
}

/// Whether a problem speaks of what stands on this line (counted from zero).
fn named(problem: &Problem, paths: &[String], line: usize) -> bool {
    if let Some(number) = problem.at.strip_prefix("line ") {
        // A lost quote or line end shows where the next line begins.
        let number: usize = number.parse().unwrap();
        return number == line + 1 || number == line + 2;
    }
    // The leaf that tells of an erasure, once edited, tells of it no longer.
    let withheld = problem.fault == Fault::Withheld && paths[line].contains("leaves[2]");
    paths[line].starts_with(&problem.at) || withheld
}
