//! The two faces that are embedded: Public Sans, regular and bold, with the letters of the languages of Latin script.
//!
//! What is absent: other scripts. A letter that the faces lack is drawn as a question mark.

use std::sync::LazyLock;

use miniz_oxide::deflate::{CompressionLevel, compress_to_vec_zlib};
use ttf_parser::GlyphId;

use crate::render::DocumentError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
}

impl Face {
    pub(super) const ALL: [Self; 2] = [Self::Regular, Self::Bold];

    /// What a page calls it.
    pub(super) const fn resource(self) -> &'static [u8] {
        match self {
            Self::Regular => b"Regular",
            Self::Bold => b"Bold",
        }
    }

    pub(super) const fn name(self) -> &'static [u8] {
        match self {
            Self::Regular => b"PublicSans-Regular",
            Self::Bold => b"PublicSans-Bold",
        }
    }

    const fn file(self) -> &'static [u8] {
        match self {
            Self::Regular => include_bytes!("../../fonts/public-sans-regular.ttf"),
            Self::Bold => include_bytes!("../../fonts/public-sans-bold.ttf"),
        }
    }
}

/// In thousandths of an em.
pub(super) struct Metrics {
    pub(super) bounds: [i16; 4],
    pub(super) ascent: i16,
    pub(super) descent: i16,
    pub(super) cap_height: i16,
}

struct Loaded {
    face: ttf_parser::Face<'static>,
    packed: Vec<u8>,
}

/// The faces, read and packed once.
pub(super) struct Fonts {
    regular: Loaded,
    bold: Loaded,
}

static EMBEDDED: LazyLock<Option<Fonts>> = LazyLock::new(|| {
    Some(Fonts { regular: Loaded::parse(Face::Regular)?, bold: Loaded::parse(Face::Bold)? })
});

/// Deflated, as the streams of a PDF are.
pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(bytes, CompressionLevel::DefaultLevel as u8)
}

impl Loaded {
    /// `None` where the file is no font whose em has a thousand units, which is what widths are counted in.
    fn parse(face: Face) -> Option<Self> {
        let parsed = ttf_parser::Face::parse(face.file(), 0).ok()?;
        (parsed.units_per_em() == 1_000).then(|| Self { face: parsed, packed: packed(face.file()) })
    }
}

impl Fonts {
    pub(super) fn embedded() -> Result<&'static Self, DocumentError> {
        EMBEDDED.as_ref().ok_or(DocumentError::Font)
    }

    const fn of(&self, face: Face) -> &Loaded {
        match face {
            Face::Regular => &self.regular,
            Face::Bold => &self.bold,
        }
    }

    pub(super) fn glyph(&self, face: Face, c: char) -> u16 {
        let face = &self.of(face).face;
        face.glyph_index(c).or_else(|| face.glyph_index('?')).map_or(0, |glyph| glyph.0)
    }

    pub(super) fn advance(&self, face: Face, glyph: u16) -> u16 {
        self.of(face).face.glyph_hor_advance(GlyphId(glyph)).unwrap_or_default()
    }

    /// How wide a text is, in tenths of a point.
    pub(super) fn width(&self, text: &str, face: Face, size: i32) -> i32 {
        let ems: i32 =
            text.chars().map(|c| i32::from(self.advance(face, self.glyph(face, c)))).sum();
        ems * size / 1_000
    }

    pub(super) fn metrics(&self, face: Face) -> Metrics {
        let face = &self.of(face).face;
        let bounds = face.global_bounding_box();
        Metrics {
            bounds: [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max],
            ascent: face.ascender(),
            descent: face.descender(),
            cap_height: face.capital_height().unwrap_or_else(|| face.ascender()),
        }
    }

    pub(super) fn packed_file(&self, face: Face) -> &[u8] {
        &self.of(face).packed
    }

    pub(super) fn file_length(&self, face: Face) -> i32 {
        i32::try_from(self.of(face).face.raw_face().data.len()).unwrap_or(i32::MAX)
    }
}
