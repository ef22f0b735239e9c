//! File formats: their names, their extensions, how they look inside.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    str::FromStr,
    sync::Arc,
};

use flate2::bufread::MultiGzDecoder;

use super::error::DatasetError;

/// A format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// A JSON list of objects.
    Json,
    /// A JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, file or stream.
    Arrow,
}

/// Formats, their names and their extensions, the format's own name first.
const FORMATS: &[(Format, &str, &[&str])] = &[
    (Format::Csv, "csv", &["csv"]),
    (Format::Tsv, "tsv", &["tsv", "tab"]),
    (Format::Json, "json", &["json"]),
    (Format::Jsonl, "jsonl", &["jsonl", "ndjson"]),
    (Format::Parquet, "parquet", &["parquet", "pq"]),
    (Format::Arrow, "arrow", &["arrow", "arrows", "ipc", "feather"]),
];

impl Format {
    /// The format's name in configs and messages.
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(format, ..)| *format == self).map_or("", |(_, name, _)| name)
    }

    /// Whether values are text without a type.
    pub(super) const fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }

    /// Whether the columns are known only from the rows.
    pub(super) const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }

    /// Whether the format is one of text, and so may be compressed from outside.
    pub(super) const fn is_text(self) -> bool {
        self.is_table() || self.is_json()
    }
}

/// A name that no format has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format; the formats are csv, tsv, json, jsonl, parquet and arrow")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    /// The format of a name or an extension, in any case.
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        by_extension(name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a text file is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The format and the compression that a file's name tells.
pub(super) fn by_name(name: &str) -> (Option<Format>, Compression) {
    let extension = |name: &str| {
        Path::new(name).extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase)
    };
    let last = extension(name);
    let compression = match last.as_deref() {
        Some("gz") => Compression::Gzip,
        Some("zst") => Compression::Zstd,
        _ => return (last.as_deref().and_then(by_extension), Compression::None),
    };
    let inner = Path::new(name).file_stem().and_then(|stem| stem.to_str()).and_then(extension);
    (inner.as_deref().and_then(by_extension), compression)
}

/// The compression that the file's first bytes tell.
pub(super) fn compression_of(path: &Path) -> io::Result<Compression> {
    let mut magic = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut magic)?;
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        _ => Compression::None,
    })
}

/// The format that the content looks like.
pub(super) fn sniff(
    path: &Path,
    shown: &Arc<str>,
    compression: Compression,
) -> Result<Format, DatasetError> {
    let mut head = Vec::new();
    let mut text = open_raw(path, shown, compression)?;
    let wrap = |error| read_error(shown, compression, error);
    text.by_ref().take(1 << 16).read_to_end(&mut head).map_err(wrap)?;
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head);
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    // A stream begins with the mark that a message follows; no text has these bytes.
    if head.starts_with(b"ARROW1") || head.starts_with(&[0xff; 4]) {
        return Ok(Format::Arrow);
    }
    let content = head.trim_ascii_start();
    let header = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(match content.first() {
        Some(b'[') => Format::Json,
        Some(b'{') => Format::Jsonl,
        _ if header.contains(&b'\t') && !header.contains(&b',') => Format::Tsv,
        _ => Format::Csv,
    })
}

/// Text that is read line by line, or byte by byte.
pub(super) type Text = Box<dyn BufRead + Send>;

/// Opens a text file behind its byte order mark.
pub(super) fn open_text(
    path: &Path,
    shown: &Arc<str>,
    compression: Compression,
) -> Result<Text, DatasetError> {
    let mut text = open_raw(path, shown, compression)?;
    let mut head = Vec::new();
    let wrap = |error| read_error(shown, compression, error);
    text.by_ref().take(3).read_to_end(&mut head).map_err(wrap)?;
    if head.is_empty() {
        return Err(DatasetError::Empty { path: Arc::clone(shown) });
    }
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Err(DatasetError::Utf16 { path: Arc::clone(shown) });
    }
    if head == b"\xEF\xBB\xBF" {
        head.clear();
    }
    Ok(Box::new(Cursor::new(head).chain(text)))
}

/// The error of a failed read of a text file.
pub(super) fn read_error(
    shown: &Arc<str>,
    compression: Compression,
    error: io::Error,
) -> DatasetError {
    match compression {
        Compression::None => DatasetError::Io { path: shown.to_string(), error },
        _ => DatasetError::Decompress {
            path: Arc::clone(shown),
            compression: compression.name(),
            error,
        },
    }
}

fn open_raw(path: &Path, shown: &Arc<str>, compression: Compression) -> Result<Text, DatasetError> {
    let wrap = |error| DatasetError::Io { path: shown.to_string(), error };
    let file = BufReader::with_capacity(1 << 17, File::open(path).map_err(wrap)?);
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(file))),
        Compression::Zstd => {
            let decoder = zstd::Decoder::with_buffer(file)
                .map_err(|error| read_error(shown, compression, error))?;
            Box::new(BufReader::with_capacity(1 << 17, decoder))
        }
    })
}

fn by_extension(extension: &str) -> Option<Format> {
    let extension = extension.to_ascii_lowercase();
    FORMATS
        .iter()
        .find(|(.., extensions)| extensions.contains(&extension.as_str()))
        .map(|(format, ..)| *format)
}
