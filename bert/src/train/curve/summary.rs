//! A curve's lines, and what they say.

use serde::{Deserialize, Serialize};

use super::super::Method;
use super::setup::Curve;

/// Several seeds' accuracy for one method and size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinePoint {
    /// Examples to learn from.
    pub size: usize,
    /// Seeds that are known.
    pub seeds: usize,
    /// Their mean accuracy.
    pub mean: f64,
    /// The standard deviation over the seeds (of a sample: n - 1); 0 of one.
    pub deviation: f64,
    /// The lowest.
    pub least: f64,
    /// The highest.
    pub most: f64,
}

/// That few examples do with the pretrained encoder what many do without it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The method that needs few.
    pub method: Method,
    /// So many.
    pub few: usize,
    /// Its mean accuracy with them.
    pub accuracy: f64,
    /// Examples from scratch that reach no more.
    pub many: usize,
    /// The mean accuracy with those.
    pub scratch: f64,
}

impl Curve {
    /// The line of a method, by sizes, as far as it is known.
    pub fn line(&self, method: Method) -> Vec<LinePoint> {
        let of_size = |&size: &usize| {
            let known = self.points.iter().filter(|point| {
                !point.diverged && point.place.method == method && point.place.size == size
            });
            let found: Vec<f64> = known.map(|point| point.accuracy).collect();
            if found.is_empty() {
                return None;
            }
            let count = found.len() as f64;
            let mean = found.iter().sum::<f64>() / count;
            let squares: f64 = found.iter().map(|x| (x - mean).powi(2)).sum();
            Some(LinePoint {
                size,
                seeds: found.len(),
                mean,
                deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
                least: found.iter().copied().fold(f64::INFINITY, f64::min),
                most: found.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            })
        };
        self.setup.sizes.iter().filter_map(of_size).collect()
    }

    /// What the curve shows, where it does: the fewest examples with which a method that has the pretrained encoder is as good as
    /// the most examples from scratch that are known. `None` without both lines, where scratch learned nothing (it is not above
    /// always answering the same), or where the pretrained encoder needs as many.
    pub fn finding(&self) -> Option<Finding> {
        let scratch = self.line(Method::Scratch);
        let last = scratch.last().filter(|last| last.mean > self.majority)?;
        let lines = self.setup.lines.iter().map(|line| line.method);
        let others = lines.filter(|&method| method != Method::Scratch);
        let first = |method: Method| {
            let line = self.line(method).into_iter();
            let mut enough = line.filter(|point| point.mean >= last.mean && point.size < last.size);
            enough.next().map(|point| Finding {
                method,
                few: point.size,
                accuracy: point.mean,
                many: last.size,
                scratch: last.mean,
            })
        };
        others.filter_map(first).min_by_key(|finding| finding.few)
    }

    /// All points, a row each, for spreadsheets and plots.
    pub fn tsv(&self) -> String {
        let mut rows = "method\tsize\tseed\taccuracy\tmacro_f1\ttrain_loss\tsteps\n".to_owned();
        for point in self.points.iter().filter(|point| !point.diverged) {
            let place = point.place;
            rows += &format!(
                "{}\t{}\t{}\t{:.6}\t{:.6}\t{:.6}\t{}\n",
                method_name(place.method),
                place.size,
                place.seed,
                point.accuracy,
                point.macro_f1,
                point.train_loss,
                point.steps
            );
        }
        rows
    }
}

