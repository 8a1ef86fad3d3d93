//! Several bulk statements in one trip to the database.
//!
//! A trip to a server costs more than what most of these statements do there, so PostgreSQL gets them as the parts of
//! one statement, which see the same moment. SQLite works in this process and gets one after the other.

use sqlx::postgres::{PgArguments, PgDatabaseError, PgRow, PgSeverity};
use sqlx::query::Query;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Decode, FromRow, PgConnection, Postgres, Row as _, Type};

use super::bulk::{Bulk, Cell, bind_arrays};
use super::db::Conn;
use super::error::StoreError;

/// SQLSTATE of the division by zero that ends a statement one of whose guarded parts missed a row.
const OVERTAKEN: &str = "22012";

/// Reading statements to be joined.
#[derive(Default)]
pub struct Reading {
    parts: Vec<(&'static Bulk, Vec<Cell>)>,
}

/// Names one of the joined statements.
#[derive(Debug, Clone, Copy)]
pub struct Part(usize);

/// The rows of every part.
pub struct Found {
    parts: Vec<(&'static Bulk, Rows)>,
}

#[derive(Default)]
enum Rows {
    #[default]
    None,
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Reading {
    pub fn add(&mut self, bulk: &'static Bulk, cells: Vec<Cell>) -> Part {
        self.parts.push((bulk, cells));
        Part(self.parts.len() - 1)
    }

    /// Reads every part; those without cells find nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fetch(self, conn: &mut Conn) -> Result<Found, StoreError> {
        let mut found: Vec<_> = self
            .parts
            .iter()
            .map(|(bulk, _)| (*bulk, Rows::None))
            .collect();
        let parts = self.parts.into_iter().enumerate();
        let asked = parts.filter(|(_, (_, cells))| !cells.is_empty());
        match conn {
            Conn::Sqlite(c) => {
                for (at, (bulk, cells)) in asked {
                    found[at].1 = Rows::Sqlite(bulk.rows(c, cells).await?);
                }
            }
            Conn::Postgres(c) => {
                let (texts, parts) = numbered(asked, |at, _, text| {
                    format!("SELECT {at}::BIGINT, ROW(part.*) FROM ({text}) part")
                });
                if parts.is_empty() {
                    return Ok(Found { parts: found });
                }
                let query = bound(texts.join(" UNION ALL "), parts);
                let rows = query.fetch_all(&mut **c).await;
                for row in rows.map_err(StoreError::during("reading what a batch touches"))? {
                    let at: i64 = row
                        .try_get(0)
                        .map_err(StoreError::during("reading what a batch touches"))?;
                    let rows = usize::try_from(at).ok().and_then(|at| found.get_mut(at));
                    match rows {
                        Some((_, Rows::Postgres(rows))) => rows.push(row),
                        Some((_, rows)) => *rows = Rows::Postgres(vec![row]),
                        None => {}
                    }
                }
            }
        }
        Ok(Found { parts: found })
    }
}

impl Found {
    /// The rows of a part, in no particular order.
    ///
    /// # Errors
    /// When they are of other types.
    pub fn of<R>(&self, part: Part) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow>,
        R: for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        let (bulk, rows) = &self.parts[part.0];
        match rows {
            Rows::None => Ok(Vec::new()),
            Rows::Sqlite(rows) => rows.iter().map(R::from_row).collect(),
            Rows::Postgres(rows) => rows.iter().map(|row| row.try_get(1)).collect(),
        }
        .map_err(StoreError::during(bulk.doing))
    }
}

/// Writing statements to be joined into one transaction. No two may change the same row.
#[derive(Default)]
pub struct Writing {
    parts: Vec<(&'static Bulk, Vec<Cell>)>,
    /// How many of them, from the first, must touch every one of their rows.
    guarded: usize,
}

/// What became of a transaction that ended as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Committed,
    /// A guarded part missed a row, which somebody else has changed; nothing was written.
    Overtaken,
}

/// Why a transaction did not end as it should.
#[derive(Debug)]
pub enum Failed {
    /// Nothing was written.
    Refused(StoreError),
    /// Nobody answered; it may have been written.
    Unanswered(StoreError),
}

impl Writing {
    /// Adds a statement that must touch every one of its rows. Belongs before those of [`Writing::add`].
    pub fn add_guarded(&mut self, bulk: &'static Bulk, cells: Vec<Cell>) {
        debug_assert_eq!(self.guarded, self.parts.len(), "guarded parts come first");
        if !cells.is_empty() {
            self.parts.push((bulk, cells));
            self.guarded += 1;
        }
    }

