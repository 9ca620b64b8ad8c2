//! Balanced subsets, each of which holds all smaller ones of its seed.

use crate::data::Random;

/// The stream of the seed that subsets draw from.
const STREAM: u64 = 0xc0de;

/// An order of all texts, by their classes, whose every beginning is as balanced as the texts allow: the first n are a
/// seed's subset of n, so a larger one holds every smaller one. Classes take turns, each with its texts in random order; one
/// that has no more is passed over.
pub fn nested_order(classes: &[usize], outputs: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed, STREAM);
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); outputs];
    for (place, &class) in classes.iter().enumerate() {
        if let Some(of_class) = of_class.get_mut(class) {
            of_class.push(place);
        }
    }
    of_class.iter_mut().for_each(|of| random.shuffle(of));
    let mut order = Vec::with_capacity(classes.len());
    let mut turns: Vec<usize> = (0..outputs).collect();
    while of_class.iter().any(|of| !of.is_empty()) {
        // In another order each time: a beginning that ends within a round favours no class.
        random.shuffle(&mut turns);
        order.extend(turns.iter().filter_map(|&class| of_class[class].pop()));
    }
    order
}

/// Sizes for a curve over so many texts: 8, 16 and so on, from the first that has a text of each class, and all.
pub fn usual_sizes(texts: usize, classes: usize) -> Vec<usize> {
    let least = classes.max(8).next_power_of_two();
    let doubles = std::iter::successors(Some(least), |n| Some(2 * n));
    let mut sizes: Vec<usize> = doubles.take_while(|&n| n < texts).collect();
    sizes.push(texts);
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<usize> {
        // 40 of class 0, 12 of class 1, 8 of class 2, mixed.
        let class = |i: usize| match i % 15 {
            0 | 5 | 10 => 1,
            3 | 8 => 2,
            _ => 0,
        };
        (0..60).map(class).collect()
    }

    #[test]
    fn every_beginning_is_balanced_and_all_are_there() {
        let classes = classes();
        let order = nested_order(&classes, 3, 7);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..60).collect::<Vec<_>>());
        for n in 1..=24 {
            let mut counts = [0; 3];
            order[..n].iter().for_each(|&i| counts[classes[i]] += 1);
            let (most, least) = (counts.iter().max(), counts.iter().min());
            assert!(most <= least.map(|n| n + 1).as_ref(), "{n}: {counts:?}");
        }
        // Then what there is: the small classes are used up.
        assert!(order[32..].iter().all(|&i| classes[i] != 2));
        assert!(order[50..].iter().all(|&i| classes[i] == 0));
    }

    #[test]
    fn seeds_draw_others_and_repeat() {
        let classes = classes();
        assert_eq!(nested_order(&classes, 3, 1), nested_order(&classes, 3, 1));
        assert_ne!(
            nested_order(&classes, 3, 1)[..9],
            nested_order(&classes, 3, 2)[..9]
        );
        // A class beyond those that there are is left out, and a class without texts waits for none.
        assert_eq!(nested_order(&[0, 9, 0], 5, 1).len(), 2);
    }

    #[test]
    fn sizes_double_up_to_all() {
        assert_eq!(usual_sizes(100, 2), [8, 16, 32, 64, 100]);
        assert_eq!(usual_sizes(64, 2), [8, 16, 32, 64]);
        assert_eq!(usual_sizes(1000, 150), [256, 512, 1000]);
        assert_eq!(usual_sizes(5, 2), [5]);
    }
}
