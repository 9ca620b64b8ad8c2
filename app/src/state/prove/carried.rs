//! A curve as a link carries it, and back.

use super::method;
use crate::link::prove::{Drawn, Line, MAX_SEEDS, MAX_SIZES};
use bert::train::Recipe;
use bert::train::curve::{Curve, CurvePoint, CurveSetup, Place};

/// Numbers as the form has them.
pub fn numbers(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    numbers.join(", ")
}

/// How many of so many texts a share is.
fn right(share: f64, tested: usize) -> usize {
    (share * tested as f64).round() as usize
}

/// What a link carries of a curve; `None` while no point is known.
pub fn drawn(curve: &Curve) -> Option<Drawn> {
    let (setup, tested) = (&curve.setup, curve.tested);
    let fits = setup.sizes.len() <= MAX_SIZES && setup.seeds.len() <= MAX_SEEDS;
    if !fits || curve.points.iter().all(|point| point.diverged) {
        return None;
    }
    let found = |place: Place| {
        let mut points = curve.points.iter();
        let point = points.find(|point| point.place == place && !point.diverged);
        point.map(|point| right(point.accuracy, tested))
    };
    let points = |line: Line| -> Vec<Option<usize>> {
        let method = method(line);
        let seeds = |&size| (setup.seeds.iter()).map(move |&seed| Place { method, size, seed });
        setup.sizes.iter().flat_map(seeds).map(found).collect()
    };
    let has = |line: &Line| setup.lines.iter().any(|own| own.method == method(*line));
    let lines = Line::ALL.into_iter().filter(has);
    Some(Drawn {
        source: curve.source.clone(),
        tested,
        majority: right(curve.majority, tested),
        steps: setup.steps,
        seeds: setup.seeds.len(),
        sizes: setup.sizes.clone(),
        lines: lines.map(|line| (line, points(line))).collect(),
    })
}

/// Whether a curve that was kept is one that is drawn here: what a link would refuse of it is refused, and
/// what no link carries is within its bounds too.
pub fn is_sound(curve: &Curve) -> bool {
    let setup = &curve.setup;
    let lines = |line: Line| {
        let own = setup.lines.iter();
        own.filter(|own| own.method == method(line)).count()
    };
    let count = setup.sizes.len() * setup.seeds.len() * setup.lines.len();
    let mut seeds = setup.seeds.clone();
    seeds.sort_unstable();
    seeds.dedup();
    // What diverged has figures that are no numbers.
    let is_share = |share: f64| (0.0..=1.0).contains(&share);
    let points = |point: &CurvePoint| point.diverged || is_share(point.accuracy);
    drawn(curve).is_some_and(|drawn| drawn.is_sound())
        && Line::ALL.into_iter().map(lines).sum::<usize>() == setup.lines.len()
        && Line::ALL.into_iter().all(|line| lines(line) < 2)
        && seeds.len() == setup.seeds.len()
        && curve.points.len() <= count
        && is_share(curve.majority)
        && curve.points.iter().all(points)
}

/// The curve of a link, to be drawn. What a link leaves out of its points is no number there, so that nobody can
/// take it for one.
pub fn curve(drawn: &Drawn) -> Curve {
    let share = |right: usize| right as f64 / drawn.tested.max(1) as f64;
    let seeds: Vec<u64> = (1..=drawn.seeds as u64).collect();
    let mut points = Vec::new();
    for (&line, rights) in &drawn.lines {
        let method = method(line);
        let places = drawn.sizes.iter().flat_map(|&size| {
            let seeds = seeds.iter();
            seeds.map(move |&seed| Place { method, size, seed })
        });
        let known = places.zip(rights);
        points.extend(known.filter_map(|(place, right)| {
            Some(CurvePoint {
                place,
                accuracy: share((*right)?),
                macro_f1: f64::NAN,
                train_loss: f64::NAN,
                steps: drawn.steps,
                diverged: false,
            })
        }));
    }
    let lines = drawn.lines.keys().map(|line| Recipe::new(method(*line)));
    Curve {
        setup: CurveSetup {
            sizes: drawn.sizes.clone(),
            seeds,
            steps: drawn.steps,
            lines: lines.collect(),
        },
        source: drawn.source.clone(),
        tested: drawn.tested,
        majority: share(drawn.majority),
        points,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bert::train::Method;

    #[test]
    fn a_curve_from_a_link_is_drawn_as_the_one_that_made_it() {
        let text = "0123456789abcdef,250,125,200,2:8,16:head,190,201,,204:scratch,,,130,";
        let linked = Drawn::read(text).expect("a curve");
        let curve = curve(&linked);
        assert_eq!(drawn(&curve), Some(linked));
        let line = curve.line(method(Line::Frozen));
        assert_eq!((line.len(), line[0].seeds, line[1].seeds), (2, 2, 1));
        assert!((line[0].mean - 195.5 / 250.0).abs() < 1e-12);
        assert_eq!(curve.missing().len(), 4);
        assert!(is_sound(&curve));
        let broken = |change: fn(&mut Curve)| {
            let mut broken = curve.clone();
            change(&mut broken);
            !is_sound(&broken)
        };
        assert!(broken(|c| c.setup.sizes = vec![0, 16]));
        assert!(broken(|c| c.setup.sizes = vec![16, 8]));
        assert!(broken(|c| c.setup.sizes[1] = usize::MAX));
        assert!(broken(|c| c.setup.steps = usize::MAX));
        assert!(broken(|c| c.setup.seeds = vec![1, 1]));
        assert!(broken(|c| c.setup.lines.push(c.setup.lines[0])));
        assert!(broken(|c| c.setup.lines[0].method = Method::LastLayers(2)));
        assert!(broken(|c| c.tested = usize::MAX));
        assert!(broken(|c| c.majority = -1.0));
        assert!(broken(|c| c.points[0].accuracy = 1e300));
        assert!(broken(|c| c.points = vec![c.points[0].clone(); 100]));
        assert!(broken(|c| c.source.clear()));
        let unknown = Curve {
            points: Vec::new(),
            ..curve
        };
        assert_eq!(drawn(&unknown), None);
    }
}
