//! Rebuilds when a migration is added: the compiler by itself follows only those it already knows.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
