//! How much of a file is held at a time, and from where on it is refused.

/// Rows of one file at most.
pub(crate) const ROWS_MAX: u64 = 5_000_000;

/// Bytes of one row at most: one that is longer has lost a quotation mark.
pub(crate) const ROW_MAX: usize = 64 * 1024;

/// Columns of one file at most.
pub(crate) const COLUMNS_MAX: usize = 256;

/// Rows that are judged, boarded and committed together.
pub const ROWS_AT_ONCE: usize = 500;

/// Fewer go together where their cells come to more than this.
pub(crate) const BYTES_AT_ONCE: usize = 4 * MIB;

/// The description at the end of a Parquet file.
pub(crate) const FOOTER_MAX: usize = 8 * MIB;

/// A page of a Parquet file as it is stored, and as it is decompressed.
pub(crate) const PAGE_MAX: usize = 16 * MIB;

/// What of one row group of a Parquet file stands in memory at a time: of each column its dictionary and a few pages.
pub(crate) const GROUP_MAX: usize = 256 * MIB;

/// What a page says of itself before its values.
pub(crate) const PAGE_HEADER_MAX: usize = 256 * 1024;

pub(crate) const MIB: usize = 1024 * 1024;
