//! Writes the files from which a fuzzer starts: `cargo run -p inputs -- FOLDER` makes a folder in it for each target.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from("fuzz/corpus"), PathBuf::from);
    for (target, seeds) in [
        ("boarding", inputs::boarding_seeds()),
        ("nacha", inputs::nacha_seeds()),
        ("scenario", inputs::scenario_seeds()),
    ] {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
