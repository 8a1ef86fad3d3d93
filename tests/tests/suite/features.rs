//! The table of features in the README: each row names an operation there is and a scenario that runs.

use std::path::Path;

#[test]
fn every_feature_names_an_operation_and_a_scenario_there_are() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(tests.join(path)).expect("a file");
    let readme = read("../README.md");
    let table = readme.split("## What stores ask for").nth(1);
    let rows = table.expect("the table").lines().skip(4);
    let rows: Vec<Vec<&str>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 10, "{} rows", rows.len());
    let document = serde_json::to_value(tessera::http::openapi()).expect("a document");
    for row in &rows {
        let [_, operation, scenario] = row[..] else {
            panic!("{row:?} has three cells");
        };
        let (method, path) = operation
            .trim_matches('`')
            .split_once(' ')
            .expect("a method and a path");
        let known = &document["paths"][path][method.to_lowercase()];
        assert!(known.is_object(), "there is no {operation}");
        let (file, name) = scenario
            .trim_matches('`')
            .split_once("::")
            .expect("a file and a name");
        let scenarios = read(&format!("tests/suite/{file}.rs"));
        assert!(
            scenarios.contains(&format!("async fn {name}(")),
            "there is no {scenario}"
        );
    }
}
