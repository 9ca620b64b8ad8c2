//! One text's product of probabilities in each order.

use super::{BLOCK, bits, lower, order_name, words};
use crate::state::format::percent;
use crate::state::inside::drawing::{Anchor, Drawing, Ink, fit};
use crate::state::inside::sight::{Sight, Table};
use bert::inside::{Count, Draft, Order, Step};

const PRODUCTS_CAVEAT: &str = "How it misleads: a probability of a text would be one number. That these are three does not \
                               say which of them is wrong: none is more right than another.";
const ONE_PRODUCT_CAVEAT: &str = "How it misleads: it is the probability of these tokens in this vocabulary. Another vocabulary \
                                  cuts other tokens, so such figures cannot be compared between vocabularies.";
const BAR: f64 = 30.0;

/// A product of this many bits, as a probability.
pub(super) fn probability(bits: f64) -> String {
    let probability = (-bits).exp2();
    match probability {
        p if p >= 1e-3 => percent(p as f32),
        p if p > 0.0 => format!("{p:.1e}"),
        _ => format!("2^-{bits:.0}"),
    }
}

pub(super) fn products(draft: &Draft, width: f64) -> Option<Sight> {
    let said = words(draft);
    let totals: Vec<(Order, f64)> = (draft.counts.iter())
        .map(|count| (count.order, bits(count.product)))
        .collect();
    let (_, first) = *totals.first()?;
    let apart = totals
        .iter()
        .fold((first, first), |(low, high), (_, bits)| {
            (low.min(*bits), high.max(*bits))
        });
    let sentence = match totals.len() {
        1 => format!(
            "“{said}” costs {first:.1} bits: after what stands before, its probability is {}. From the left each word is given once \
             all before it are, so this is the only product there is, and it is p(x).",
            probability(first)
        ),
        _ if draft.tokens.len() < 2 => format!(
            "“{said}” costs {first:.1} bits in every order: one word has no order. Have more words written."
        ),
        _ => {
            let each: Vec<String> = totals
                .iter()
                .map(|(order, bits)| format!("{bits:.2} bits {}", lower(*order)))
                .collect();
            let verdict = match apart.1 - apart.0 < 0.005 {
                true => "Here they agree, but nothing makes them: draw again.",
                false => {
                    "A text has one probability, and these differ, so none of them is it: BERT gives no p(x)."
                }
            };
            format!(
                "The same words “{said}”, one probability times the next: {}. {verdict}",
                each.join(", ")
            )
        }
    };
    Some(Sight {
        sentence,
        drawing: products_drawing(draft, apart.1, width),
        table: products_table(draft),
        caveat: match totals.len() {
            1 => ONE_PRODUCT_CAVEAT,
            _ => PRODUCTS_CAVEAT,
        },
    })
}

fn products_table(draft: &Draft) -> Table {
    let mut table = Table::new(&["Token"]);
    for count in &draft.counts {
        let name = order_name(count.order);
        table.columns.push(format!("Turn, {}", name.to_lowercase()));
        table.columns.push(format!("Bits, {}", name.to_lowercase()));
    }
    for (place, token) in draft.tokens.iter().enumerate() {
        let mut cells = vec![token.token.clone()];
        for count in &draft.counts {
            let step = count.steps.get(place);
            cells.push(step.map_or(String::new(), |step| (step.turn + 1).to_string()));
            cells.push(step.map_or(String::new(), |step| format!("{:.2}", bits(step.logarithm))));
        }
        table.rows.push(cells);
    }
    let mut last = vec!["All".to_owned()];
    for count in &draft.counts {
        last.push(String::new());
        last.push(format!("{:.2}", bits(count.product)));
    }
    table.rows.push(last);
    table
}

/// A bar for each order: the words' bits one behind the other, in the order in which they were filled.
fn products_drawing(draft: &Draft, most: f64, width: f64) -> Drawing {
    let each = BLOCK + BAR + 12.0;
    let mut drawing = Drawing::new(width, each * draft.counts.len() as f64);
    let scale = width / most.max(1.0);
    for (number, count) in draft.counts.iter().enumerate() {
        let top = number as f64 * each;
        let name = order_name(count.order);
        drawing.text(
            [0.0, top + 16.0],
            name,
            Ink::Soft,
            Anchor::Start,
            13.0,
            true,
        );
        let total = format!("{:.2} bits", bits(count.product));
        drawing.text(
            [width, top + 16.0],
            &total,
            Ink::Plain,
            Anchor::End,
            13.0,
            true,
        );
        let mut x = 0.0;
        for (place, step) in by_turn(count) {
            let wide = bits(step.logarithm) * scale;
            let ink = match step.turn % 2 {
                0 => Ink::Accent,
                _ => Ink::Second,
            };
            drawing.fill([x, top + BLOCK], [(wide - 1.5).max(1.0), BAR], ink, 0.3);
            let word = draft
                .tokens
                .get(place)
                .map_or("", |token| token.token.as_str());
            let shown = fit(word, wide - 6.0, 12.0);
            if wide > 14.0 && (shown == word || shown.chars().count() > 3) {
                let at = [x + wide / 2.0, top + BLOCK + 20.0];
                drawing.text(at, &shown, Ink::Plain, Anchor::Middle, 12.0, false);
            }
            x += wide;
        }
    }
    drawing
}

/// The places in the order in which they are filled.
fn by_turn(count: &Count) -> Vec<(usize, Step)> {
    let mut steps: Vec<_> = count.steps.iter().copied().enumerate().collect();
    steps.sort_by_key(|(_, step)| step.turn);
    steps
}
