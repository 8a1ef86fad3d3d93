//! The tables a database has, as it says itself.

use serde::{Deserialize, Serialize};

use super::error::TransferError;
use crate::store::bulk::Kind;
use crate::store::db::Conn;
use crate::store::error::StoreError;

/// Which migrations a database has had, and the note of a transfer under way, belong to a database and not to a chain.
const OF_THE_DATABASE: [&str; 2] = ["_sqlx_migrations", super::target::NOTE];

/// One table, with what moving its rows needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    /// In the order they stand in the table.
    pub columns: Vec<Column>,
    /// Positions in `columns` of the primary key, in its own order.
    pub key: Vec<usize>,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// Table, column, type, and the place in the primary key, from one, or zero.
type Row = (String, String, String, i64);

const OF_SQLITE: &str =
    "SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid";

/// The first place of an `int2vector` is zero.
const OF_POSTGRES: &str = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL),
        COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
     ORDER BY c.relname::text COLLATE \"C\", a.attnum";

/// Every table that belongs to the chain, by name.
///
/// # Errors
/// When the database cannot be read, or holds a table that cannot be moved.
pub async fn catalogue(conn: &mut Conn) -> Result<Vec<Table>, TransferError> {
    let mut tables: Vec<(Table, Vec<(i64, usize)>)> = Vec::new();
    for (name, column, kind, place) in columns(conn).await? {
        if OF_THE_DATABASE.contains(&name.as_str()) {
            continue;
        }
        if tables.last().is_none_or(|(table, _)| table.name != name) {
            let table = Table {
                name: name.clone(),
                columns: Vec::new(),
                key: Vec::new(),
            };
            tables.push((table, Vec::new()));
        }
        let kind = kind_of(&name, &column, &kind)?;
        if let Some((table, places)) = tables.last_mut() {
            if place > 0 {
                places.push((place, table.columns.len()));
            }
            table.columns.push(Column { name: column, kind });
        }
    }
    let whole = |(mut table, mut places): (Table, Vec<(i64, usize)>)| {
        places.sort_unstable();
        table.key = places.into_iter().map(|(_, at)| at).collect();
        if table.key.is_empty() {
            return Err(TransferError::Keyless { table: table.name });
        }
        Ok(table)
    };
    tables.into_iter().map(whole).collect()
}

/// The names of all tables, also of those no chain has.
pub(super) async fn table_names(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let mut names: Vec<String> = columns(conn)
        .await?
        .into_iter()
        .map(|(table, ..)| table)
        .collect();
    names.dedup();
    Ok(names)
}

async fn columns(conn: &mut Conn) -> Result<Vec<Row>, StoreError> {
    match conn {
        Conn::Sqlite(c) => sqlx::query_as(OF_SQLITE).fetch_all(&mut **c).await,
        Conn::Postgres(c) => sqlx::query_as(OF_POSTGRES).fetch_all(&mut **c).await,
    }
    .map_err(StoreError::during("reading which tables there are"))
}

fn kind_of(table: &str, column: &str, kind: &str) -> Result<Kind, TransferError> {
    match kind.to_ascii_lowercase().as_str() {
        "text" => Ok(Kind::Text),
        "bigint" => Ok(Kind::Int),
        "boolean" => Ok(Kind::Flag),
        "bytea" | "blob" => Ok(Kind::Bytes),
        _ => Err(TransferError::UnknownKind {
            table: table.to_owned(),
            column: column.to_owned(),
            kind: kind.to_owned(),
        }),
    }
}

/// A name as it stands in a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Table {
    /// The names of its columns, as they stand in a statement.
    pub(super) fn column_list(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|c| quoted(&c.name)).collect();
        names.join(", ")
    }

    /// The names of its key's columns, as they stand in a statement.
    pub(super) fn key_list(&self) -> String {
        let names: Vec<String> = self.key_columns().map(|c| quoted(&c.name)).collect();
        names.join(", ")
    }

    pub(super) fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|at| self.columns.get(*at))
    }
}

/// How many rows a table has.
pub(super) async fn count(conn: &mut Conn, table: &str) -> Result<u64, StoreError> {
    let text = format!("SELECT COUNT(*) FROM {}", quoted(table));
    let rows: i64 =
        crate::on!(conn, c => sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(c).await)
            .map_err(StoreError::during("counting rows"))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}
