//! Top-up plans, and what was topped up by one.

use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// What an amount paid in brings on top.
    TopUpPlan {
        id: String,
        name: String,
        currency: String,
        /// Minor units the member pays.
        amount: i64,
        /// JSON.
        gives: String,
        /// How often one member may have it.
        per_member: Option<i64>,
        /// How often it may be had in all.
        most: Option<i64>,
        /// First and last business day it is sold.
        starts_on: Option<i64>,
        ends_on: Option<i64>,
        active: bool,
        version: i64,
    }
}

record! {
    /// A top-up by a plan, as far as its entry does not tell what it gave.
    PlannedTopUp {
        id: String,
        member: String,
        plan: String,
        /// A JSON list.
        codes: String,
        /// JSON; none where it gave no tier.
        tier: Option<String>,
    }
}

macro_rules! plans {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, currency, amount, gives, per_member, most, starts_on, ends_on, active, version
             FROM top_up_plans ",
            $rest
        )
    };
}

/// One plan.
///
/// # Errors
/// When the database cannot be read.
pub async fn plan(conn: &mut Conn, id: &str) -> Result<Option<TopUpPlan>, StoreError> {
    on!(conn, c => sqlx::query_as(plans!("WHERE id = $1")).bind(id).fetch_optional(c).await)
        .map_err(StoreError::during("reading a top-up plan"))
}

/// Plans with an id after `after`.
///
/// # Errors
/// When the database cannot be read.
pub async fn plans(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<TopUpPlan>, StoreError> {
    on!(conn, c => sqlx::query_as(plans!("WHERE id > $1 ORDER BY id LIMIT $2"))
        .bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("listing top-up plans"))
}

/// Makes a plan or changes it.
///
/// # Errors
/// When the database refuses.
pub async fn put(conn: &mut Conn, plan: &TopUpPlan) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO top_up_plans (id, name, currency, amount, gives, per_member, most, starts_on, ends_on, active,
            version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, currency = excluded.currency, amount = excluded.amount,
            gives = excluded.gives, per_member = excluded.per_member, most = excluded.most,
            starts_on = excluded.starts_on, ends_on = excluded.ends_on, active = excluded.active,
            version = top_up_plans.version + 1"
    ).bind(&plan.id).bind(&plan.name).bind(&plan.currency).bind(plan.amount).bind(&plan.gives)
        .bind(plan.per_member).bind(plan.most).bind(plan.starts_on).bind(plan.ends_on).bind(plan.active)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("writing a top-up plan"))
}

/// What a top-up by a plan gave; none where it was without one.
///
/// # Errors
/// When the database cannot be read.
pub async fn planned(conn: &mut Conn, id: &str) -> Result<Option<PlannedTopUp>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT id, member, plan, codes, tier FROM planned_top_ups WHERE id = $1")
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a top-up by a plan"))
}
