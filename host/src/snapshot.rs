//! What every sale reads and few change: the chain, its stores, goods and live rules, held in memory.
//!
//! A snapshot is immutable; a request keeps the one it started with. Each part carries the revision it was
//! read at, and [`Snapshots::refresh`] reads again only what has changed, here or on another host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono_tz::Tz;

use crate::clock;
use crate::domain::attributes::MemberAttribute;
use crate::domain::card_discount::CardDiscount;
use crate::domain::ledger::Clearing;
use crate::domain::pricing::UsageUnit;
use crate::domain::rules::{Attribute, CounterPeriod, CounterScope, Needs, RuleKind};
use crate::domain::schedule::Schedule;
use crate::domain::settings::{CheckoutSettings, Sharing};
use crate::domain::time::{Day, Instant};
use crate::plugins::{Catalog, CheckedConfig, Plugin};
use crate::store::db::{Conn, Db};
use crate::store::error::StoreError;
use crate::store::products::Product;
use crate::store::{bindings, cards, chain, plugins as installed, products, stores};

/// Stores one chain may have in memory; further ones are not read.
const MOST_STORES: i64 = 10_000;
/// Bindings read at most.
const MOST_BINDINGS: i64 = 20_000;
/// How often the chain is read when it changes while it is read.
const READS: usize = 8;
/// Goods kept at most; beyond it the shelf is emptied and fills again.
const MOST_GOODS: usize = 200_000;

/// The chain as it stands.
pub struct Snapshot {
    revisions: Revisions,
    pub chain: chain::Chain,
    pub program: Program,
    pub rules: Arc<Vec<Arc<Bound>>>,
    stores: Arc<HashMap<String, Arc<Place>>>,
    card_discounts: Arc<HashMap<String, CardDiscount>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Revisions {
    chain: i64,
    rules: i64,
    goods: i64,
}

/// The points program tills work with.
#[derive(Debug, Clone)]
pub struct Program {
    pub id: String,
    /// Digits after the decimal point.
    pub scale: u8,
}

/// A store with everything a sale in it depends on.
#[derive(Debug)]
pub struct Place {
    pub store: stores::Store,
    pub zone: Tz,
    pub settings: CheckoutSettings,
    pub currency_scale: u8,
    pub attributes: Vec<Attribute>,
}

impl Place {
    /// How the store's own books are kept, where it settles with the chain.
    pub fn clearing(&self) -> Option<Clearing> {
        let terms = self.settings.settlement.as_ref()?;
        terms.of(&self.store.id)?;
        Some(Clearing {
            store: self.store.id.clone(),
            currency: self.store.currency.clone(),
            points: terms.points_value.is_some(),
        })
    }

    /// Whether the wallets of members whose home is `home` are used here.
    pub fn shares_with(&self, home: &Self) -> bool {
        match self.settings.wallets_shared {
            Sharing::Chain => true,
            Sharing::Region => self.store.region == home.store.region,
            Sharing::Store => self.store.id == home.store.id,
        }
    }
}

/// A binding with its rule ready to be asked.
pub struct Bound {
    pub binding: bindings::Binding,
    pub kind: RuleKind,
    pub plugin: Plugin,
    pub config: CheckedConfig,
    pub needs: Needs,
    pub schedule: Schedule,
    pub limits: Vec<Limit>,
}

/// A limit or budget the host keeps for a binding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    pub scope: CounterScope,
    pub period: CounterPeriod,
    pub counts: UsageUnit,
    /// Orders, minor units of discount or points, by `counts`.
    pub limit: i64,
}

/// The current snapshot and the goods read so far.
#[derive(Default)]
pub struct Snapshots {
    current: RwLock<Option<Arc<Snapshot>>>,
    goods: Mutex<Goods>,
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Goods {
    revision: i64,
    by_mark: HashMap<Mark, Arc<Product>>,
}

/// What a product is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Mark {
    Id(String),
    Barcode(String),
    Sku(String),
}

impl Mark {
    /// The mark itself.
    pub fn text(&self) -> &str {
        match self {
            Self::Id(text) | Self::Barcode(text) | Self::Sku(text) => text,
        }
    }
}

