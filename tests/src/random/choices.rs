//! A recorded list of choices, to be replayed and shortened.
//!
//! Invariant: zero is always the simplest choice, and a list that has ended goes on with zeroes.
//! So every list gives a query, and a shorter or smaller list gives a simpler one.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How many times [`shrink`] asks whether a shorter list still fails.
const ATTEMPTS_MAX: usize = 300;

/// Where a generator's choices come from.
#[derive(Debug)]
pub struct Choices {
    random: Option<StdRng>,
    list: Vec<u32>,
    position: usize,
}

impl Choices {
    /// Random choices that depend on `seed` alone.
    pub fn from_seed(seed: u64) -> Self {
        Self {
            random: Some(StdRng::seed_from_u64(seed)),
            list: Vec::new(),
            position: 0,
        }
    }

    /// The choices of a list, then zeroes.
    pub fn from_list(list: Vec<u32>) -> Self {
        Self {
            random: None,
            list,
            position: 0,
        }
    }

    /// What was chosen so far.
    pub fn into_list(self) -> Vec<u32> {
        self.list
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        let choice = match &mut self.random {
            Some(random) => {
                let choice = random.random_range(0..end);
                self.list.push(choice);
                choice
            }
            None => self
                .list
                .get(self.position)
                .map_or(0, |choice| choice % end),
        };
        self.position += 1;
        choice
    }

    /// True in `percent` of all cases; no is the simpler answer.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) >= 100 - percent
    }

    /// One of `options`; the first is the simplest.
    pub fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        let count = u32::try_from(options.len()).expect("options are few");
        options[self.below(count) as usize]
    }
}

/// Finds a shorter list that still `fails`.
pub fn shrink(list: Vec<u32>, mut fails: impl FnMut(&[u32]) -> bool) -> Vec<u32> {
    let mut best = list;
    let mut attempts = 0;
    let mut length = (best.len() / 2).max(1);
    loop {
        let mut start = 0;
        let mut improved = false;
        while start < best.len() {
            let end = (start + length).min(best.len());
            let removed: Vec<u32> = [&best[..start], &best[end..]].concat();
            let mut zeroed = best.clone();
            zeroed[start..end].fill(0);
            let candidates = [removed, zeroed];
            let better = candidates.into_iter().find(|candidate| {
                attempts += 1;
                *candidate != best && attempts <= ATTEMPTS_MAX && fails(candidate)
            });
            match better {
                Some(candidate) => {
                    improved = true;
                    // Zeroes at the end mean nothing.
                    let meaning = candidate.iter().rposition(|choice| *choice != 0);
                    best = candidate[..meaning.map_or(0, |last| last + 1)].to_vec();
                }
                None => start += length,
            }
            if attempts > ATTEMPTS_MAX {
                return best;
            }
        }
        if length > 1 {
            length /= 2;
        } else if !improved {
            return best;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_choices() {
        let mut left = Choices::from_seed(7);
        let mut right = Choices::from_seed(7);
        let chosen: Vec<u32> = (0..20).map(|_| left.below(1000)).collect();
        assert_eq!(
            chosen,
            (0..20).map(|_| right.below(1000)).collect::<Vec<_>>()
        );
        let mut replayed = Choices::from_list(left.into_list());
        assert_eq!(
            chosen,
            (0..20).map(|_| replayed.below(1000)).collect::<Vec<_>>()
        );
        assert_eq!(replayed.below(9), 0);
    }

    #[test]
    fn shrinking_keeps_what_makes_it_fail() {
        let list: Vec<u32> = (0..50).collect();
        let shrunk = shrink(list, |list| list.contains(&33) && list.contains(&7));
        assert_eq!(shrunk, [7, 33]);
    }
}
