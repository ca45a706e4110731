//! An error told with its causes.
//!
//! Every crate has an error enum of its own and no error is common to all, so this is no part of one. It stands on the
//! lowest floor, beside what else a line of the log names: whoever logs at all stands above it.

use std::{error::Error, fmt::Write as _};

/// An error and its causes in one line, for the log or a person. A cause with which the text ends already is not told again;
/// one that only occurs in it ("io" in "could not read the version") is.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.ends_with(&told) {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {told}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Broken(&'static str, Option<Box<Broken>>);

    impl fmt::Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Broken {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &(dyn Error + 'static))
        }
    }

    #[test]
    fn every_cause_is_told_once() {
        let disk = Broken("the disk is full", None);
        let wrapped = Broken("the disk is full", Some(Box::new(disk)));
        let file = Broken("could not write the file", Some(Box::new(wrapped)));
        assert_eq!(chain(&file), "could not write the file: the disk is full");
    }

    #[test]
    fn a_cause_whose_words_only_occur_in_the_text_is_told() {
        let code = Broken("4", None);
        let file = Broken("could not write 4 files", Some(Box::new(code)));
        assert_eq!(chain(&file), "could not write 4 files: 4");
    }
}