impl Place {
    /// The store's business day at an instant.
    pub fn day(&self, at: Instant) -> Day {
        clock::business_day(at, self.zone)
    }

    /// Minutes east of UTC at an instant.
    pub fn offset_minutes(&self, at: Instant) -> i16 {
        clock::offset_minutes(at, self.zone)
    }

    /// Minutes after midnight in the store at an instant.
    fn minute(&self, at: Instant) -> u16 {
        let local =
            at.0.div_euclid(60_000_000)
                .saturating_add(i64::from(self.offset_minutes(at)));
        u16::try_from(local.rem_euclid(24 * 60)).unwrap_or(0)
    }
}

impl Bound {
    /// Whether the binding's scope contains a store.
    fn reaches(&self, place: &Place) -> bool {
        match self.binding.scope.split_once(':') {
            Some(("store", id)) => id == place.store.id,
            Some(("region", id)) => id == place.store.region,
            _ => self.binding.scope == "chain",
        }
    }
}

impl Bound {
    /// A binding holds from the moment it was made, or from its first day where it names one, even when it
    /// was entered later; and until it was ended.
    fn in_force_at(&self, at: Instant) -> bool {
        let begun = self.schedule.from.is_some() || self.binding.created_at <= at.0;
        begun && self.binding.ended_at.is_none_or(|end| at.0 < end)
    }
}

impl Snapshot {
    pub fn place(&self, store: &str) -> Option<Arc<Place>> {
        self.stores.get(store).cloned()
    }

    /// Every store, open or not.
    pub fn places(&self) -> impl Iterator<Item = &Arc<Place>> {
        self.stores.values()
    }

    /// The attributes the chain defines for members; the same in every store.
    pub fn member_attributes(&self) -> &[MemberAttribute] {
        let place = self.stores.values().next();
        place.map_or(&[], |place| &place.settings.member_attributes)
    }

    /// What cards take off, by type.
    pub fn card_discounts(&self) -> &HashMap<String, CardDiscount> {
        &self.card_discounts
    }

    /// The bindings that reach a store, were in force at the instant, and whose schedule covers it.
    pub fn live_in(&self, place: &Place, at: Instant) -> Vec<Arc<Bound>> {
        let (day, minute) = (place.day(at), place.minute(at));
        let live = |bound: &&Arc<Bound>| {
            bound.reaches(place) && bound.in_force_at(at) && bound.schedule.covers(day, minute)
        };
        self.rules.iter().filter(live).cloned().collect()
    }

    /// The id of the binding of that name which honours codes in a store as of an instant; of several the first by id.
    /// Its schedule may begin later: a coupon for the next visit.
    pub fn binding_named(&self, place: &Place, name: &str, at: Instant) -> Option<String> {
        let honours = |bound: &&Arc<Bound>| {
            bound.kind == RuleKind::Promotion
                && bound.binding.name == name
                && bound.needs.preconditions.code
                && bound.reaches(place)
                && bound.in_force_at(at)
        };
        let ids = self
            .rules
            .iter()
            .filter(honours)
            .map(|bound| &bound.binding.id);
        ids.min().cloned()
    }
}

impl Snapshots {
    /// The snapshot in force; none before the chain exists.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether bindings changed since they were read, or never were.
    pub async fn are_rules_old(&self, conn: &mut Conn) -> Result<bool, StoreError> {
        let rules = chain::revision(conn, "rules").await?;
        Ok(self
            .current()
            .is_none_or(|snapshot| snapshot.revisions.rules != rules))
    }