/// A method's short name: `head`, `last:2`, `all`, `scratch`.
pub fn method_name(method: Method) -> String {
    match method {
        Method::Head => "head".to_owned(),
        Method::LastLayers(n) => format!("last:{n}"),
        Method::All => "all".to_owned(),
        Method::Scratch => "scratch".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::setup::{CurvePoint, CurveSetup, Place};
    use super::*;
    use crate::train::Recipe;

    fn curve(points: &[(Method, usize, u64, f64)]) -> Curve {
        let line = |method| Recipe::new(method);
        let point = |&(method, size, seed, accuracy)| CurvePoint {
            place: Place { method, size, seed },
            accuracy,
            macro_f1: accuracy,
            train_loss: 0.5,
            steps: 10,
            diverged: false,
        };
        Curve {
            setup: CurveSetup {
                sizes: vec![8, 16, 32],
                seeds: vec![1, 2],
                steps: 10,
                lines: [Method::Head, Method::Scratch].map(line).to_vec(),
            },
            source: String::new(),
            tested: 100,
            majority: 0.5,
            points: points.iter().map(point).collect(),
        }
    }

    #[test]
    fn lines_have_mean_and_deviation_of_their_seeds() {
        let mut curve = curve(&[
            (Method::Head, 16, 1, 0.75),
            (Method::Head, 8, 1, 0.6),
            (Method::Head, 8, 2, 0.8),
        ]);
        let line = curve.line(Method::Head);
        assert_eq!(line.iter().map(|p| p.size).collect::<Vec<_>>(), [8, 16]);
        assert!((line[0].mean - 0.7).abs() < 1e-12 && line[0].seeds == 2);
        assert!((line[0].deviation - 0.02f64.sqrt()).abs() < 1e-12);
        assert_eq!((line[0].least, line[0].most), (0.6, 0.8));
        assert_eq!((line[1].deviation, line[1].seeds), (0.0, 1));
        assert!(curve.line(Method::All).is_empty());
        curve.points[0].diverged = true;
        assert_eq!(curve.line(Method::Head).len(), 1);
        assert_eq!(curve.tsv().lines().count(), 3);
    }

    #[test]
    fn a_point_that_diverged_survives_json() {
        let mut curve = curve(&[(Method::Head, 8, 1, 0.6), (Method::Head, 16, 1, 0.7)]);
        (curve.points[1].diverged, curve.points[1].train_loss) = (true, f64::NAN);
        let text = serde_json::to_string(&curve).expect("JSON");
        let read: Curve = serde_json::from_str(&text).expect("what was written");
        assert_eq!(read.points[0], curve.points[0]);
        assert!(read.points[1].diverged && read.points[1].train_loss.is_nan());
    }

    #[test]
    fn it_says_what_it_found_and_nothing_more() {
        let known = [
            (Method::Head, 8, 1, 0.6),
            (Method::Head, 16, 1, 0.8),
            (Method::Scratch, 32, 1, 0.7),
            (Method::Scratch, 8, 1, 0.4),
        ];
        let found = curve(&known).finding().expect("a finding");
        assert_eq!(
            (found.method, found.few, found.many),
            (Method::Head, 16, 32)
        );
        // Without scratch, where it learned nothing, or where the encoder needs as many, there is none.
        assert_eq!(curve(&known[..2]).finding(), None);
        let [.., low] = known.map(|(method, size, seed, _)| (method, size, seed, 0.5));
        assert_eq!(curve(&[known[1], low]).finding(), None);
        let same = [(Method::Head, 32, 1, 0.9), (Method::Scratch, 32, 1, 0.7)];
        assert_eq!(curve(&same).finding(), None);
    }

    #[test]
    fn points_come_heads_first_and_then_seed_by_seed() {
        let mut curve = curve(&[(Method::Head, 8, 1, 0.6)]);
        let missing = curve.missing();
        assert_eq!(missing.len(), 2 * 3 * 2 - 1);
        assert!(missing[..5].iter().all(|p| p.method == Method::Head));
        let seeds: Vec<u64> = missing[5..].iter().map(|p| p.seed).collect();
        assert_eq!(seeds, [1, 1, 1, 2, 2, 2]);
        // What is known is taken over, unless it is of something else.
        let mut fresh = Curve {
            points: Vec::new(),
            ..curve.clone()
        };
        fresh.go_on_from(&curve).expect("the same");
        assert_eq!(fresh.points, curve.points);
        fresh.setup.sizes = vec![16];
        fresh.go_on_from(&curve).expect("other sizes");
        assert!(fresh.points.is_empty());
        curve.source = "other".to_owned();
        assert!(fresh.go_on_from(&curve).is_err());
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        let setup = curve(&[]).setup;
        assert_eq!(setup.problems(32, 2), Vec::<String>::new());
        let wrong = |change: fn(&mut CurveSetup)| {
            let mut setup = setup.clone();
            change(&mut setup);
            setup.problems(32, 2).join("; ")
        };
        assert!(wrong(|s| s.sizes = vec![1, 8]).contains("size 1: there are 32 texts"));
        assert!(wrong(|s| s.sizes = vec![64]).contains("take 2 to 32"));
        assert!(wrong(|s| s.sizes = vec![16, 8]).contains("each above"));
        assert!(wrong(|s| s.sizes.clear()).contains("sizes []"));
        assert!(wrong(|s| s.seeds = vec![3, 3]).contains("no two alike"));
        assert!(wrong(|s| s.steps = 0).contains("steps 0"));
        assert!(wrong(|s| s.lines.clear()).contains("at least one method"));
        assert!(wrong(|s| s.lines[0].max_tokens = 7).contains("the same for all"));
        assert!(wrong(|s| s.seeds = (0..900).collect()).contains("5400 points"));
    }
}
