//! A file of the stand-in's, and what may go wrong with it.

use super::answer::{Answer, takes_gzip};
use super::gzip::gzip;
use super::{Fault, Line, Shared, is_large};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use xtask::server::Request;

/// A file, whole or from a byte on.
pub fn answer_file(
    shared: &Shared,
    request: &Request,
    fault: Option<Fault>,
    file: Option<PathBuf>,
) -> io::Result<Answer> {
    if let Some(Fault::Status(code)) = fault {
        return Ok(Answer::new(code, &[]));
    }
    let Some(file) = file else {
        return Ok(Answer::new(404, &[]));
    };
    let is_text = !is_large(&file.to_string_lossy());
    if fault == Some(Fault::Gzip) && is_text && takes_gzip(request) {
        return Ok(Answer::compressed(gzip(&std::fs::read(&file)?)));
    }
    let mut opened = File::open(&file)?;
    let total = opened.metadata()?.len();
    let first = request.header("range").and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<u64>()
            .ok()
    });
    let first = first.filter(|_| fault != Some(Fault::NoRanges));
    if first.is_some_and(|first| first >= total) {
        return Ok(Answer::new(416, &[]));
    }
    let mut headers = vec![("ETag", format!("\"{total}\""))];
    if let Some(first) = first {
        opened.seek(SeekFrom::Start(first))?;
        headers.push((
            "Content-Range",
            format!("bytes {first}-{}/{total}", total - 1),
        ));
    }
    let mut answer = Answer::new(if first.is_some() { 206 } else { 200 }, &headers);
    answer.0.length = (fault != Some(Fault::Longer)).then_some(total - first.unwrap_or(0));
    if fault == Some(Fault::Gzip) {
        answer.show_length_alone();
    }
    answer.0.body = match fault {
        Some(Fault::Stall(bytes)) => {
            let silence = Silence(Arc::clone(&shared.line));
            Box::new(opened.take(bytes).chain(silence))
        }
        Some(Fault::Longer) => Box::new(opened.chain(io::repeat(7).take(4096))),
        Some(Fault::Corrupt) => Box::new(Corrupt(opened)),
        _ => Box::new(opened),
    };
    Ok(answer)
}

/// Never a byte, and no end before the line is cut.
struct Silence(Arc<Line>);

impl Read for Silence {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        let cuts = self.0.cuts.lock().expect("no panic before");
        let before = *cuts;
        let waited = self.0.cut.wait_while(cuts, |cuts| *cuts == before);
        drop(waited.expect("no panic before"));
        Ok(0)
    }
}

/// A file whose last byte of every piece is another.
struct Corrupt(File);

impl Read for Corrupt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.read(buffer)?;
        if let Some(last) = bytes.checked_sub(1) {
            // The lowest bit of a number's lowest byte: still a number, not the same.
            buffer[last & !3] ^= 1;
        }
        Ok(bytes)
    }
}