    /// Reads again what changed since the last time, all of it as of one moment. Answers whether anything did.
    pub async fn refresh(&self, db: &Db, catalog: &Catalog) -> Result<bool, StoreError> {
        let _one_at_a_time = self.refreshing.lock().await;
        let mut conn = db.read().await?;
        let before = self.current();
        let mut revisions = Revisions::read(&mut conn).await?;
        for _ in 0..READS {
            if before
                .as_ref()
                .is_some_and(|snapshot| snapshot.revisions == revisions)
            {
                return Ok(false);
            }
            let Some(snapshot) = read(&mut conn, catalog, before.as_deref(), revisions).await?
            else {
                return Ok(false);
            };
            // What was written while this was read would be half in it. Goods are no part of it: an import of
            // them changes their number all the time.
            let after = Revisions::read(&mut conn).await?;
            if (after.chain, after.rules) == (revisions.chain, revisions.rules) {
                self.forget_goods_before(revisions.goods);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Arc::new(snapshot));
                return Ok(true);
            }
            revisions = after;
        }
        Err(StoreError::Busy)
    }

    /// A product by one of its marks, from memory or the database.
    pub async fn product(&self, db: &Db, mark: &Mark) -> Result<Option<Arc<Product>>, StoreError> {
        let revision = {
            let goods = self.goods.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(product) = goods.by_mark.get(mark) {
                return Ok(Some(Arc::clone(product)));
            }
            goods.revision
        };
        let mut conn = db.read().await?;
        let found = match mark {
            Mark::Id(id) => products::product(&mut conn, id).await?,
            Mark::Barcode(barcode) => products::product_by_barcode(&mut conn, barcode).await?,
            Mark::Sku(sku) => products::product_by_sku(&mut conn, sku).await?,
        };
        let Some(product) = found.map(Arc::new) else {
            return Ok(None);
        };
        let mut goods = self.goods.lock().unwrap_or_else(PoisonError::into_inner);
        // A change that came while this row was read has emptied the shelf; what was read is then old.
        if goods.revision == revision {
            if goods.by_mark.len() >= MOST_GOODS {
                goods.by_mark.clear();
            }
            goods.by_mark.insert(mark.clone(), Arc::clone(&product));
        }
        Ok(Some(product))
    }

    fn forget_goods_before(&self, revision: i64) {
        let mut goods = self.goods.lock().unwrap_or_else(PoisonError::into_inner);
        if goods.revision != revision {
            *goods = Goods {
                revision,
                by_mark: HashMap::new(),
            };
        }
    }
}

impl Revisions {
    async fn read(conn: &mut Conn) -> Result<Self, StoreError> {
        let mut revisions = Self::default();
        for (name, revision) in chain::revisions(conn).await? {
            match name.as_str() {
                "chain" => revisions.chain = revision,
                "rules" => revisions.rules = revision,
                "goods" => revisions.goods = revision,
                _ => {}
            }
        }
        Ok(revisions)
    }
}

/// The chain at `revisions`, with what did not change since `before` taken from there.
async fn read(
    conn: &mut Conn,
    catalog: &Catalog,
    before: Option<&Snapshot>,
    revisions: Revisions,
) -> Result<Option<Snapshot>, StoreError> {
    let Some(chain) = chain::chain(conn).await? else {
        return Ok(None);
    };
    let stores = match before {
        Some(snapshot) if snapshot.revisions.chain == revisions.chain => {
            Arc::clone(&snapshot.stores)
        }
        _ => Arc::new(read_places(conn, &chain.settings).await?),
    };
    let card_discounts = match before {
        Some(snapshot) if snapshot.revisions.chain == revisions.chain => {
            Arc::clone(&snapshot.card_discounts)
        }
        _ => Arc::new(read_card_discounts(conn).await?),
    };
    let rules = match before {
        Some(snapshot) if snapshot.revisions.rules == revisions.rules => {
            Arc::clone(&snapshot.rules)
        }
        _ => Arc::new(read_rules(conn, catalog).await?),
    };
    let program = read_program(conn).await?;
    Ok(Some(Snapshot {
        revisions,
        chain,
        program,
        rules,
        stores,
        card_discounts,
    }))
}

async fn read_places(
    conn: &mut Conn,
    settings: &str,
) -> Result<HashMap<String, Arc<Place>>, StoreError> {
    let chain_wide: CheckoutSettings = serde_json::from_str(settings)
        .map_err(StoreError::stored("reading the checkout settings"))?;
    let mut places = HashMap::new();
    for store in stores::stores(conn, None, "", MOST_STORES).await? {
        let zone = clock::zone(&store.time_zone).ok_or_else(|| StoreError::Stored {
            doing: "reading a store's time zone",
            what: store.time_zone.clone(),
        })?;
        let settings = CheckoutSettings {
            prices_include_tax: store.prices_include_tax,
            ..chain_wide.clone()
        };
        let currency_scale = tessera_money::Currency::from_code(&store.currency)
            .map_or(2, |currency| currency.scale());
        let attributes = attributes(&store.attributes)?;
        places.insert(
            store.id.clone(),
            Arc::new(Place {
                store,
                zone,
                settings,
                currency_scale,
                attributes,
            }),
        );
    }
    Ok(places)
}

