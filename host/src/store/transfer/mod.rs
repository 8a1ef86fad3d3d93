//! A whole chain from one database to another, into a file, and back out of one.
//!
//! Nothing here knows a table by name: what is moved is what the database says it has ([`catalogue`]), so a table of a
//! later migration is moved without anybody thinking of it. A row has one form of bytes everywhere ([`rows`]): read from
//! either database, written into either, hashed, and compressed into a file.

mod archive;
mod away;
mod catalogue;
mod error;
mod file;
mod moving;
mod restoring;
mod rows;
mod source;
mod target;

pub use archive::{Archived, Evaluations, Taken, archive, archived};
pub(super) use away::refuse_moved;
pub use away::take_back;
pub use catalogue::{Table, catalogue};
pub use error::TransferError;
pub use file::{Examined, Header, Key, examine};
pub use moving::{Moved, move_chain};
pub use restoring::{back_up, restore};
pub use source::{ChainMark, Source};
pub(super) use target::refuse_half_filled;

/// What a transfer tells whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What comes now.
    Doing(&'static str),
    /// How many rows this step has in all.
    Total(u64),
    /// So many more rows are done.
    Rows(u64),
}

/// Hears the steps of a transfer.
pub type Progress<'a> = &'a mut (dyn FnMut(Step) + Send);
