//! A chain in a file, taken while it is served, and restored into either database.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tessera::store::transfer::{Examined, Key, TransferError, back_up, examine, restore};
use tessera::store::{Db, Location, StoreError};
use tessera_tests::on_each_database;
use tessera_tests::process::{Running, killed_after, run, run_to_end};
use tessera_tests::shop::{Database, Shop};

use crate::migrate::{large_chain, live, quietly};

fn key() -> Key {
    Key {
        name: "ours".to_owned(),
        secret: [7; 32],
    }
}

async fn taken(from: &Location, file: &Path, key: Option<&Key>) -> Examined {
    back_up(from, file, key, 1, &mut quietly())
        .await
        .expect("a backup is written");
    examine(file, "backup", key).expect("it is whole")
}

on_each_database! {
    // Four tills sell while the file is written: what is in it is one moment of the chain, and its books hold.
    async fn a_backup_taken_while_tills_sell_is_one_moment_of_the_chain(shop) {
        let life = live(&shop).await;
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("busy.backup");
        let location = shop.location();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let selling = async {
            while !*stopped.borrow() {
                let sale = || shop.buy(json!({ "lines": [{ "product": "tea" }] }));
                tokio::join!(sale(), sale(), sale(), sale());
            }
        };
        let taking = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let examined = taken(&location, &file, Some(&key())).await;
            stop.send_replace(true);
            examined
        };
        let (examined, ()) = tokio::join!(taking, selling);
        assert!(examined.is_authentic);
        for database in [Database::Sqlite, Database::Postgres] {
            let (_folder, there) = Shop::empty_place(database, shop.data()).await;
            restore(&file, &examined, &there, false, &mut quietly()).await.expect("it is restored");
        }
        drop(life);
    }

    async fn a_restored_chain_goes_on_as_if_nothing_had_happened(shop) {
        let life = live(&shop).await;
        let before = life.seen(&shop).await;
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("chain.backup");
        let examined = taken(&shop.location(), &file, None).await;
        // What happens after the backup is not in it.
        shop.buy(json!({ "lines": [{ "product": "tea" }] })).await;
        let data = shop.data().to_owned();
        let other = match shop.database {
            Database::Sqlite => Database::Postgres,
            Database::Postgres => Database::Sqlite,
        };
        let (folder, there) = Shop::empty_place(other, &data).await;
        restore(&file, &examined, &there, false, &mut quietly()).await.expect("it is restored");
        let again = restore(&file, &examined, &there, true, &mut quietly()).await;
        assert!(matches!(again, Err(TransferError::Occupied { .. })), "{again:?}");
        let stopped = shop.stop().await;
        let shop = Shop::open_at(&stopped, folder, there).await;
        assert_eq!(life.seen(&shop).await, before);
        life.go_on(&shop).await;
    }
}

on_each_database! {
    // Twelve rows of a megabyte fill three pages; a page ends in the middle of what the database would give.
    async fn rows_of_a_megabyte_are_read_page_by_page(shop) {
        let write = shop.host.writer.write("writing large rows", |tx| {
            Box::pin(async move {
                for number in 0..12 {
                    let json = format!("\"{}\"", char::from(b'a' + number).to_string().repeat(1 << 20));
                    let config = tessera::store::plugins::Config { hash: format!("large-{number}"), json };
                    tessera::store::plugins::keep_config(tx, &config).await?;
                }
                Ok(())
            })
        });
        write.await.expect("they are written");
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("large.backup");
        let examined = taken(&shop.location(), &file, None).await;
        for database in [Database::Sqlite, Database::Postgres] {
            let (_folder, there) = Shop::empty_place(database, shop.data()).await;
            restore(&file, &examined, &there, false, &mut quietly()).await.expect("it is restored");
        }
    }
}

/// Puts a right hash under a changed file, as somebody without the key would.
fn rehashed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 64;
    let digest = Sha256::digest(&bytes[..end]);
    bytes[end..end + 32].copy_from_slice(&digest);
    bytes
}

