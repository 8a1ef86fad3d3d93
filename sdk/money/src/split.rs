//! Splitting an amount without losing a unit.

/// Parts of `total` in proportion to `weights`, by largest remainder: each part is cut toward zero
/// and the units left over go, one each, to the parts cut most, the earlier first among equals.
///
/// The parts always sum to `total`. A weight of zero or less gets nothing, unless no weight is
/// positive: then all count the same. Without weights there are no parts.
pub fn split(total: i64, weights: &[i64]) -> Vec<i64> {
    let even = weights.iter().all(|weight| *weight <= 0);
    let weight = |position: usize| {
        if even {
            1
        } else {
            i128::from(weights[position].max(0))
        }
    };
    let whole: i128 = (0..weights.len()).map(weight).sum();
    if whole == 0 {
        return Vec::new();
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut cut = Vec::with_capacity(weights.len());
    let mut left = i128::from(total);
    for position in 0..weights.len() {
        let exact = i128::from(total) * weight(position);
        let part = exact / whole;
        left -= part;
        // A share of a 64-bit total is itself within 64 bits.
        parts.push(part as i64);
        cut.push(((exact % whole).unsigned_abs(), position));
    }
    cut.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    // Fewer units are left than parts were cut, so those that were not cut get none.
    let step = if total < 0 { -1 } else { 1 };
    for (_, position) in cut
        .into_iter()
        .take(usize::try_from(left.unsigned_abs()).unwrap_or(0))
    {
        parts[position] += step;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_unit_left_over_goes_to_the_part_cut_most_and_the_earlier_of_equals() {
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(10, &[3, 3, 4]), [3, 3, 4]);
        assert_eq!(split(1, &[1, 2]), [0, 1]);
        assert_eq!(split(-100, &[1, 1, 1]), [-34, -33, -33]);
    }

    #[test]
    fn weights_of_zero_get_nothing_unless_all_are_zero() {
        assert_eq!(split(5, &[0, 2, 0, 3]), [0, 2, 0, 3]);
        assert_eq!(split(5, &[0, 0]), [3, 2]);
        assert_eq!(split(5, &[-4, 1]), [0, 5]);
        assert_eq!(split(5, &[]), Vec::<i64>::new());
        assert_eq!(split(i64::MIN, &[i64::MAX, 0]), [i64::MIN, 0]);
    }

    proptest! {
        #[test]
        fn parts_sum_and_lie_within_one_of_their_share(
            total in any::<i64>(),
            weights in proptest::collection::vec(prop_oneof![0..1000_i64, any::<i64>()], 1..40),
        ) {
            let parts = split(total, &weights);
            prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(total));
            let whole: i128 = weights.iter().map(|weight| i128::from((*weight).max(0))).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                if whole > 0 {
                    let weight = i128::from((*weight).max(0));
                    let error = (i128::from(*part) * whole - i128::from(total) * weight).unsigned_abs();
                    prop_assert!(error < whole.unsigned_abs());
                }
                prop_assert!((*part <= 0 || total > 0) && (*part >= 0 || total < 0));
            }
        }

        #[test]
        fn a_heavier_part_never_gets_less(total in 0..i64::MAX, weights in proptest::collection::vec(0..500_i64, 1..20)) {
            let parts = split(total, &weights);
            for (a, b) in parts.iter().zip(&weights).zip(parts.iter().zip(&weights).skip(1)) {
                if a.1 > b.1 {
                    prop_assert!(a.0 >= b.0);
                }
            }
        }
    }
}
