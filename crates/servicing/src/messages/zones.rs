//! Where a customer may be: the time zones of their state and of their telephone's area code, from `messages/zones.toml`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use calendar::Tz;
use serde::Deserialize;

static PLACES: LazyLock<Option<Places>> =
    LazyLock::new(|| toml::from_str(include_str!("../../../../messages/zones.toml")).ok());

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Places {
    states: BTreeMap<String, Place>,
    areas: HashMap<Tz, Vec<u16>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    zones: Vec<Tz>,
    areas: Vec<u16>,
}

/// The zones whose clocks all must show a decent hour: those of the state, and those of the telephone. A state or an area code
/// that we do not know adds none; where neither is known there is none at all.
#[must_use]
pub fn zones_of(state: &str, phone: &str) -> Vec<Tz> {
    let Some(places) = PLACES.as_ref() else { return Vec::new() };
    let mut zones: Vec<Tz> =
        places.states.get(state).map(|place| place.zones.clone()).unwrap_or_default();
    for zone in area_code(phone).map(|area| zones_of_area(places, area)).unwrap_or_default() {
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    zones
}

fn zones_of_area(places: &Places, area: u16) -> Vec<Tz> {
    if let Some((zone, _)) = places.areas.iter().find(|(_, areas)| areas.contains(&area)) {
        return vec![*zone];
    }
    let state = places.states.values().find(|place| place.areas.contains(&area));
    state.map(|place| place.zones.clone()).unwrap_or_default()
}

/// The area code of a North American number.
fn area_code(phone: &str) -> Option<u16> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let national = match digits.len() {
        10 => &digits,
        11 => digits.strip_prefix('1')?,
        _ => return None,
    };
    national.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_places_can_be_read_and_no_area_code_stands_twice() {
        let places = PLACES.as_ref().unwrap();
        assert_eq!(places.states.len(), 56, "fifty states, the district and five territories");
        let all: Vec<u16> = places.states.values().flat_map(|place| place.areas.clone()).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for areas in places.areas.values() {
            assert!(areas.iter().all(|area| all.contains(area)));
        }
        assert!(places.states.values().all(|place| !place.zones.is_empty()));
    }

    #[test]
    fn a_californian_with_a_telephone_from_new_york_is_in_both_zones() {
        let zones = zones_of("CA", "+1 (212) 555-0100");
        assert_eq!(zones, [Tz::America__Los_Angeles, Tz::America__New_York]);
        assert_eq!(zones_of("CA", "916-555-0100"), [Tz::America__Los_Angeles]);
        assert_eq!(
            zones_of("TN", "+1 901 555 0100"),
            [Tz::America__New_York, Tz::America__Chicago]
        );
        assert_eq!(zones_of("WA", "850 555 0100").len(), 3, "850 lies in two zones");
    }

    #[test]
    fn what_is_no_number_and_no_state_adds_no_zone() {
        assert_eq!(zones_of("CA", "+1 555 0100"), [Tz::America__Los_Angeles]);
        for phone in ["", "911", "+44 20 7946 0000", "000 555 0100", "x"] {
            assert!(zones_of("ZZ", phone).is_empty(), "{phone}");
        }
    }
}
