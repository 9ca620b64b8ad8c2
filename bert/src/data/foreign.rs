//! Files that hold no text of their own, named for what they are.

use super::DataError;

/// How much of a file's end is looked at: a zip archive lists its files there.
const END: usize = 64 << 10;

const AS_CSV: &str = "Open it and save the sheet as CSV (UTF-8), then take that file";
const UNPACK: &str = "Unpack it and take the file inside";
const BY_PANDAS: &str =
    "Write it as CSV first: pandas.read_parquet(\"FILE\").to_csv(\"FILE.csv\", index=False)";

/// What files begin with, what they are, and what to do.
const STARTS: [(&[u8], &str, &str); 17] = [
    (
        b"\xd0\xcf\x11\xe0",
        "a workbook or document of an older Microsoft Office",
        AS_CSV,
    ),
    (b"\x1f\x8b", "a gzip file", UNPACK),
    (b"BZh", "a bzip2 file", UNPACK),
    (b"\xfd7zXZ\0", "an xz file", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"PAR1", "a Parquet file", BY_PANDAS),
    (
        b"ARROW1",
        "an Arrow (Feather) file",
        "Write it as CSV first: pandas.read_feather(\"FILE\").to_csv(\"FILE.csv\", index=False)",
    ),
    (
        b"\xff\xff\xff\xff",
        "an Arrow stream, as `datasets` keeps it",
        "Write it as CSV first: dataset.to_csv(\"FILE.csv\", index=False)",
    ),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "Export the table with the texts as CSV, then take that file",
    ),
    (
        b"%PDF-",
        "a PDF document",
        "Copy its texts into a text file, one a line",
    ),
    (
        b"{\\rtf",
        "a document in Rich Text Format",
        "Save it as plain text (UTF-8), then take that file",
    ),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS and not the file itself",
        "Fetch the file with `git lfs pull`, or by its download button",
    ),
    (
        b"\x89HDF\r\n",
        "an HDF5 file",
        "Write its table as CSV first",
    ),
    (
        b"\x93NUMPY",
        "a NumPy array",
        "Write its texts as CSV first",
    ),
    (
        b"\x80\x04\x95",
        "a Python pickle",
        "Write it as CSV first: it is not run here",
    ),
];

/// Refuses what is no text, by name.
pub(super) fn refuse(bytes: &[u8]) -> Result<(), DataError> {
    let known = STARTS.iter().find(|(start, ..)| bytes.starts_with(start));
    let found = match known {
        Some(&(_, what, advice)) => Some((what, advice)),
        None if bytes.starts_with(b"PK\x03\x04") => Some(archive(bytes)),
        None if is_web_page(bytes) => Some((
            "a web page",
            "The file itself lies behind its download button (on GitHub behind `Raw`)",
        )),
        None => None,
    };
    match found {
        Some((what, advice)) => Err(DataError::Foreign { what, advice }),
        None => Ok(()),
    }
}

/// A zip archive by the files that it lists.
fn archive(bytes: &[u8]) -> (&'static str, &'static str) {
    let end = &bytes[bytes.len().saturating_sub(END)..];
    let lists = |name: &[u8]| end.windows(name.len()).any(|part| part == name);
    if lists(b"xl/workbook") {
        ("an Excel workbook", AS_CSV)
    } else if lists(b"word/document") {
        (
            "a Word document",
            "Save it as plain text (UTF-8), one text a line, then take that file",
        )
    } else if lists(b"META-INF/manifest.xml") && lists(b"content.xml") {
        ("an OpenDocument file", AS_CSV)
    } else {
        ("a zip archive", UNPACK)
    }
}

fn is_web_page(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let begins = |word: &[u8]| {
        let head = start.get(..word.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    begins(b"<!doctype html") || begins(b"<html")
}
