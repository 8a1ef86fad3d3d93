//! Which prize a number of a draw wins: whole numbers that anybody can work out again once the seed is told.
//!
//! The code of number `n` is HMAC-SHA256 under the seed's 32 bytes of `n` in decimal digits, counted from 1. Its first eight
//! bytes, big-endian, times the sum of all weights, without the lowest 64 bits, is the ticket. Weights stand in the
//! order of the prizes, the blanks last; the ticket wins where it falls.

/// Weight of one prize, or of the blanks, at the most.
pub const MOST_WEIGHT: i64 = 1_000_000_000;

/// The position of the prize a code wins; none for a blank. Weights below zero count as none.
pub fn won(code: &[u8; 32], weights: &[i64], blanks: i64) -> Option<usize> {
    let weight = |weight: i64| u128::from(weight.max(0).unsigned_abs());
    let total = weights
        .iter()
        .fold(weight(blanks), |sum, one| sum + weight(*one));
    let first = code[..8]
        .iter()
        .fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    // Both are below 2^64, so the product fits.
    let mut ticket = first.saturating_mul(total) >> 64;
    for (position, one) in weights.iter().enumerate() {
        let share = weight(*one);
        if ticket < share {
            return Some(position);
        }
        ticket -= share;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(first: u64) -> [u8; 32] {
        let mut code = [7; 32];
        code[..8].copy_from_slice(&first.to_be_bytes());
        code
    }

    #[test]
    fn a_ticket_wins_where_its_share_lies() {
        let quarter = u64::MAX / 4 + 1;
        let weights = [1, 0, 2];
        assert_eq!(won(&code(0), &weights, 1), Some(0));
        assert_eq!(won(&code(quarter - 1), &weights, 1), Some(0));
        assert_eq!(won(&code(quarter), &weights, 1), Some(2));
        assert_eq!(won(&code(3 * quarter - 1), &weights, 1), Some(2));
        assert_eq!(won(&code(3 * quarter), &weights, 1), None);
        assert_eq!(won(&code(u64::MAX), &weights, 1), None);
        assert_eq!(won(&code(u64::MAX), &weights, 0), Some(2));
        assert_eq!(won(&code(0), &[], 1), None);
        assert_eq!(won(&code(0), &[0], 0), None);
    }

    #[test]
    fn the_greatest_weights_overflow_nothing() {
        let weights = vec![MOST_WEIGHT; 50];
        assert_eq!(won(&code(u64::MAX), &weights, 0), Some(49));
        assert_eq!(won(&code(u64::MAX), &weights, MOST_WEIGHT), None);
    }
}
