//! The pictures of the page that are published and stand in the README, taken of the page itself by
//! `cargo xtask pictures`.

use crate::teaching::{run_line, start};
use crate::visit::{Choice, Visit};
use gif::{DisposalMethod, Encoder, Frame, Repeat};
use serde_json::json;
use std::borrow::Cow;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use unmask_tests::browser::Browser;

/// The most bytes of the walk.
const MOST: u64 = 2_000_000;

scenario!(pictures_are_taken: Chromium);
fn pictures_are_taken(browser: Browser) {
    let Some(folder) = std::env::var_os("UNMASK_PICTURES").map(PathBuf::from) else {
        eprintln!("SKIPPED: `cargo xtask pictures` says where pictures go");
        return;
    };
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.prefer_dark(false);
    visit.wait_for_model("Seedling");
    visit.wait("guesses", || !visit.cards().is_empty());
    let keep = |name: &str, width, height| {
        visit.resize(width, height);
        visit.run("scrollTo(0, 0)", &[]);
        let taken = visit.screenshot_alone(name);
        fs::copy(taken, folder.join(name).with_extension("png")).expect("a writable folder");
    };
    // Of a link, what it leads to shows: the sentence and its guesses.
    let hide = "document.documentElement.dataset.hide = arguments[0]";
    visit.run(hide, &[json!("model tabs share footer")]);
    keep("social", 1200, 630);
    visit.run(hide, &[json!("")]);
    keep("screenshot", 1100, 1080);
    walk(&visit, &folder.join("walk.gif"));
    fs::create_dir_all(folder.join("icons")).expect("a writable folder");
    icons(&visit, &folder.join("icons"));
    visit.end_as_it_is();
}

/// The icon as PNGs: with its own corners, and for systems that cut the corners themselves.
fn icons(visit: &Visit, folder: &Path) {
    visit.run(
        "window.unmaskIcon = document.querySelector('.brand img').src",
        &[],
    );
    let icon = visit.run("return window.unmaskIcon", &[]);
    visit.go(&format!("{}blank", visit.url()));
    let clear = json!({ "color": { "r": 0, "g": 0, "b": 0, "a": 0 } });
    visit.devtools("Emulation.setDefaultBackgroundColorOverride", clear);
    // Within the middle four fifths everything shows, whatever a system cuts off.
    let draw = "
        const [icon, size, maskable] = arguments;
        return (async () => {
        document.body.innerHTML = '';
        const style = document.body.style;
        style.cssText = `margin: 0; width: ${size}px; height: ${size}px; overflow: hidden`;
        if (maskable) style.background = 'linear-gradient(135deg, #7c5cff, #4527c9)';
        const image = new Image();
        image.src = icon;
        const part = maskable ? 0.8 : 1;
        image.style.cssText = `display: block; width: ${size * part}px; margin: ${size * (1 - part) / 2}px`;
        document.body.append(image);
        await image.decode();
        })();";
    for (name, maskable) in [("icon", false), ("maskable", true)] {
        for size in [192, 512] {
            visit.resize(size, size);
            visit.run(draw, &[icon.clone(), json!(size), json!(maskable)]);
            let name = format!("{name}-{size}");
            let taken = visit.screenshot_alone(&name);
            fs::copy(taken, folder.join(name).with_extension("png")).expect("a writable folder");
        }
    }
    visit.devtools("Emulation.setDefaultBackgroundColorOverride", json!({}));
    visit.go(&visit.url());
    visit.wait_for_model("Seedling");
}

/// A picture's pixels, four bytes each, and its width.
fn pixels(file: &Path) -> (Vec<u8>, usize) {
    let file = std::io::BufReader::new(File::open(file).expect("a picture"));
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::ALPHA | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
    let info = reader.next_frame(&mut pixels).expect("its pixels");
    assert_eq!(info.color_type, png::ColorType::Rgba);
    (pixels, info.width as usize)
}

/// An animated GIF that is written picture by picture; each has what changed since the one before.
struct Film<'a> {
    visit: &'a Visit,
    encoder: Encoder<File>,
    before: Vec<u8>,
}

impl Film<'_> {
    /// What one sees now, for so many hundredths of a second.
    fn take(&mut self, delay: u16) {
        let (pixels, width) = pixels(&self.visit.screenshot_alone("walk"));
        let row = |y: usize| y * width * 4..(y + 1) * width * 4;
        let rows = pixels.len() / width / 4;
        let differs = |y: &usize| self.before.is_empty() || pixels[row(*y)] != self.before[row(*y)];
        let (first, last) = match ((0..rows).find(differs), (0..rows).rev().find(differs)) {
            (Some(first), Some(last)) => (first, last),
            // Nothing moved; a row is written, so that it lasts.
            _ => (0, 0),
        };
        let mut part = pixels[row(first).start..row(last).end].to_vec();
        let mut frame =
            Frame::from_rgba_speed(width as u16, (last - first + 1) as u16, &mut part, 10);
        frame.top = first as u16;
        frame.delay = delay;
        frame.dispose = DisposalMethod::Keep;
        frame.buffer = Cow::Owned(frame.buffer.into_owned());
        self.encoder.write_frame(&frame).expect("a writable file");
        self.before = pixels;
    }
}

/// Hides a word, looks inside, teaches, and shares.
fn walk(visit: &Visit, file: &Path) {
    let (width, height) = (880, 660);
    visit.resize(width, height);
    let encoder = File::create(file).expect("a writable folder");
    let mut encoder = Encoder::new(encoder, width as u16, height as u16, &[]).expect("a header");
    encoder.set_repeat(Repeat::Infinite).expect("a header");
    let mut film = Film {
        visit,
        encoder,
        before: Vec::new(),
    };
    let show = |selector: &str| {
        let script = "document.querySelector(arguments[0])?.scrollIntoView({ block: 'start' }); scrollBy(0, -16)";
        visit.run(script, &[json!(selector)]);
    };

    show("#tabs, .tabs");
    film.take(150);
    visit.type_text("The doctor gave the child some medicine.");
    visit.wait("its tokens", || {
        visit.strip().iter().any(|(word, _)| word == "medicine")
    });
    show("#tabs, .tabs");
    film.take(100);
    visit.click("button", "medicine");
    visit.wait("guesses", || visit.cards().len() == 1);
    show("#tabs, .tabs");
    film.take(300);

    visit.click("tab", "Inside");
    visit.wait("a picture", || {
        visit.run("return document.querySelector('#looked') !== null", &[]) == json!(true)
    });
    show("#tabs, .tabs");
    film.take(150);
    show("#panel-inside figure");
    film.take(300);

    visit.click("tab", "Teach");
    show("#tabs, .tabs");
    film.take(120);
    visit.click("button", "Review sentiment");
    visit.wait("texts", || !visit.text_of("#data-line").is_empty());
    film.take(120);
    start(visit);
    for _ in 0..40 {
        show("#run-line");
        film.take(40);
        if run_line(visit).starts_with("Done") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    visit.wait("the end", || run_line(visit).starts_with("Done"));
    show("#run-line");
    film.take(250);

    visit.run("scrollTo(0, 0)", &[]);
    visit.click("button", "Share");
    film.take(150);
    visit.run("document.querySelector('#share-qr').open = true", &[]);
    show("#share-qr");
    film.take(300);
    visit.run("document.querySelector('#share-card').hidePopover()", &[]);
    drop(film);
    let bytes = fs::metadata(file).expect("the walk").len();
    eprintln!("the walk has {bytes} bytes");
    assert!(bytes < MOST, "the walk has {bytes} bytes");
}
