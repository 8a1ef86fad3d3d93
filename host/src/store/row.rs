//! Records read from either database by column name.

/// Declares a record and how it is read from a row of either database.
///
/// `record! { /// doc
/// Region { id: String, name: String } }`: every field is a column of the same name. A first field after `..`
/// is another record of the same row.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident {
        $(.. $(#[$inner_meta:meta])* $inner:ident: $record:ty,)?
        $($(#[$field_meta:meta])* $field:ident: $kind:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$inner_meta])* pub $inner: $record,)?
            $($(#[$field_meta])* pub $field: $kind,)*
        }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            &'static str: sqlx::ColumnIndex<R>,
            String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            Vec<u8>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $($inner: sqlx::FromRow::from_row(row)?,)?
                    $($field: row.try_get(stringify!($field))?,)*
                })
            }
        }
    };
}
pub(crate) use record;
