/// Why a file could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NachaError {
    #[error("line {line}, column {column}: expected {expected}, found `{found}`")]
    Unexpected { line: usize, column: usize, expected: &'static str, found: String },
    #[error("line {line} has {length} characters; a record has 94")]
    WrongLength { line: usize, length: usize },
    #[error("line {line}: the {total} is {stated} but the records add up to {counted}")]
    WrongTotal { line: usize, total: &'static str, stated: u64, counted: u64 },
    #[error("the file ends before its {missing}")]
    Truncated { missing: &'static str },
    #[error("`{value}` does not fit the {field} of {width} characters")]
    DoesNotFit { field: &'static str, width: usize, value: String },
    #[error("`{0}` is not a routing number: nine digits with a valid check digit")]
    NotARoutingNumber(String),
}
