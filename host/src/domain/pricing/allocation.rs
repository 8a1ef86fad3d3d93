//! Spreading a discount over lines, never past what a line can bear.

use tessera_money::split;

use super::campaign::Base;

/// What is left of the lines while discounts are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// Minor units of each line before any discount.
    pub initial: Vec<i64>,
    /// Minor units left of each line.
    pub left: Vec<i64>,
    /// No discount takes a line below this; other lines bear what it cannot.
    pub floors: Vec<i64>,
    /// No discount takes a line below this; what it cannot bear is dropped.
    pub caps: Vec<i64>,
}

impl Lines {
    fn capacity(&self, line: usize) -> i64 {
        (self.left[line] - self.floors[line]).max(0)
    }

    /// Takes up to `amount`, but no more than `most`, off these lines, by what is left of each or by the initial
    /// amounts as the discount was reckoned on, and answers each line's part. What a line at its floor cannot bear
    /// goes to the others; what none can bear, and what is beyond a line's cap, is dropped.
    pub fn take(
        &mut self,
        lines: &[usize],
        amount: i64,
        most: i64,
        base: Base,
    ) -> Vec<(usize, i64)> {
        let bearable = lines
            .iter()
            .fold(0_i64, |sum, line| sum.saturating_add(self.capacity(*line)));
        // What a cap drops is not part of what may be taken at most.
        let is_capped = lines.iter().any(|line| self.caps[*line] > 0);
        let asked = if is_capped { amount } else { amount.min(most) };
        let mut parts = self.spread(lines, asked.clamp(0, bearable), base);
        for (line, part) in &mut parts {
            *part = (*part).min((self.left[*line] - self.caps[*line]).max(0));
        }
        let sum = parts
            .iter()
            .fold(0_i64, |sum, (_, part)| sum.saturating_add(*part));
        if sum > most {
            let weights: Vec<i64> = parts.iter().map(|(_, part)| *part).collect();
            for ((_, part), less) in parts.iter_mut().zip(split(most.max(0), &weights)) {
                *part = less;
            }
        }
        parts.retain(|(_, part)| *part > 0);
        for (line, part) in &parts {
            self.left[*line] -= part;
        }
        parts
    }

    /// Parts of an amount the lines together can bear. Each round fills at least one line to its floor, so
    /// there are at most as many rounds as lines.
    fn spread(&self, lines: &[usize], amount: i64, base: Base) -> Vec<(usize, i64)> {
        let mut open: Vec<usize> = lines
            .iter()
            .copied()
            .filter(|line| self.capacity(*line) > 0)
            .collect();
        let mut full: Vec<(usize, i64)> = Vec::new();
        let mut rest = amount;
        while rest > 0 && !open.is_empty() {
            let worth = match base {
                Base::Initial => &self.initial,
                Base::Discounted => &self.left,
            };
            let weights: Vec<i64> = open.iter().map(|line| worth[*line]).collect();
            let parts = split(rest, &weights);
            let bearable = |(line, part): (&usize, &i64)| *part <= self.capacity(*line);
            if open.iter().zip(&parts).all(bearable) {
                full.extend(open.iter().copied().zip(parts));
                break;
            }
            let mut still = Vec::with_capacity(open.len());
            for (line, part) in open.into_iter().zip(parts) {
                let capacity = self.capacity(line);
                if part < capacity {
                    still.push(line);
                } else {
                    rest -= capacity;
                    full.push((line, capacity));
                }
            }
            open = still;
        }
        full.retain(|(_, part)| *part > 0);
        full.sort_unstable();
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(left: &[i64], floors: &[i64]) -> Lines {
        Lines {
            initial: left.to_vec(),
            left: left.to_vec(),
            floors: floors.to_vec(),
            caps: vec![0; left.len()],
        }
    }

    #[test]
    fn the_odd_cent_goes_to_the_line_whose_share_was_cut_most() {
        // 100 over 333, 333, 334: exact shares 33.3, 33.3, 33.4.
        assert_eq!(
            lines(&[333, 333, 334], &[0, 0, 0]).take(&[0, 1, 2], 100, i64::MAX, Base::Discounted),
            [(0, 33), (1, 33), (2, 34)]
        );
    }

    #[test]
    fn what_a_line_at_its_floor_cannot_bear_goes_to_the_others() {
        // 60 over 100 + 100 is 30 each; the first bears 10 only, the second takes 50.
        let mut both = lines(&[100, 100], &[90, 0]);
        assert_eq!(
            both.take(&[0, 1], 60, i64::MAX, Base::Discounted),
            [(0, 10), (1, 50)]
        );
        assert_eq!(both.left, [90, 50]);
    }

    #[test]
    fn what_is_beyond_a_cap_is_dropped_and_no_line_bears_it() {
        // 60 over 100 + 100 is 30 each; the first bears 10 of them, the second no more than its 30.
        let mut both = lines(&[100, 100], &[0, 0]);
        both.caps = vec![90, 0];
        assert_eq!(
            both.take(&[0, 1], 60, i64::MAX, Base::Discounted),
            [(0, 10), (1, 30)]
        );
        assert_eq!(both.left, [90, 70]);
    }

    #[test]
    fn what_may_be_taken_at_most_is_reckoned_after_the_caps() {
        // As above, 10 and 30; of 20 at most the first bears 5.
        let mut both = lines(&[100, 100], &[0, 0]);
        both.caps = vec![90, 0];
        let taken = both.take(&[0, 1], 60, 20, Base::Discounted);
        assert_eq!(taken, [(0, 5), (1, 15)]);
    }

    #[test]
    fn what_no_line_can_bear_is_dropped() {
        let mut both = lines(&[100, 50], &[90, 50]);
        assert_eq!(
            both.take(&[0, 1], 60, i64::MAX, Base::Discounted),
            [(0, 10)]
        );
        assert_eq!(both.take(&[0, 1], 60, i64::MAX, Base::Discounted), []);
    }

    // 10.00 of 20.00 and 30.00 are left; 5.00 reckoned on 50.00 are 2.00 and 3.00, not 1.25 and 3.75.
    #[test]
    fn a_discount_reckoned_on_the_initial_amounts_is_spread_by_them() {
        let mut both = lines(&[1_000, 3_000], &[0, 0]);
        both.initial = vec![2_000, 3_000];
        assert_eq!(
            both.take(&[0, 1], 500, i64::MAX, Base::Initial),
            [(0, 200), (1, 300)]
        );
    }

    proptest! {
        #[test]
        fn parts_sum_to_what_the_lines_can_bear_and_respect_every_floor(
            rows in proptest::collection::vec((0..10_000_i64, 0..10_000_i64), 1..40),
            amount in 0..400_000_i64,
            by_initial: bool,
        ) {
            let (left, floors): (Vec<i64>, Vec<i64>) = rows.into_iter().unzip();
            let mut state = lines(&left, &floors);
            let all: Vec<usize> = (0..left.len()).collect();
            let most: i64 = all.iter().map(|line| state.capacity(*line)).sum();
            let base = if by_initial { Base::Initial } else { Base::Discounted };
            state.initial = left.iter().rev().copied().zip(&left).map(|(more, left)| left + more).collect();
            let parts = state.take(&all, amount, i64::MAX, base);
            prop_assert_eq!(parts.iter().map(|part| part.1).sum::<i64>(), amount.min(most));
            for line in all {
                prop_assert!(state.left[line] >= floors[line].min(left[line]));
            }
        }
    }
}
