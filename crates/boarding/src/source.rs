//! Where a file's bytes come from: a piece at a time, from wherever in it they are asked for.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    sync::Arc,
};

use ::parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use bytes::Bytes;

/// Something of which any piece can be read, more than once.
pub trait Pieces: Send + Sync {
    /// Its bytes, in all.
    fn length(&self) -> io::Result<u64>;

    /// Reads from an offset, as much as there is or fits; nothing at the end.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Pieces for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, into, offset)
    }
}

impl Pieces for Vec<u8> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut rest = self.get(from..).unwrap_or_default();
        rest.read(into)
    }
}

/// A file, shared by whoever reads it.
#[derive(Clone)]
pub(crate) struct Source {
    pieces: Arc<dyn Pieces>,
    length: u64,
}

impl Source {
    pub(crate) fn of(pieces: Arc<dyn Pieces>) -> io::Result<Self> {
        let length = pieces.length()?;
        Ok(Self { pieces, length })
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// A piece, or less where the file ends.
    pub(crate) fn piece(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let there = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(there)];
        let mut reader = self.from(offset);
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest)? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// All that follows an offset.
    pub(crate) fn from(&self, offset: u64) -> At {
        At { pieces: Arc::clone(&self.pieces), offset }
    }
}

/// Reads on from a place.
pub(crate) struct At {
    pieces: Arc<dyn Pieces>,
    offset: u64,
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.pieces.read_at(into, self.offset) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(read) => {
                    self.offset += read as u64;
                    return Ok(read);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = io::BufReader<At>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(io::BufReader::new(self.from(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.piece(start, length)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are not all there")));
        }
        Ok(bytes.into())
    }
}
