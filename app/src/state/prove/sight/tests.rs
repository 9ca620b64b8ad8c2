//! What the curve's picture says and where it draws.

use super::*;
use crate::link::prove::Drawn;
use crate::state::inside::drawing::Shape;
use crate::state::prove::carried::curve;

fn curve_of(text: &str) -> Curve {
    curve(&Drawn::read(text).expect("a curve"))
}

fn said(text: &str) -> String {
    let mut state = State::default();
    state.prove.curve = Some(curve_of(text));
    state.curve_sentence().expect("a sentence")
}

#[test]
fn the_sentence_is_what_the_points_say() {
    let found = said(
        "0123456789abcdef,200,100,200,2:8,16,256:head,140,140,170,174,190,190:scratch,100,100,90,110,168,172",
    );
    assert!(
        found.starts_with(
            "Here 16 examples with the pretrained encoder, frozen, do what 256 do from scratch: \
             86.0% against 85.0% of 200 test texts right."
        ),
        "{found}"
    );
    let alone = said("0123456789abcdef,200,100,200,1:8,16:head,140,180");
    assert_eq!(
        alone,
        "With 8 examples the frozen encoder with a head on top gets 70.0% of 200 test texts right, with 16 it \
         gets 90.0%; always giving the most frequent label gets 50.0%."
    );
    let nothing = said("0123456789abcdef,200,100,200,1:8,16:head,140,180:scratch,100,100");
    assert!(
        nothing.ends_with("From scratch nothing was learned, even from 16 examples: 50.0%."),
        "{nothing}"
    );
    // A line from scratch that needs no more is not said to need more.
    let equal = said("0123456789abcdef,200,100,200,1:8,16:head,140,180:scratch,190,199");
    assert!(!equal.contains("do what"), "{equal}");
}

#[test]
fn everything_is_drawn_within_the_picture() {
    let curve = curve_of(
        "0123456789abcdef,200,20,200,2:8,16,32,64,128,256,512,1024,2048,5000:head,140,150,,,170,174,190,190,,,,,,,,,,,,:all,0,200,,,,,,,,,,,,,,,,,,",
    );
    let lines = lines_of(&curve);
    for width in [260.0, 860.0] {
        let drawing = drawing(&curve, &lines, width);
        let inside =
            |x: f64, y: f64| (-0.1..=width + 0.1).contains(&x) && (0.0..=HEIGHT).contains(&y);
        for shape in &drawing.shapes {
            match shape {
                Shape::Dot { x, y, .. } => assert!(inside(*x, *y), "{shape:?}"),
                Shape::Word { x, y, .. } => assert!(inside(*x, *y), "{shape:?}"),
                Shape::Path { d, .. } | Shape::Area { d, .. } => {
                    let split = d.split(['M', 'L', 'Z', ' ']);
                    let numbers: Vec<f64> = split.filter_map(|n| n.parse().ok()).collect();
                    assert!(
                        !numbers.is_empty() && numbers.len().is_multiple_of(2),
                        "{shape:?}"
                    );
                    let all = numbers.chunks(2).all(|at| inside(at[0], at[1]));
                    assert!(all, "{shape:?} in {width}");
                }
                Shape::Box { .. } => {}
            }
        }
    }
    let table = table(&curve, &lines);
    assert_eq!(table.columns.len(), 5);
    assert_eq!(table.rows.len(), 3 + 1 + 1);
    assert_eq!(table.rows[0][1..], ["8", "72.50%", "70.00%", "75.00%"]);
    assert!(table.rows.iter().all(|row| row.len() == 5));
}

#[test]
fn the_guide_halves_the_errors_with_four_times_the_examples() {
    let frame = Frame {
        width: 400.0,
        top: 0.0,
        sizes: (8.0, 32.0),
        floor: 0.0,
    };
    let start = LinePoint {
        size: 8,
        seeds: 1,
        mean: 0.6,
        deviation: 0.0,
        least: 0.6,
        most: 0.6,
    };
    let guide = guide(&frame, &start);
    let [x, y] = guide[STEPS];
    assert!((x - frame.x(32.0)).abs() < 1e-9 && (y - frame.y(0.8)).abs() < 1e-9);
    // A broken line covers about its share of the way.
    let broken = dashes(&[[0.0, 0.0], [70.0, 0.0]], 4.0, 3.0);
    assert_eq!(broken.matches('M').count(), 10);
}
