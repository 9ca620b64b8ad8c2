//! What the scenarios share: the page on a server of its own, and what a visitor reads off it.

use bert::probe::Fill;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::Deref;
use std::path::PathBuf;
use unmask_tests::browser::{Bench, Browser, Gpu, Page};
use xtask::server::{Reply, Server, Site};

/// What the visitor chose under "Compute on", on an earlier visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Nothing: this is the first visit.
    None,
    Cpu,
    /// In these tests a software one.
    Gpu,
}

/// One visit to the page, by a browser that remembers no other.
pub struct Visit {
    page: Page,
    /// Absent while nothing answers at the page's address.
    server: Option<Server>,
    url: String,
}

impl Deref for Visit {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

/// One hidden place as its card shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Card {
    pub position: usize,
    pub bars: Vec<Bar>,
    /// What it says of the word that is hidden there.
    pub original: Option<String>,
}

/// One prediction as its bar shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Bar {
    pub token: String,
    pub id: String,
    /// `id 7, logit 1.234`
    pub title: String,
    /// `12.3%`
    pub value: String,
}

/// Every token's text, and whether it shows as hidden.
pub type Strip = Vec<(String, bool)>;

const STRIP: &str = "
    return [...document.querySelectorAll('#tokens .token')].map((token) =>
        [token.querySelector('.word').textContent, token.getAttribute('aria-pressed') === 'true']);";
const CARDS: &str = "
    return [...document.querySelectorAll('.mask')].map((card) => ({
        position: Number(card.dataset.position),
        bars: [...card.querySelectorAll('.bar')].map((bar) => ({
            token: bar.querySelector('.bar-token').firstChild.textContent,
            id: bar.dataset.id,
            title: bar.title,
            value: bar.querySelector('.bar-value').textContent,
        })),
        original: card.querySelector('.original')?.textContent ?? null,
    }));";

/// The site as it is published.
pub fn site(bench: &Bench) -> Site {
    Site::new(&bench.site)
}

/// The site of a host with other choices; its page may reach this machine, where the stand-ins are.
pub fn site_with(bench: &Bench, change: impl FnOnce(&mut Value)) -> Site {
    let page = std::fs::read_to_string(bench.site.join("index.html")).expect("the built page");
    let (_, settings) = page
        .split_once("id=\"site\">")
        .expect("what the build knows");
    let mut settings = serde_json::Deserializer::from_str(settings).into_iter();
    let mut settings = settings.next().expect("a value").expect("JSON");
    change(&mut settings);
    let page = xtask::page::settle(&page, &settings, true).expect("a page with its places");
    site(bench).page(page)
}

/// A folder of the project's own small checkpoints.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// The files of a checkpoint's folder that its picker would be given.
pub fn files_of(folder: &std::path::Path) -> Vec<PathBuf> {
    let names = ["config.json", weights_of(folder), "tokenizer.json"];
    names.iter().map(|name| folder.join(name)).collect()
}

/// The name of a folder's weights.
pub fn weights_of(folder: &std::path::Path) -> &'static str {
    match folder.join("pytorch_model.bin").exists() {
        true => "pytorch_model.bin",
        false => "model.safetensors",
    }
}

impl Visit {
    /// Opens the published page where there is a browser and a page; says so where there is not.
    pub fn begin(browser: Browser, choice: Choice) -> Option<Self> {
        let bench = Bench::ready(browser)?;
        Some(Self::with(&bench, site(&bench), choice, Gpu::Software))
    }

    /// Opens the page of some other site, or in a browser with another GPU.
    pub fn with(bench: &Bench, site: Site, choice: Choice, gpu: Gpu) -> Self {
        let visit = Self::before(bench, site, choice, gpu);
        visit.go(&visit.url());
        visit
    }

    /// All but the opening: the browser shows an empty document of the same site, so that the page's
    /// surroundings can be arranged before it starts.
    pub fn before(bench: &Bench, site: Site, choice: Choice, gpu: Gpu) -> Self {
        let blank = || {
            Reply::bytes(
                "text/html; charset=utf-8",
                b"<!doctype html><link rel=icon href=data:,>".to_vec(),
            )
        };
        let server = Server::start(site.answer("/blank", blank), 0).expect("a free port");
        // Who chose the processor lets another compute beside.
        let alone = gpu == Gpu::Software && choice != Choice::Cpu;
        let page = Page::open(bench, &server, "blank", gpu, alone);
        let choice = match choice {
            Choice::None => None,
            Choice::Cpu => Some("cpu"),
            Choice::Gpu => Some("gpu"),
        };
        if let Some(choice) = choice {
            page.run(
                "localStorage.setItem('unmask.device', arguments[0])",
                &[json!(choice)],
            );
        }
        let url = server.url();
        Self {
            page,
            server: Some(server),
            url,
        }
    }

    /// The page's address.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Takes the server away: from now on nothing answers.
    pub fn stop_server(&mut self) {
        self.server = None;
    }

