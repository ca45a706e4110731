//! The tests of this package drive the built program over HTTP, as a stranger would: tests/it, tests/kill.
//!
//! Here stands what both need: where the program is, and a project with a small portfolio.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Where the embedding model stands when it was fetched for the whole machine.
const EMBEDDER: &str = "/var/lib/plumbline/models/minilm";

pub fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The built program.
pub fn program() -> PathBuf {
    let built = std::env::var_os("PLUMBLINE_BIN")
        .map_or_else(|| project().join("target/debug/plumbline"), PathBuf::from);
    assert!(
        built.is_file(),
        "{} is missing: build it first (`cargo build --package plumbline`), or name it as PLUMBLINE_BIN",
        built.display()
    );
    built
}

/// The project with so many copies of each world, by the file's name; 0 leaves it out.
pub fn small_project(folder: &Path, copies: impl Fn(&str) -> u32, more: &[(&str, String)]) {
    fs::create_dir_all(folder.join("worlds")).expect("a new folder");
    for name in ["prompts", "tools", "policies", "models", "products", "evals"] {
        let target = project().join(name).canonicalize().expect("a folder of the project");
        symlink(target, folder.join(name)).expect("a new link");
    }
    for entry in fs::read_dir(project().join("worlds")).expect("the worlds").flatten() {
        let name =
            entry.file_name().into_string().unwrap_or_else(|name| panic!("{}", name.display()));
        let copies = copies(&name);
        if copies == 0 {
            continue;
        }
        let text = fs::read_to_string(entry.path()).expect("a world");
        let fewer: Vec<String> = text
            .lines()
            .map(|line| match line.strip_prefix("copies = ") {
                Some(_) => format!("copies = {copies}"),
                None => line.to_owned(),
            })
            .collect();
        fs::write(folder.join("worlds").join(name), fewer.join("\n")).expect("a new world");
    }
    for (name, text) in more {
        fs::write(folder.join("worlds").join(name), text).expect("a new world");
    }
}

/// Adds policies to a project made by [`small_project`], whose own are the project's: they are copied first.
pub fn with_policies(folder: &Path, more: &[(&str, String)]) {
    if more.is_empty() {
        return;
    }
    let own = folder.join("policies");
    let original = own.canonicalize().expect("the policies");
    fs::remove_file(&own).expect("a link");
    copy_folder(&original, &own);
    for (name, text) in more {
        fs::write(own.join(name), text).expect("a new policy");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else {
            fs::copy(&path, &copy).expect("a copy");
        }
    }
}

/// Puts the machine's embedding model into a state folder, where there is one; answers whether there is.
pub fn with_embedder(state: &Path) -> bool {
    let found = Path::new(EMBEDDER).is_dir();
    if found {
        fs::create_dir_all(state.join("models")).expect("a new folder");
        symlink(EMBEDDER, state.join("models/minilm")).expect("a new link");
    }
    found
}
