//! A small generator whose numbers never change between versions or platforms.

/// SplitMix64 (Steele, Lea and Flood 2014): 64 bits of state, far more than shuffling needs.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// One stream of a seed; another stream (an epoch, a purpose) gives unrelated numbers.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed);
        let mixed = random.next_u64();
        random = Self(mixed ^ stream);
        random.next_u64();
        random
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, each equally likely; 0 if `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        if bound == 0 {
            return 0;
        }
        // The numbers past the last whole multiple of `bound` would favour the small results.
        let excess = (u64::MAX % bound + 1) % bound;
        loop {
            let drawn = self.next_u64();
            if drawn <= u64::MAX - excess {
                return (drawn % bound) as usize;
            }
        }
    }

    /// A number in [0, 1), with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A normally distributed number: mean 0, deviation 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Brings a slice into random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for i in (1..slice.len()).rev() {
            slice.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let mut random = Random::new(1, 2);
        let numbers: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        // Five standard errors each.
        assert!(mean.abs() < 5.0 / 20_000f64.sqrt(), "{mean}");
        assert!(
            (variance - 1.0).abs() < 5.0 * (2.0 / 20_000f64).sqrt(),
            "{variance}"
        );
    }

    /// The first outputs of the reference implementation for seed 1234567.
    #[test]
    fn the_numbers_are_the_published_ones() {
        let mut random = Random(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn bounded_numbers_are_even_and_streams_differ() {
        let mut counts = [0; 7];
        let mut random = Random::new(5, 0);
        for _ in 0..70_000 {
            counts[random.below(7)] += 1;
        }
        // Six standard deviations of a binomial with n = 70,000, p = 1/7 are 556.
        assert!(
            counts.iter().all(|&c| (9_444..=10_556).contains(&c)),
            "{counts:?}"
        );
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
        let order = |seed, stream| {
            let mut order: Vec<usize> = (0..20).collect();
            Random::new(seed, stream).shuffle(&mut order);
            order
        };
        assert_eq!(order(5, 1), order(5, 1));
        assert_ne!(order(5, 1), order(5, 2));
        assert_ne!(order(5, 1), order(6, 1));
        let mut sorted = order(5, 1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }
}
