//! Written texts and their products, as they are shown.

use super::products::{probability, products};
use super::*;
use crate::state::inside::drawing::Shape;
use crate::state::inside::tests::{found, look, ready};
use bert::inside::{Count, Step};

/// A draft of these words, and in each order the bits of each.
fn draft(words: &[(&str, usize)], counts: &[(Order, &[(usize, f64)])]) -> Draft {
    let count = |(order, steps): &(Order, &[(usize, f64)])| Count {
        order: *order,
        product: steps
            .iter()
            .map(|(_, bits)| -bits * std::f64::consts::LN_2)
            .sum(),
        steps: (steps.iter())
            .map(|&(turn, bits)| Step {
                turn,
                logarithm: -bits * std::f64::consts::LN_2,
            })
            .collect(),
    };
    let token = |(number, &(token, place)): (usize, &(&str, usize))| WrittenToken {
        id: 9,
        token: token.to_owned(),
        place,
        probability: 0.25,
        turn: number,
    };
    Draft {
        order: counts[0].0,
        tokens: words.iter().enumerate().map(token).collect(),
        counts: counts.iter().map(count).collect(),
    }
}

#[test]
fn three_products_that_differ_are_no_probability_of_a_text() {
    let orders = [
        (Order::LeftToRight, &[(0, 2.0), (1, 3.0)][..]),
        (Order::RightToLeft, &[(1, 1.0), (0, 3.5)]),
        (Order::SurestFirst, &[(1, 1.0), (0, 3.5)]),
    ];
    let sight = products(&draft(&[("hot", 1), ("tea", 3)], &orders), 400.0).unwrap();
    assert!(
        sight
            .sentence
            .contains("5.00 bits left to right, 4.50 bits right to left"),
        "{}",
        sight.sentence
    );
    assert!(sight.sentence.contains("BERT gives no p(x)"));
    assert_eq!(
        sight.table.rows[1],
        ["tea", "2", "3.00", "1", "3.50", "1", "3.50"]
    );
    assert_eq!(
        sight.table.rows[2],
        ["All", "", "5.00", "", "4.50", "", "4.50"]
    );
    // Bars stay within their width, and the longest fills it.
    let ends = sight.drawing.shapes.iter().filter_map(|shape| match shape {
        Shape::Box { x, width, .. } => Some(x + width),
        _ => None,
    });
    let longest = ends.fold(0.0, f64::max);
    assert!((398.0..=400.0).contains(&longest), "{longest}");
    // One word has no order, and equal products are no proof.
    let one = [
        (Order::LeftToRight, &[(0, 2.0)][..]),
        (Order::RightToLeft, &[(0, 2.0)]),
    ];
    let one = products(&draft(&[("tea", 1)], &one), 400.0).unwrap();
    assert!(
        one.sentence.contains("one word has no order"),
        "{}",
        one.sentence
    );
    let same = [
        (Order::LeftToRight, orders[0].1),
        (Order::RightToLeft, orders[0].1),
    ];
    let same = products(&draft(&[("hot", 1), ("tea", 3)], &same), 400.0).unwrap();
    assert!(
        same.sentence.contains("Here they agree"),
        "{}",
        same.sentence
    );
}

#[test]
fn from_the_left_there_is_one_product_and_it_is_a_probability() {
    let left = [(Order::LeftToRight, &[(0, 2.0), (1, 3.0)][..])];
    let draft = draft(&[("red", 2), ("##der", 3)], &left);
    let sight = products(&draft, 400.0).unwrap();
    assert!(
        sight.sentence.starts_with("“redder” costs 5.0 bits"),
        "{}",
        sight.sentence
    );
    assert!(sight.sentence.contains("3.12%") && sight.sentence.ends_with("it is p(x)."));
    let written = Written {
        given: vec!["a".into(), "very".into()],
        filled: false,
        drafts: vec![draft],
    };
    let texts = texts(&written, false, 300.0);
    assert!(
        texts.sentence.contains("From the left it writes: “redder”"),
        "{}",
        texts.sentence
    );
    assert_eq!(texts.table.rows.len(), 2);
}

#[test]
fn written_words_stand_where_they_belong_and_far_ones_are_left_out() {
    let given: Vec<String> = (0..40).map(|i| format!("w{i}")).collect();
    let written = draft(&[("x", 20)], &[(Order::LeftToRight, &[(0, 1.0)][..])]);
    let shown: Vec<String> = pieces(&given, &written.tokens)
        .into_iter()
        .map(|piece| match piece {
            Piece::Given(word) => word.to_owned(),
            Piece::LeftOut => "…".to_owned(),
            Piece::Written(token) => format!("<{}>", token.token),
        })
        .collect();
    let shown = shown.join(" ");
    assert!(shown.starts_with("… w8 w9 "), "{shown}");
    assert!(shown.contains(" w19 <x> w20 "), "{shown}");
    assert!(shown.ends_with(" w31 …"), "{shown}");
    assert_eq!(probability(2000.0), "2^-2000");
}

#[test]
fn what_is_asked_goes_by_the_settings_and_the_next_draw_asks_anew() {
    let mut state = ready();
    state.inside.see(Picture::Writing);
    let (id, asked) = look(&state.look_inside());
    let Look::Write { request } = &asked else {
        panic!("{asked:?}")
    };
    assert_eq!((request.tokens, request.seed), (6, 1));
    assert!((request.temperature - 0.7).abs() < 1e-12);
    assert!(state.fills_own_blanks() && state.writes_in_orders());
    assert!(state.writing_line().contains("Hide another word"));
    let orders = [
        (Order::LeftToRight, &[(0, 2.0)][..]),
        (Order::RightToLeft, &[(0, 2.0)]),
    ];
    let written = Written {
        given: vec!["a".into(), "b".into()],
        filled: true,
        drafts: vec![draft(&[("tea", 1)], &orders)],
    };
    found(&mut state, id, Found::Written(written));
    assert_eq!(state.look_inside(), [], "it is there");
    let sight = state.writing_sight(400.0).expect("a text");
    assert!(
        sight.sentence.contains("left to right “tea”"),
        "{}",
        sight.sentence
    );
    assert!(state.products_sight(400.0).is_some());
    state.draw_again();
    let (_, again) = look(&state.look_inside());
    assert!(matches!(again, Look::Write { request } if request.seed == 2));
    state.inside.choice.writing.draw = crate::link::inside::MAX_DRAW;
    state.draw_again();
    assert_eq!(state.inside.choice.writing.draw, 0);
}
