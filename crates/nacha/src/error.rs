/// Why a file could not be written or read. None of it repeats what stands in a record: that may be an account number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NachaError {
    #[error("line {line}, column {column}, in the {record}: expected {expected}")]
    Unexpected { line: usize, column: usize, record: &'static str, expected: &'static str },
    #[error("line {line} has {length} characters; a record has 94")]
    WrongLength { line: usize, length: usize },
    #[error("line {line}: the {total} of the {record} is not what the records add up to")]
    WrongTotal { line: usize, record: &'static str, total: &'static str },
    #[error("the file ends before its {missing}")]
    Truncated { missing: &'static str },
    #[error("what is to be written does not fit the {field} of {width} characters")]
    DoesNotFit { field: &'static str, width: usize },
    #[error("that is not a routing number: nine digits with a valid check digit")]
    NotARoutingNumber,
}
