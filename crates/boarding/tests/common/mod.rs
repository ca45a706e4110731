//! Files as cells and cells as files, by the library that reads them.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) const SAMPLE: &str = include_str!("../../../../docs/boarding-sample.csv");

/// Every line of a file, the names first.
pub(crate) fn cells(text: &str) -> Vec<Vec<String>> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let lines = reader.records().map(Result::unwrap);
    lines.map(|line| line.iter().map(str::to_owned).collect()).collect()
}

/// A file of these lines, each cell in quotation marks.
pub(crate) fn file(lines: &[Vec<String>]) -> String {
    let mut writer =
        csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    for line in lines {
        writer.write_record(line).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// The names of the sample, and its row of that reference.
pub(crate) fn sample(reference: &str) -> [Vec<String>; 2] {
    let lines = cells(SAMPLE);
    let row = lines.iter().find(|line| line.first().is_some_and(|cell| cell == reference));
    [lines.first().unwrap().clone(), row.unwrap().clone()]
}

/// The same as a file with some cells otherwise; columns that the sample has not come after its own, and principal by feature in the
/// place of its one column.
pub(crate) fn with(reference: &str, changes: &[(&str, &str)]) -> String {
    let [mut names, mut row] = sample(reference);
    for (name, value) in changes {
        let at = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push((*name).to_owned());
            row.push(String::new());
            names.len() - 1
        });
        (*value).clone_into(row.get_mut(at).unwrap());
    }
    if changes.iter().any(|(name, _)| name.starts_with("principal.")) {
        let at = names.iter().position(|name| name == "principal").unwrap();
        names.remove(at);
        row.remove(at);
    }
    file(&[names, row])
}
