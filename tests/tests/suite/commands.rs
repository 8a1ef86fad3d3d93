//! What an operator types instead of a request.

use tempfile::TempDir;
use tessera_tests::process::{init, run, run_to_end};

fn chain() -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    init(&data);
    (folder, data)
}

#[test]
fn people_are_taken_on_with_a_pin_that_is_told_once_and_a_role_of_the_chains_own() {
    let (_folder, data) = chain();
    let role = [
        "staff",
        "role",
        "trainee",
        "--ask",
        "refund",
        "--deny",
        "record-sale",
    ];
    let role = run(&role, &data);
    assert!(
        role.contains("\"refund\": \"approve\"") && role.contains("\"record-sale\": \"deny\""),
        "{role}"
    );
    let lin = [
        "staff", "add", "lin", "--name", "Lin", "--role", "trainee", "--store", "store-1",
    ];
    let added = run(&lin, &data);
    let pin = added
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("PIN, told once: "));
    assert!(
        pin.is_some_and(|pin| pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit())),
        "{added}"
    );
    let listed = run(&["staff", "list", "--store", "store-1"], &data);
    assert!(
        listed.contains("\"trainee\"") && !listed.contains(pin.unwrap_or("PIN")),
        "{listed}"
    );
    let reset = run(&["staff", "reset-pin", "lin"], &data);
    assert!(reset.starts_with("PIN, told once: "), "{reset}");
    for (wrong, why) in [
        (&["staff", "add", "lin", "--name", "Lin"][..], "lin"),
        (
            &["staff", "add", "kim", "--name", "Kim", "--role", "owner"][..],
            "owner",
        ),
        (&["staff", "reset-pin", "nobody"][..], "nobody"),
        (
            &["staff", "role", "odd", "--ask", "sell"][..],
            "/permissions/sell",
        ),
        (&["staff", "role", "admin", "--deny", "sell"][..], "admin"),
    ] {
        let (succeeded, said) = run_to_end(wrong, &data);
        assert!(!succeeded && said.contains(why), "{wrong:?}: {said}");
    }
}

#[test]
fn cards_are_made_by_the_thousand_and_their_numbers_printed_one_a_line() {
    let (_folder, data) = chain();
    let unknown = run_to_end(&["cards", "make", "--type", "gold", "--count", "1"], &data);
    assert!(!unknown.0 && unknown.1.contains("gold"), "{}", unknown.1);
    let gold = [
        "cards",
        "type",
        "gold",
        "--name",
        "Gold",
        "--price",
        "9900",
        "--valid-days",
        "365",
    ];
    assert!(run(&gold, &data).contains("9900"));
    let numbers = run(
        &["cards", "make", "--type", "gold", "--count", "1200"],
        &data,
    );
    let mut numbers: Vec<&str> = numbers.lines().collect();
    assert!(
        numbers
            .iter()
            .all(|number| number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_digit()))
    );
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 1_200);
    let none = run_to_end(&["cards", "make", "--type", "gold", "--count", "0"], &data);
    assert!(!none.0);
}

#[test]
fn a_chain_of_its_own_stores_has_nothing_to_settle() {
    let (_folder, data) = chain();
    let open = run(&["settle", "--currency", "CNY", "--open"], &data);
    assert_eq!(open.trim(), "[]");
    let (succeeded, said) = run_to_end(&["settle", "--currency", "CNY"], &data);
    assert!(!succeeded && said.contains("CNY"), "{said}");
    let (succeeded, said) = run_to_end(
        &["settle", "--currency", "CNY", "--reverse", "nothing"],
        &data,
    );
    assert!(!succeeded && said.contains("nothing"), "{said}");
}
