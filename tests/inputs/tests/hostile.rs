//! Files from outside, changed in a few thousand ways: refused or read, never a panic, and never read as something else.

use inputs::mutate::{Chance, mutated};

fn all(seeds: &[Vec<u8>], taken: fn(&[u8]), times: usize) {
    assert!(seeds.len() > 3);
    for seed in seeds {
        taken(seed);
    }
    let mut chance = Chance::seeded(4);
    for round in 0..times {
        for (at, seed) in seeds.iter().enumerate() {
            let Some(other) = seeds.get((at + round) % seeds.len()) else { continue };
            taken(&mutated(&mut chance, seed, other));
        }
    }
}

#[test]
fn a_nacha_file_is_refused_or_reads_back_as_it_was_written() {
    assert_eq!(inputs::nacha_seeds().len(), 6);
    all(&inputs::nacha_seeds(), inputs::nacha, 800);
}

#[test]
fn a_scenario_file_is_refused_or_its_statements_add_up() {
    all(&inputs::scenario_seeds(), inputs::scenario, 150);
}

#[test]
fn a_portfolio_is_refused_or_each_row_is_a_line_or_has_its_faults() {
    assert_eq!(inputs::boarding_seeds().len(), 8);
    all(&inputs::boarding_seeds(), inputs::boarding, 60);
}
