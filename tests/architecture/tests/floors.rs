//! Arrows between crates point downwards.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use architecture::{FLOORS, FORBIDDEN, PURE_BELOW, floor};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// What brings IO, a runtime or the network with it.
const IMPURE: &[&str] =
    &["tokio", "mio", "sqlx", "reqwest", "hyper", "axum", "tonic", "async-openai", "socket2"];

fn metadata() -> Metadata {
    MetadataCommand::new().exec().unwrap()
}

fn crates(metadata: &Metadata) -> Vec<&Package> {
    let folder = metadata.workspace_root.join("crates");
    metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.manifest_path.starts_with(&folder))
        .collect()
}

#[test]
fn every_crate_stands_on_a_floor_and_every_name_in_the_table_is_a_crate() {
    let metadata = metadata();
    let there: BTreeSet<String> =
        crates(&metadata).iter().map(|package| package.name.to_string()).collect();
    let named: BTreeSet<String> =
        FLOORS.iter().copied().flatten().map(ToString::to_string).collect();
    assert_eq!(there, named);
    assert_eq!(
        named.len(),
        FLOORS.iter().map(|crates| crates.len()).sum::<usize>(),
        "a crate stands on two floors"
    );
}

#[test]
fn no_arrow_points_upward_or_sideways() {
    let metadata = metadata();
    let mut strays = Vec::new();
    for package in crates(&metadata) {
        let here = floor(&package.name).unwrap();
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some())
        {
            let Some(there) = floor(&dependency.name) else {
                strays.push(format!("{} -> {}: has no floor", package.name, dependency.name));
                continue;
            };
            // A test may look at a neighbour (the rails at their sandbox), never up.
            let allowed = match dependency.kind {
                DependencyKind::Development => there <= here,
                _ => there < here,
            };
            if !allowed {
                strays.push(format!(
                    "{} (floor {here}) -> {} (floor {there})",
                    package.name, dependency.name
                ));
            }
        }
    }
    assert!(strays.is_empty(), "arrows that do not point downwards: {strays:#?}");
}

#[test]
fn no_forbidden_arrow_is_drawn() {
    let metadata = metadata();
    let mut strays = Vec::new();
    for package in crates(&metadata) {
        for (from, to, why) in FORBIDDEN {
            let drawn = |dependency: &&cargo_metadata::Dependency| {
                dependency.kind == DependencyKind::Normal && dependency.name == *to
            };
            if *package.name == **from
                && package.dependencies.iter().any(|dependency| drawn(&dependency))
            {
                strays.push(format!("{from} -> {to}: {why}"));
            }
        }
    }
    assert!(strays.is_empty(), "{strays:#?}");
}

#[test]
fn the_lower_floors_know_no_runtime_no_database_and_no_network() {
    let metadata = metadata();
    let arrows = arrows(&metadata);
    let mut strays = Vec::new();
    for package in crates(&metadata) {
        if floor(&package.name).unwrap() >= PURE_BELOW {
            continue;
        }
        for reached in reach(&arrows, &package.id) {
            let name = metadata[&reached].name.as_str();
            if IMPURE.contains(&name) {
                strays.push(format!("{} -> … -> {name}", package.name));
            }
        }
    }
    assert!(strays.is_empty(), "{strays:#?}");
}

/// What each package is built with; what only its tests use is left out.
fn arrows(metadata: &Metadata) -> BTreeMap<PackageId, Vec<PackageId>> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let normal = |dependency: &&cargo_metadata::NodeDep| {
        dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
    };
    nodes
        .iter()
        .map(|node| {
            let used = node.deps.iter().filter(normal).map(|dependency| dependency.pkg.clone());
            (node.id.clone(), used.collect())
        })
        .collect()
}

fn reach(arrows: &BTreeMap<PackageId, Vec<PackageId>>, from: &PackageId) -> BTreeSet<PackageId> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        for used in &arrows[id] {
            if reached.insert(used.clone()) {
                open.push(used);
            }
        }
    }
    reached
}