    pub fn add(&mut self, bulk: &'static Bulk, cells: Vec<Cell>) {
        if !cells.is_empty() {
            self.parts.push((bulk, cells));
        }
    }

    /// Writes every part and makes it durable, all or nothing.
    ///
    /// # Errors
    /// When the database refuses, or does not answer; after that `conn` must not be used again.
    pub async fn commit(self, conn: &mut Conn) -> Result<End, Failed> {
        match conn {
            Conn::Sqlite(_) => self.commit_in_turn(conn).await,
            Conn::Postgres(c) => self.commit_at_once(c).await,
        }
    }

    async fn commit_in_turn(self, conn: &mut Conn) -> Result<End, Failed> {
        conn.begin().await.map_err(Failed::Refused)?;
        for (at, (bulk, cells)) in self.parts.into_iter().enumerate() {
            let rows = (cells.len() / bulk.columns.len()) as u64;
            let end = match bulk.execute(conn, cells).await {
                Ok(touched) if touched == rows || at >= self.guarded => continue,
                Ok(_) => Ok(End::Overtaken),
                Err(error) => Err(Failed::Refused(error)),
            };
            conn.roll_back().await.map_err(Failed::Unanswered)?;
            return end;
        }
        conn.commit().await.map_err(Failed::Unanswered)?;
        Ok(End::Committed)
    }

    /// One statement outside a transaction is one: it is durable when the server is ready for the next, which is what
    /// `execute` waits for. Dividing by zero is how a statement calls itself off.
    async fn commit_at_once(self, conn: &mut PgConnection) -> Result<End, Failed> {
        let mut whole = Vec::new();
        let parts = self.parts.into_iter().enumerate();
        let (texts, parts) = numbered(parts, |at, first, text| {
            if at >= self.guarded {
                return format!("part_{at} AS ({text})");
            }
            whole.push(format!(
                "(SELECT COUNT(*) FROM part_{at}) = CARDINALITY(${first})"
            ));
            format!("part_{at} AS ({text} RETURNING 1)")
        });
        let text = format!(
            "WITH {} SELECT 1 / CASE WHEN {} THEN 1 ELSE 0 END",
            texts.join(", "),
            whole.join(" AND ")
        );
        let Err(source) = bound(text, parts).execute(conn).await else {
            return Ok(End::Committed);
        };
        if let sqlx::Error::Database(error) = &source
            && error.code().as_deref() == Some(OVERTAKEN)
        {
            return Ok(End::Overtaken);
        }
        let is_answer = match &source {
            // Whatever else ends a session may come after the commit.
            sqlx::Error::Database(error) => error
                .try_downcast_ref::<PgDatabaseError>()
                .is_some_and(|error| matches!(error.severity(), PgSeverity::Error)),
            sqlx::Error::Encode(_) => true,
            _ => false,
        };
        let error = StoreError::during("writing a batch")(source);
        Err(if is_answer {
            Failed::Refused(error)
        } else {
            Failed::Unanswered(error)
        })
    }
}

/// The texts of PostgreSQL's parts, each wrapped, their parameters numbered through, and the parts themselves. `wrap`
/// is told the part's position and its first parameter.
fn numbered(
    parts: impl Iterator<Item = (usize, (&'static Bulk, Vec<Cell>))>,
    mut wrap: impl FnMut(usize, usize, String) -> String,
) -> (Vec<String>, Vec<(&'static Bulk, Vec<Cell>)>) {
    let mut first = 1;
    let mut texts = Vec::new();
    let mut kept = Vec::new();
    for (at, (bulk, cells)) in parts {
        texts.push(wrap(at, first, bulk.of_arrays(first)));
        first += bulk.columns.len();
        kept.push((bulk, cells));
    }
    (texts, kept)
}

fn bound(
    text: String,
    parts: Vec<(&'static Bulk, Vec<Cell>)>,
) -> Query<'static, Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(text));
    parts.into_iter().fold(query, |query, (bulk, cells)| {
        bind_arrays(query, bulk.columns, cells)
    })
}