#[tokio::test]
async fn a_file_that_is_not_what_was_written_is_refused() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = folder.path().join("chain");
    std::fs::create_dir(&data).expect("a folder for the test");
    large_chain(&data, 3_000).await;
    let file = folder.path().join("chain.backup");
    taken(&Location::choose(&data, None), &file, Some(&key())).await;
    let whole = std::fs::read(&file).expect("a file");
    let other = folder.path().join("other.backup");
    let says = |bytes: &[u8], key: Option<&Key>| {
        std::fs::write(&other, bytes).expect("a file");
        examine(&other, "backup", key)
    };
    assert!(!says(&whole, None).expect("it is whole").is_authentic);
    let most = whole.len();
    for at in (0..32)
        .chain((32..most).step_by(most / 41))
        .chain(most - 70..most)
    {
        let cut = says(&whole[..at], Some(&key()));
        assert!(cut.is_err(), "cut at {at} of {most}");
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(
            says(&flipped, Some(&key())).is_err(),
            "flipped at {at} of {most}"
        );
    }
    let longer = [whole.as_slice(), b"more"].concat();
    assert!(matches!(
        says(&longer, None),
        Err(TransferError::Damaged { .. })
    ));
    let mut newer = whole.clone();
    newer[11] = 9;
    assert!(matches!(
        says(&newer, None),
        Err(TransferError::NewerFormat { found: 9, .. })
    ));
    assert!(matches!(
        says(b"PK\x03\x04 something else", None),
        Err(TransferError::Foreign { .. })
    ));
    let stranger = Key {
        name: "theirs".to_owned(),
        secret: [8; 32],
    };
    assert!(matches!(
        says(&whole, Some(&stranger)),
        Err(TransferError::OtherKey { .. })
    ));
    // The chain's name changed in the header, by someone who also wrote the hash anew.
    let at = whole
        .windows(7)
        .position(|text| text == b"Process")
        .expect("the chain's name");
    let mut forged = whole.clone();
    forged[at] = b'Q';
    let forged = rehashed(forged);
    assert!(matches!(
        says(&forged, Some(&key())),
        Err(TransferError::Forged { .. })
    ));
    // Tables of a program to come.
    let at = whole
        .windows(9)
        .position(|text| text == b"\"schema\":")
        .expect("a version");
    let mut later = whole.clone();
    later[at + 9] = b'9';
    let later = says(&rehashed(later), None).expect("it is whole");
    let there = Location::choose(&folder.path().join("there"), None);
    let refused = restore(&other, &later, &there, false, &mut quietly()).await;
    assert!(
        matches!(refused, Err(TransferError::NewerTables { .. })),
        "{refused:?}"
    );
    assert!(
        !folder.path().join("there/tessera.db").exists(),
        "nothing is written"
    );
}

#[tokio::test]
async fn a_restore_killed_half_way_is_done_again_and_no_host_opens_the_half() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (data, there) = (folder.path().join("chain"), folder.path().join("there"));
    std::fs::create_dir(&data).expect("a folder for the test");
    large_chain(&data, 30_000).await;
    let file = folder.path().join("chain.backup").display().to_string();
    // Online: the host that serves the chain goes on.
    let running = Running::start(&data);
    let said = run(&["backup", &file], &data);
    assert!(said.contains("signed with the master key"), "{said}");
    let (succeeded, said) = run_to_end(&["backup", &file], &data);
    assert!(!succeeded && said.contains("is there already"), "{said}");
    running.kill();
    let said = run(&["restore", &file, "--check", "--evaluations"], &data);
    assert!(
        said.contains("It can be restored") && said.contains("vouches for it"),
        "{said}"
    );
    let unsigned = folder.path().join("unsigned.backup");
    taken(&Location::choose(&data, None), &unsigned, None).await;
    let unsigned = unsigned.display().to_string();
    let (succeeded, said) = run_to_end(&["restore", &unsigned, "--check"], &data);
    assert!(!succeeded && said.contains("add --unsigned"), "{said}");
    let to = format!("sqlite:{}", there.display());
    let arguments = ["restore", &file, "--to", &to];
    let place = Location::choose(&there, None);
    let (mut wait, mut halves) = (40, 0);
    while !killed_after(&arguments, &data, Duration::from_millis(wait)) {
        wait += wait / 3;
        if place
            .folder()
            .is_some_and(|folder| folder.join("tessera.db").exists())
        {
            match Db::open(&place, 1).await {
                Err(StoreError::HalfFilled { .. }) => halves += 1,
                Err(error) => panic!("{error}"),
                Ok(db) => {
                    db.close().await;
                    std::fs::remove_dir_all(&there).expect("it is emptied");
                }
            }
        }
        assert!(wait < 20_000, "it never ends");
    }
    assert!(halves > 0, "it was never killed in the middle");
    run(&["verify"], &there);
    let (succeeded, said) = run_to_end(&arguments, &data);
    assert!(
        !succeeded && said.contains("name an empty database"),
        "{said}"
    );
}
