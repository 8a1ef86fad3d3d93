//! The worked cases of `tests/worked` and the recipes of `config/recipes.md`, on both databases.

use std::path::{Path, PathBuf};

use tessera_tests::on_each_database;
use tessera_tests::shop::{Database, Shop};
use tessera_tests::worked::{Page, play, recipes};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("worked")
}

fn page(name: &str) -> Page {
    let path = folder().join(name).with_extension("toml");
    let text = std::fs::read_to_string(&path).expect("the file can be read");
    Page::read(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

/// Plays a page and says every row that fails.
async fn hold(shop: &Shop, page: &Page) {
    let failed = play(shop, page).await;
    let (all, list) = (page.case.len(), failed.join("\n\n"));
    assert!(
        failed.is_empty(),
        "{} of {all} rows fail:\n\n{list}\n",
        failed.len()
    );
    verify(shop).await;
}

/// Running every rule again means compiling it again, which one of the databases shows well enough.
async fn verify(shop: &Shop) {
    match shop.database {
        Database::Sqlite => shop.verify().await,
        Database::Postgres => shop.verify_books().await,
    }
}

/// One test for each file; a file without one fails the count below.
macro_rules! pages {
    ($($name:ident)*) => {
        const PAGES: &[&str] = &[$(stringify!($name)),*];

        $(on_each_database! {
            async fn $name(shop) {
                hold(&shop, &page(stringify!($name))).await;
            }
        })*
    };
}

pages! {
    budgets
    bundles
    buy_get
    coupons
    earning
    gifts
    minimum
    occasions
    percent
    prices
    referrals
    refunds
    rounding
    stacking
    steps
    tax
    tenders
    tiers
    windows
}

fn recipes_of_the_page() -> Vec<Page> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/recipes.md");
    let text = std::fs::read_to_string(path).expect("the page can be read");
    recipes(&text).expect("the page is understood")
}

on_each_database! {
    async fn every_recipe_gives_what_its_page_says(shop) {
        let plain = shop.get("/v1/chain", &shop.admin).await.ok();
        let pages = recipes_of_the_page();
        assert!(pages.len() >= 20, "{} recipes", pages.len());
        let mut failed = Vec::new();
        for page in &pages {
            failed.extend(play(&shop, page).await);
            shop.put("/v1/chain", plain.clone()).await;
        }
        assert!(failed.is_empty(), "{}", failed.join("\n\n"));
        verify(&shop).await;
    }
}

#[test]
fn there_are_at_least_150_rows_and_every_file_is_played() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    found.sort();
    let mut played = PAGES.to_vec();
    played.sort_unstable();
    assert_eq!(found, played);
    let rows: usize = PAGES.iter().map(|name| page(name).case.len()).sum();
    assert!(rows >= 150, "{rows} rows");
}

#[test]
fn a_row_with_an_unknown_or_an_empty_key_is_refused() {
    let good =
        "[[case]]\ntitle = 't'\nbecause = 'b'\nbasket = ['1 tea']\ngives = { total = '12.00' }\n";
    assert_eq!(Page::read(good).map(|page| page.case.len()), Ok(1));
    for (from, to) in [
        ("title = 't'", "title = ''"),
        ("because = 'b'", "because = ' '"),
        ("because = 'b'", "becuase = 'b'"),
        ("['1 tea']", "[]"),
        ("total", "totall"),
        ("gives = { total = '12.00' }", "gives = {}"),
        ("gives = { total = '12.00' }", ""),
        ("basket", "programs = ['none']\nbasket"),
    ] {
        let bad = good.replace(from, to);
        assert!(Page::read(&bad).is_err(), "{bad}");
    }
}
