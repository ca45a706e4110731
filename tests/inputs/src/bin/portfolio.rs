//! What reading a large portfolio takes (docs/boarding.md):
//! `portfolio write csv 1000000 FILE` makes one, `portfolio write parquet ...` too, and `portfolio judge FILE` reads it as
//! `plumbline board --check` does.

use std::{
    env,
    error::Error,
    fs::File,
    io::{self, BufWriter, Write as _},
    sync::Arc,
    time::Instant,
};

use boarding::{Depth, Rules};
use chrono::NaiveDate;
use credit::ProductCatalog;

/// Rows of a row group.
const GROUP: usize = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["write", "csv", rows, file] => write_csv(rows.parse()?, file),
        ["write", "parquet", rows, file] => write_parquet(rows.parse()?, file),
        ["judge", file] => judge(file),
        _ => Err("say `write csv|parquet ROWS FILE`, or `judge FILE`".into()),
    }
}

/// The sample's first row under so many references; one of a thousand has a fault.
fn rows(from: usize, to: usize) -> impl Iterator<Item = String> {
    let row = inputs::sample_row();
    (from..to).map(move |n| {
        let row = row.replacen("HL-10001", &format!("L-{n:07}"), 1);
        if n % 1_000 == 7 { row.replacen(",7.36,", ",7.35,", 1) } else { row }
    })
}

fn write_csv(count: usize, file: &str) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "{}", inputs::sample_names())?;
    rows(0, count).try_for_each(|row| writeln!(out, "{row}"))?;
    Ok(out.flush()?)
}

fn write_parquet(count: usize, file: &str) -> Result<(), Box<dyn Error>> {
    let mut writer =
        inputs::ParquetText::create(File::create(file)?, inputs::sample_names(), true)?;
    for from in (0..count).step_by(GROUP) {
        let rows: Vec<String> = rows(from, (from + GROUP).min(count)).collect();
        let rows = inputs::cells(&rows.join("\n"));
        let rows: Vec<Vec<&str>> =
            rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        writer.group(&rows)?;
    }
    Ok(writer.close()?)
}

fn judge(file: &str) -> Result<(), Box<dyn Error>> {
    let catalog = ProductCatalog::embedded()?;
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).ok_or("a day")?;
    let (begun, said) = (Instant::now(), |faults: Vec<boarding::Fault>| format!("{faults:?}"));
    let file = boarding::open(Arc::new(File::open(file)?), Rules { catalog: &catalog, today });
    let file = file.map_err(said)?;
    let survey = file.survey(Depth::Sums, |_| {}).map_err(said)?;
    let first = begun.elapsed();
    let (mut judged, mut refused) = (file.judged(&survey).map_err(said)?, 0);
    while let Some(batch) = judged.next_batch().map_err(said)? {
        refused += batch.iter().filter(|row| row.verdict.is_err()).count();
    }
    let (rows, all) = (survey.totals.rows, begun.elapsed());
    writeln!(io::stdout(), "{rows} rows, {refused} refused; read in {first:?}, judged in {all:?}")?;
    Ok(())
}
