//! Use cases of the till: quote, hold, commit, recorded sale, refund.