    /// Serves another site in the same place.
    pub fn serve(&mut self, site: Site) {
        self.stop_server();
        let port = self.url.trim_end_matches('/').rsplit(':').next();
        let port: u16 = port.and_then(|port| port.parse().ok()).expect("a port");
        // The old listener closes a moment after its server is dropped.
        self.page.wait("the port to be free again", || {
            std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
        });
        self.server = Some(Server::start(site, port).expect("a free port"));
    }

    /// The text of the first element a CSS selector finds, seen or not; empty where there is none.
    pub fn text_of(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.textContent ?? ''";
        let text = self.run(script, &[json!(selector)]);
        text.as_str().unwrap_or_default().trim().to_string()
    }

    /// Waits until the first element that a selector finds holds this text.
    pub fn wait_for_text(&self, selector: &str, text: &str) {
        self.wait(&format!("\"{text}\" in {selector}"), || {
            self.text_of(selector).contains(text)
        });
    }

    /// What the Engine card says under a heading, such as `Adapter`.
    pub fn engine_fact(&self, heading: &str) -> String {
        let script = "
            const terms = [...document.querySelectorAll('#engine-card dt')];
            const term = terms.find((term) => term.textContent === arguments[0]);
            return term?.nextElementSibling.textContent ?? '';";
        let text = self.run(script, &[json!(heading)]);
        text.as_str().unwrap_or_default().to_string()
    }

    /// Waits until a model is loaded and carries this name.
    pub fn wait_for_model(&self, name: &str) {
        self.wait(&format!("the model {name}"), || {
            self.text_of("#model-name") == name && self.text_of("#loading").is_empty()
        });
    }

    /// Opens the card on which the model is changed.
    pub fn open_model_card(&self) {
        self.wait("the model's card", || {
            let script = "
                const change = document.querySelector('#change-model');
                if (change?.getAttribute('aria-expanded') === 'false') change.click();
                const card = document.querySelector('#model-card');
                return card?.hidden === false && card.querySelector('#opener') !== null;";
            self.run(script, &[]) == json!(true)
        });
    }

    /// Picks a checkpoint's files, as the file picker would.
    pub fn pick(&self, files: &[PathBuf]) {
        self.open_model_card();
        self.upload("#pick-files", files);
    }

    /// Picks one of the project's own checkpoints and waits until it is loaded.
    pub fn open_fixture(&self, name: &str) {
        self.pick(&files_of(&fixture(name)));
        self.wait_for_model(weights_of(&fixture(name)));
    }

    /// Opens a folder as the page exports it.
    pub fn open_folder(&self, folder: &std::path::Path) {
        let files = ["config.json", "model.safetensors", "tokenizer.json"];
        self.pick(&files.map(|file| folder.join(file)));
        self.wait_for_model("model.safetensors");
    }

    /// Types over the text.
    pub fn type_text(&self, text: &str) {
        self.find("textbox", "Text").fill(text);
    }

    pub fn strip(&self) -> Strip {
        read(self.run(STRIP, &[]))
    }

    pub fn cards(&self) -> Vec<Card> {
        read(self.run(CARDS, &[]))
    }

    /// The failure that is announced; waits for one that holds this text.
    pub fn alert(&self, text: &str) -> String {
        self.wait_for(&format!("an alert that says \"{text}\""), || {
            // At once: an alert may go between the look and the reading.
            let script = "return [...document.querySelectorAll('[role=alert]')].map(alert => alert.innerText)";
            let alerts = self.run(script, &[]);
            let mut alerts = alerts.as_array()?.iter().filter_map(|alert| alert.as_str());
            alerts.find(|alert| alert.contains(text)).map(str::to_owned)
        })
    }

    /// Waits until the page shows exactly this: its tokens, its predictions in order, with the
    /// probabilities to the digits shown, and its verdict on the pair.
    pub fn wait_for_fill(&self, fill: &Fill) {
        let mut difference = String::new();
        self.wait_for(&expectation(fill), || {
            let found = self.difference(fill);
            // Told at once, since the wait only says what it waited for.
            if let Some(found) = found.as_ref().filter(|found| **found != difference) {
                eprintln!("not yet: {found}");
                difference.clone_from(found);
            }
            found.is_none().then_some(())
        });
    }