async fn read_card_discounts(conn: &mut Conn) -> Result<HashMap<String, CardDiscount>, StoreError> {
    let read = |(card_type, text): (String, String)| {
        let discount = serde_json::from_str(&text)
            .map_err(StoreError::stored("reading the discount of a type of card"))?;
        Ok((card_type, discount))
    };
    let rows = cards::discounts(conn).await?;
    rows.into_iter().map(read).collect()
}

async fn read_rules(conn: &mut Conn, catalog: &Catalog) -> Result<Vec<Arc<Bound>>, StoreError> {
    let mut rules = Vec::new();
    for binding in bindings::bindings_ever(conn, MOST_BINDINGS).await? {
        match bind(conn, catalog, &binding).await? {
            Some(bound) => rules.push(Arc::new(bound)),
            // The others go on selling; readiness and the log say which one does not run.
            None => {
                tracing::error!(binding = %binding.id, plugin = %binding.plugin, "a binding's plugin is not loaded; install it again")
            }
        }
    }
    Ok(rules)
}

async fn bind(
    conn: &mut Conn,
    catalog: &Catalog,
    binding: &bindings::Binding,
) -> Result<Option<Bound>, StoreError> {
    let Some(plugin) = catalog.snapshot().by_digest(&binding.digest).cloned() else {
        return Ok(None);
    };
    let Some(config) = installed::config(conn, &binding.config).await? else {
        return Ok(None);
    };
    let schedule = serde_json::from_str(&binding.schedule)
        .map_err(StoreError::stored("reading a binding's schedule"))?;
    // Checked anew, since another release of the plugin may keep the same configuration in another form.
    let checked = plugin
        .validate_config(&config.json)
        .and_then(|config| Ok((plugin.needs(&config)?, config)));
    let (needs, config) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            tracing::error!(binding = %binding.id, %error, "a binding's configuration is no longer accepted");
            return Ok(None);
        }
    };
    let limits = serde_json::from_str(&binding.limits)
        .map_err(StoreError::stored("reading a binding's limits"))?;
    Ok(Some(Bound {
        binding: binding.clone(),
        kind: plugin.kind(),
        plugin,
        config,
        needs,
        schedule,
        limits,
    }))
}

async fn read_program(conn: &mut Conn) -> Result<Program, StoreError> {
    let main = chain::program(conn, crate::domain::ledger::DEFAULT_PROGRAM).await?;
    let scale = main.map_or(0, |program| u8::try_from(program.scale).unwrap_or(0));
    Ok(Program {
        id: crate::domain::ledger::DEFAULT_PROGRAM.to_owned(),
        scale,
    })
}

/// The text attributes are stored as.
pub fn attributes_text(attributes: Vec<Attribute>) -> String {
    use crate::domain::rules::Value;
    let value = |value: Value| match value {
        Value::Text(text) => serde_json::Value::String(text),
        Value::Integer(number) => number.into(),
        Value::Boolean(truth) => truth.into(),
        // Nothing else is read from requests or rows.
        _ => serde_json::Value::Null,
    };
    let object = attributes
        .into_iter()
        .map(|(name, given)| (name, value(given)));
    serde_json::Value::Object(object.collect()).to_string()
}

/// Attributes as they are stored: a JSON object of texts, numbers and truth values.
pub fn attributes(json: &str) -> Result<Vec<Attribute>, StoreError> {
    use crate::domain::rules::Value;
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(StoreError::stored("reading attributes"))?;
    let value = |value: serde_json::Value| match value {
        serde_json::Value::Bool(truth) => Some(Value::Boolean(truth)),
        serde_json::Value::Number(number) => number.as_i64().map(Value::Integer),
        serde_json::Value::String(text) => Some(Value::Text(text)),
        _ => None,
    };
    Ok(object
        .into_iter()
        .filter_map(|(name, given)| Some((name, value(given)?)))
        .collect())
}
