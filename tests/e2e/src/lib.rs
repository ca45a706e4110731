//! The tests of this package drive the built program over HTTP, as a stranger would: tests/it.