    /// How what the page shows differs from a result.
    fn difference(&self, fill: &Fill) -> Option<String> {
        let tokens = fill.tokens.iter();
        let expected: Strip = tokens.map(|t| (t.text.clone(), t.masked)).collect();
        let strip = self.strip();
        if strip != expected {
            return Some(format!("the tokens are {strip:?}"));
        }
        let cards = self.cards();
        if cards.len() != fill.masks.len() {
            return Some(format!("there are {} cards", cards.len()));
        }
        for (card, mask) in cards.iter().zip(&fill.masks) {
            let ids: Vec<String> = card.bars.iter().map(|bar| bar.id.clone()).collect();
            let expected: Vec<String> = mask.predictions.iter().map(|p| p.id.to_string()).collect();
            if card.position != mask.position || ids != expected {
                return Some(format!("position {} has {ids:?}", card.position));
            }
            for (bar, prediction) in card.bars.iter().zip(&mask.predictions) {
                let logit = bar.title.rsplit(' ').next().unwrap_or_default();
                let logit: f32 = logit.parse().unwrap_or(f32::NAN);
                let right = bar.token == prediction.token
                    && same_percent(&bar.value, prediction.probability)
                    && (logit - prediction.logit).abs() <= 2e-3;
                if !right {
                    return Some(format!("{bar:?} is not {prediction:?}"));
                }
            }
            let Some(original) = &mask.original else {
                continue;
            };
            let said = card.original.clone().unwrap_or_default();
            let rank = format!("rank {}", original.rank);
            if !said.contains(&original.token) || !said.replace('\u{202f}', "").ends_with(&rank) {
                return Some(format!("\"{said}\" is not {original:?}"));
            }
        }
        let verdict = self.text_of("#nsp .bar-value");
        match &fill.nsp {
            Some(nsp) if same_percent(&verdict, nsp.is_next) => None,
            None if verdict.is_empty() => None,
            _ => Some(format!("the verdict is \"{verdict}\"")),
        }
    }

    /// Saves a picture of a state that people should look at, and has axe-core look at it too.
    pub fn screenshot(&self, name: &str) {
        self.page.screenshot(name);
        self.assert_open_to_all(&[]);
    }

    /// Saves a picture of a state, which is looked at elsewhere.
    pub fn screenshot_alone(&self, name: &str) -> PathBuf {
        self.page.screenshot(name)
    }

    /// [`Self::screenshot`] on a desktop and on a phone, in light and in dark, of the part that `selector` finds;
    /// none of them may be wider than the window.
    pub fn pictures(&self, name: &str, selector: &str) {
        for (screen, width, height) in [("desktop", 1280, 900), ("phone", 390, 844)] {
            self.resize(width, height);
            for dark in [false, true] {
                self.prefer_dark(dark);
                let show = "document.querySelector(arguments[0]).scrollIntoView()";
                self.run(show, &[json!(selector)]);
                let colours = if dark { "dark" } else { "light" };
                self.screenshot(&format!("{name}-{screen}-{colours}"));
                let overflow = "return document.documentElement.scrollWidth > innerWidth";
                assert_eq!(
                    self.run(overflow, &[]),
                    json!(false),
                    "{name}: wider than the {screen}"
                );
            }
        }
    }

    fn assert_open_to_all(&self, rules: &[&str]) {
        let barriers = self.barriers(rules);
        assert!(barriers.is_empty(), "{}", barriers.join("\n"));
    }

    /// The end of a scenario: nothing went wrong that nobody looked at, and the page as it is now is
    /// open to all, in light and in dark.
    pub fn end(self) {
        let errors = self.console_errors();
        assert!(errors.is_empty(), "on the page's console: {errors:#?}");
        assert_eq!(self.all("alert", "").len(), 0, "an alert is left");
        self.end_as_it_is();
    }

    /// The end of a scenario that is about something that goes wrong.
    pub fn end_as_it_is(self) {
        self.assert_open_to_all(&[]);
        // Nothing but colours changes.
        for dark in [true, false] {
            if self.prefer_dark(dark) {
                self.assert_open_to_all(&["color-contrast"]);
            }
        }
    }
}

pub fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("what the script returns")
}

fn expectation(fill: &Fill) -> String {
    let masks = fill.masks.iter().map(|mask| {
        let best = mask.predictions.iter();
        let best: Vec<String> = best
            .map(|p| format!("{} {:.3}%", p.token, p.probability * 100.0))
            .collect();
        format!("position {}: {}", mask.position, best.join(", "))
    });
    let masks: Vec<String> = masks.collect();
    format!("[{}], verdict {:?}", masks.join("; "), fill.nsp)
}

/// Whether `12.3%` stands for a probability, give or take one in its last digit.
pub fn same_percent(shown: &str, probability: f32) -> bool {
    let value = f64::from(probability) * 100.0;
    if let Some(bound) = shown.strip_prefix("< ") {
        return value < number(bound).0 * 1.01;
    }
    let (shown, last_digit) = number(shown);
    (shown - value).abs() <= last_digit * 1.01
}

/// The number in `1.23%`, and the worth of its last digit.
fn number(shown: &str) -> (f64, f64) {
    let text = shown.trim_end_matches('%').trim();
    let decimals = text
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    (
        text.parse().unwrap_or(f64::NAN),
        10f64.powi(-(decimals as i32)),
    )
}

#[test]
fn percentages_are_compared_to_the_digits_shown() {
    assert!(same_percent("12.3%", 0.1234));
    assert!(same_percent("12.4%", 0.1234), "one in the last digit");
    assert!(!same_percent("12.5%", 0.1234));
    assert!(!same_percent("", 0.1234));
    assert!(same_percent("< 0.001%", 0.000_001));
    assert!(!same_percent("< 0.001%", 0.001));
}
