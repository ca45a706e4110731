//! Invented names.

const FIRST: [&str; 40] = [
    "Aaliyah", "Aiden", "Amara", "Andre", "Anh", "Beatriz", "Caleb", "Camila", "Chloe", "Darius",
    "Diego", "Elena", "Ethan", "Fatima", "Grace", "Hannah", "Ibrahim", "Isabel", "Jamal", "Jing",
    "Julia", "Kofi", "Leila", "Liam", "Lucia", "Malik", "Mateo", "Mei", "Nadia", "Noah", "Olivia",
    "Omar", "Paula", "Quinn", "Rosa", "Sanjay", "Sofia", "Tomas", "Viola", "Yusuf",
];

const LAST: [&str; 40] = [
    "Abbott", "Alvarez", "Banerjee", "Barnes", "Castillo", "Chen", "Cole", "Cruz", "Dalton",
    "Delgado", "Diaz", "Ellis", "Farah", "Flores", "Foster", "Garza", "Greene", "Hayes", "Huang",
    "Ibarra", "Jensen", "Kapoor", "Kim", "Lopez", "Marsh", "Mendez", "Nguyen", "Ortiz", "Park",
    "Patel", "Quintero", "Reyes", "Rossi", "Salazar", "Singh", "Tran", "Vega", "Walsh", "Young",
    "Zamora",
];

/// The name of a number.
pub(super) fn name(number: u64) -> String {
    let pick = |from: &[&'static str], number: u64| {
        let at = usize::try_from(number % from.len() as u64).unwrap_or_default();
        from.get(at).copied().unwrap_or_default()
    };
    format!("{} {}", pick(&FIRST, number), pick(&LAST, number / 40))
}
