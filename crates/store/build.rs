//! Rebuilds when a migration is added: the compiler by itself follows only those it already knows.
#![expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
