//! Components that misbehave, and a host that goes on: every refusal and fault names the plugin and
//! the reason, and the evaluation after it is as good as the one before.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use semver::VersionReq;
use tessera::domain::rules::{CounterChange, Needs, PointsProposal, RuleKind, Shown};
use tessera::plugins::catalog::Source;
use tessera::plugins::{
    BadAnswer, Cache, Catalog, CheckedConfig, Engine, EngineSettings, Evaluated, FaultReason,
    Plugin, PluginError,
};
use tessera_tests::{components, facts};

fn settings() -> EngineSettings {
    EngineSettings {
        fuel: 50_000_000,
        deadline: Duration::from_secs(20),
        ..EngineSettings::default()
    }
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(settings()).expect("this machine can reserve a pool"))
}

/// The component of the fixture crate, built once for all tests.
fn hostile_bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| components::build_fixture("hostile"))
}

fn hostile() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    PLUGIN
        .get_or_init(|| {
            engine()
                .compile(hostile_bytes(), None)
                .expect("its shape is fine")
        })
        .clone()
}

fn behaving(plugin: &Plugin, behaviour: &str) -> CheckedConfig {
    plugin
        .validate_config(&format!(r#"{{"behaviour":"{behaviour}"}}"#))
        .expect("a known behaviour")
}

fn evaluate(behaviour: &str) -> Evaluated<PointsProposal> {
    let plugin = hostile();
    plugin.points(&behaving(&plugin, behaviour), &facts::points(10))
}

fn fault(behaviour: &str) -> FaultReason {
    let fault = evaluate(behaviour).output.expect_err(behaviour);
    assert_eq!(
        (fault.plugin.as_str(), fault.version.as_str()),
        ("hostile", "0.1.0")
    );
    assert!(
        fault.to_string().starts_with("plugin hostile 0.1.0: "),
        "{fault}"
    );
    fault.reason
}

fn bad_answer(behaviour: &str) -> BadAnswer {
    match fault(behaviour) {
        FaultReason::BadAnswer(answer) => answer,
        other => panic!("{behaviour}: {other}"),
    }
}

fn assert_still_good() {
    let facts = facts::points(10);
    let answer = evaluate("behave").output.expect("an honest answer");
    assert_eq!(answer.awards.len(), 1);
    assert_eq!(answer.awards[0].points, facts.amount);
}

#[test]
fn a_rule_that_spins_runs_out_of_fuel() {
    let evaluated = evaluate("spin");
    assert_eq!(evaluated.fuel, settings().fuel);
    assert_eq!(
        evaluated.output.unwrap_err().reason,
        FaultReason::OutOfFuel(settings().fuel)
    );
    assert_still_good();
}

#[test]
fn a_rule_that_spins_on_endless_fuel_is_stopped_by_the_clock() {
    let patient = EngineSettings {
        fuel: u64::MAX / 2,
        deadline: Duration::from_millis(50),
        ..settings()
    };
    let plugin = Engine::new(patient)
        .unwrap()
        .compile(hostile_bytes(), None)
        .unwrap();
    let evaluated = plugin.points(&behaving(&plugin, "spin"), &facts::points(1));
    assert_eq!(
        evaluated.output.unwrap_err().reason,
        FaultReason::DeadlinePassed(50)
    );
    assert!(
        plugin
            .points(&behaving(&plugin, "behave"), &facts::points(1))
            .output
            .is_ok()
    );
}

#[test]
fn a_rule_that_panics_traps() {
    assert!(matches!(fault("trap"), FaultReason::Trapped(_)));
    assert_still_good();
}

#[test]
fn a_rule_that_eats_memory_hits_its_limit() {
    assert_eq!(
        fault("eat-memory"),
        FaultReason::OutOfMemory(settings().memory_bytes as u64)
    );
    assert_still_good();
}

#[test]
fn a_rule_that_recurses_exhausts_its_own_stack_only() {
    // Whichever stack ends first, the guest's in its memory or the engine's, the host's goes on.
    assert!(matches!(fault("recurse"), FaultReason::Trapped(_)));
    assert_still_good();
}

#[test]
fn a_rule_that_declines_is_quoted_in_one_short_line() {
    let FaultReason::Refused(sentence) = fault("decline") else {
        panic!("it declined")
    };
    assert!(sentence.starts_with("not today not today"), "{sentence}");
    assert!(sentence.len() <= 2_010 && !sentence.contains('\n'));
}

#[test]
fn a_rule_that_chatters_is_cut_off_and_its_answer_stands() {
    assert!(evaluate("chatter").output.is_ok());
}

#[test]
fn answers_that_break_an_invariant_are_refused_by_name() {
    let too_many = |what: &str, count, limit| BadAnswer::TooMany {
        what: what.into(),
        count,
        limit,
    };
    let cases = [
        (
            "negative-points",
            BadAnswer::NotPositive {
                what: "points".into(),
                value: -5,
            },
        ),
        (
            "no-points",
            BadAnswer::NotPositive {
                what: "points".into(),
                value: 0,
            },
        ),
        ("too-many-awards", too_many("awards", 501, 500)),
        (
            "line-outside",
            BadAnswer::LinePosition {
                position: 999,
                lines: 10,
            },
        ),
        ("line-twice", BadAnswer::LineTwice(0)),
        (
            "counter-outside",
            BadAnswer::CounterPosition {
                position: 0,
                counters: 0,
            },
        ),
        (
            "long-text",
            BadAnswer::TextTooLong {
                what: "an argument".into(),
                limit: 2_000,
            },
        ),
        (
            "control-text",
            BadAnswer::TextCharacters("an argument".into()),
        ),
        (
            "empty-key",
            BadAnswer::TextCharacters("a message key".into()),
        ),
        (
            "divide-by-zero",
            BadAnswer::Ratio {
                numerator: 1,
                denominator: 0,
            },
        ),
        ("sum-too-large", BadAnswer::Overflow),
        (
            "expired-yesterday",
            BadAnswer::Day {
                what: "points expiring".into(),
                day: facts::TODAY.0 - 1,
            },
        ),
        (
            "far-future",
            BadAnswer::Day {
                what: "points expiring".into(),
                day: i32::MAX,
            },
        ),
    ];
    for (behaviour, expected) in cases {
        assert_eq!(bad_answer(behaviour), expected, "{behaviour}");
    }
    assert_still_good();
}

#[test]
fn a_flood_of_awards_is_not_even_read() {
    assert!(matches!(fault("flood-of-awards"), FaultReason::Trapped(_)));
    assert_still_good();
}

#[test]
fn counters_that_were_asked_for_may_change() {
    let plugin = hostile();
    let facts = tessera::domain::rules::PointsFacts {
        counters: vec![3],
        ..facts::points(1)
    };
    let answer = plugin
        .points(&behaving(&plugin, "counter-outside"), &facts)
        .output
        .unwrap();
    assert_eq!(
        answer.counters,
        [CounterChange {
            counter: 0,
            change: 1
        }]
    );
}

#[test]
fn a_wrong_configuration_is_refused_with_the_place() {
    let plugin = hostile();
    let PluginError::Refused(refused) = plugin
        .validate_config(r#"{"behaviour":"nap"}"#)
        .unwrap_err()
    else {
        panic!("the plugin knows no nap")
    };
    assert_eq!(refused.problems[0].pointer, "/behaviour");
    assert!(matches!(
        plugin.validate_config("{"),
        Err(PluginError::Config(_))
    ));
    assert!(matches!(
        plugin.validate_config(&format!("\"{}\"", "x".repeat(70_000))),
        Err(PluginError::Config(_))
    ));
    assert!(matches!(
        plugin.validate_config(""),
        Err(PluginError::Refused(_))
    ));
}

#[test]
fn a_rule_that_spins_while_it_checks_a_configuration_is_stopped() {
    let PluginError::Fault(fault) = hostile()
        .validate_config(r#"{"behaviour":"spin-in-check"}"#)
        .unwrap_err()
    else {
        panic!("it spins")
    };
    assert_eq!(fault.reason, FaultReason::OutOfFuel(settings().fuel));
    let PluginError::Refused(refused) = hostile()
        .validate_config(r#"{"behaviour":"many-problems"}"#)
        .unwrap_err()
    else {
        panic!("it has problems")
    };
    assert_eq!(refused.problems.len(), 50);
}

#[test]
fn a_rule_may_not_need_more_than_it_is_allowed() {
    for (behaviour, word) in [
        ("ask-for-cost", "`cost`"),
        ("ask-for-many-aggregates", "17 aggregates"),
        ("ask-for-nameless-counter", "named"),
    ] {
        let plugin = hostile();
        let error = plugin.needs(&behaving(&plugin, behaviour)).unwrap_err();
        assert!(
            matches!(&error, PluginError::Needs { plugin, .. } if plugin == "hostile"),
            "{error}"
        );
        assert!(error.to_string().contains(word), "{error}");
    }
    let plugin = hostile();
    let modest = Needs {
        shown: Shown {
            products: true,
            categories: true,
            tags: true,
            cost: false,
        },
        ..Needs::default()
    };
    assert_eq!(plugin.needs(&behaving(&plugin, "behave")).unwrap(), modest);
}

#[test]
fn a_rule_asked_as_another_kind_says_so() {
    let plugin = hostile();
    let asked = plugin.promotion(&behaving(&plugin, "behave"), &facts::promotion(1));
    let wrong = FaultReason::WrongKind {
        is: RuleKind::Points,
        asked: RuleKind::Promotion,
    };
    assert_eq!(asked.output.unwrap_err().reason, wrong);
}

#[test]
fn files_that_are_no_rules_are_refused_before_they_run() {
    let good = hostile_bytes();
    let refused = |bytes: &[u8]| match engine().compile(bytes, None) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    };
    assert!(matches!(refused(b""), PluginError::NotAComponent(_)));
    assert!(matches!(
        refused(b"MZ this is something else"),
        PluginError::NotAComponent(_)
    ));
    assert!(matches!(refused(&good[..8]), PluginError::Manifest(_)));
    assert!(matches!(
        refused(&components::core_module()),
        PluginError::NotAComponent(_)
    ));
    for length in (8..good.len()).step_by(good.len() / 40) {
        let error = refused(&good[..length]);
        assert!(
            matches!(
                error,
                PluginError::Manifest(_) | PluginError::NotAComponent(_)
            ),
            "{length}: {error}"
        );
    }
    let huge = vec![0; settings().plugin_bytes + 1];
    assert!(matches!(refused(&huge), PluginError::TooLarge { .. }));
    assert_still_good();
}

#[test]
fn components_of_the_wrong_shape_are_refused_by_name() {
    let refused = |bytes: &[u8]| match engine().compile(bytes, None) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    };
    let manifest = components::manifest_of(hostile_bytes());
    assert!(matches!(
        refused(&components::exporting_nothing(&manifest)),
        PluginError::NoRule
    ));
    let clock = components::importing(&manifest, "wasi:clocks/monotonic-clock@0.2.0");
    let error = refused(&clock);
    assert!(
        error
            .to_string()
            .contains("wasi:clocks/monotonic-clock@0.2.0"),
        "{error}"
    );
    assert!(matches!(
        refused(&components::exporting_nothing(b"{")),
        PluginError::Manifest(_)
    ));
    let greedy = components::with_memory_of(&manifest, 1 << 30);
    assert!(
        matches!(refused(&greedy), PluginError::NotAComponent(_)),
        "{}",
        refused(&greedy)
    );
}

#[test]
fn flipping_any_bit_of_a_component_never_brings_the_host_down() {
    let mut bytes = hostile_bytes().to_vec();
    let step = bytes.len() / 12;
    for at in (0..bytes.len()).step_by(step) {
        bytes[at] ^= 1 << (at % 8);
        if let Ok(plugin) = engine().compile(&bytes, None)
            && let Ok(config) = plugin.validate_config(r#"{"behaviour":"behave"}"#)
        {
            let _ = plugin.points(&config, &facts::points(3)).record();
        }
        bytes[at] ^= 1 << (at % 8);
    }
    assert_still_good();
}

#[test]
fn eight_threads_get_the_answers_one_would_get() {
    let plugin = hostile();
    let (good, bad) = (behaving(&plugin, "behave"), behaving(&plugin, "eat-memory"));
    let expected: Vec<_> = (1..=20)
        .map(|lines| plugin.points(&good, &facts::points(lines)))
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (plugin, good, bad, expected) = (&plugin, &good, &bad, &expected);
            scope.spawn(move || {
                for round in 0..200 {
                    let lines = (round + thread) % 20 + 1;
                    let evaluated = plugin.points(good, &facts::points(lines));
                    assert_eq!(evaluated.output, expected[lines - 1].output);
                    assert_eq!(evaluated.fuel, expected[lines - 1].fuel);
                    if round % 50 == thread {
                        assert!(plugin.points(bad, &facts::points(1)).output.is_err());
                    }
                }
            });
        }
    });
}

#[test]
fn more_calls_than_places_wait_for_one() {
    let narrow = EngineSettings {
        concurrent: 2,
        ..settings()
    };
    let plugin = Engine::new(narrow)
        .unwrap()
        .compile(hostile_bytes(), None)
        .unwrap();
    let config = behaving(&plugin, "behave");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                (0..100)
                    .for_each(|_| assert!(plugin.points(&config, &facts::points(5)).output.is_ok()))
            });
        }
    });
}

#[test]
fn an_evaluation_made_again_gives_the_same_bytes_and_fuel() {
    let plugin = hostile();
    let facts = facts::points(10);
    let facts_json = serde_json::to_string(&facts).unwrap();
    for behaviour in [
        "behave",
        "trap",
        "spin",
        "eat-memory",
        "negative-points",
        "decline",
    ] {
        let config = behaving(&plugin, behaviour);
        let first = plugin.points(&config, &facts);
        let again = plugin.reexecute(&config.json, &facts_json).unwrap();
        assert_eq!(again.output, first.record().unwrap(), "{behaviour}");
        assert_eq!(again.fuel, first.fuel, "{behaviour}");
    }
    let config = behaving(&plugin, "behave");
    assert!(matches!(
        plugin.reexecute(&config.json, "{}"),
        Err(PluginError::Record(_))
    ));
}

#[test]
fn compiled_code_is_kept_and_counts_only_when_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("compiled");
    let open = || Cache::open(&place).unwrap();
    let entries = || -> Vec<PathBuf> {
        let listed = std::fs::read_dir(&place)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        listed
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "native")
            })
            .collect()
    };
    let works = |cache: &Cache| {
        let plugin = engine().compile(hostile_bytes(), Some(cache)).unwrap();
        assert!(
            plugin
                .points(&behaving(&plugin, "behave"), &facts::points(3))
                .output
                .is_ok()
        );
    };
    works(&open());
    assert_eq!(entries().len(), 1);
    assert_private(&place, &place.join("key"));
    let entry = entries().remove(0);
    let written = std::fs::read(&entry).unwrap();
    works(&open());
    assert_eq!(std::fs::read(&entry).unwrap(), written);

    for at in [0, 40, written.len() / 2, written.len() - 1] {
        let mut touched = written.clone();
        touched[at] ^= 1;
        std::fs::write(&entry, &touched).unwrap();
        works(&open());
        assert_ne!(std::fs::read(&entry).unwrap(), touched, "compiled again");
    }
    for stump in [0, 10, 33] {
        std::fs::write(&entry, &written[..stump]).unwrap();
        works(&open());
    }
    // Another key makes every entry worthless.
    std::fs::write(place.join("key"), [7; 32]).unwrap();
    works(&open());
}

#[cfg(unix)]
fn assert_private(folder: &Path, key: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder), mode(key)), (0o700, 0o600));
}

#[cfg(not(unix))]
fn assert_private(_folder: &Path, _key: &Path) {}

#[test]
fn the_catalog_finds_the_newest_version_a_binding_admits() {
    let catalog = Catalog::new(engine().clone(), None);
    let version = |version: &str, permissions: &[&str]| {
        components::with_manifest(hostile_bytes(), |manifest| {
            manifest["version"] = version.into();
            manifest["permissions"] = permissions.into();
        })
    };
    let install = |bytes: &[u8]| catalog.install(bytes, Source::Installed);
    for (number, permissions) in [
        ("1.0.0", &[][..]),
        ("1.2.0", &[]),
        ("1.3.0", &["cost"]),
        ("2.0.0", &[]),
    ] {
        install(&version(number, permissions)).unwrap();
    }
    let sale = catalog.snapshot();
    let found = |range: &str, granted: Option<&[String]>| {
        let range = VersionReq::parse(range).unwrap();
        sale.find("hostile", &range, granted)
            .map(|plugin| plugin.manifest().version.to_string())
    };
    let cost = ["cost".to_string()];
    assert_eq!(found("^1", None).as_deref(), Some("1.3.0"));
    assert_eq!(found("^1", Some(&cost)).as_deref(), Some("1.3.0"));
    assert_eq!(
        found("^1", Some(&[])).as_deref(),
        Some("1.2.0"),
        "its permissions must not grow"
    );
    assert_eq!(found(">=1", Some(&[])).as_deref(), Some("2.0.0"));
    assert_eq!(found("^3", None), None);
    assert!(sale.find("unknown", &VersionReq::STAR, None).is_none());
    assert_eq!(sale.plugins().count(), 4);

    let first = version("1.0.0", &[]);
    assert!(
        install(&first).is_ok(),
        "the same bytes again change nothing"
    );
    let other =
        components::with_manifest(&first, |manifest| manifest["description"] = "other".into());
    assert!(matches!(
        install(&other),
        Err(PluginError::VersionTaken { .. })
    ));
    let archived = catalog.install(&other, Source::Archived).unwrap();
    let now = catalog.snapshot();
    let standing = now
        .version("hostile", &semver::Version::new(1, 0, 0))
        .unwrap();
    assert_ne!(standing.digest(), archived.digest());
    assert!(now.by_digest(archived.digest()).is_some());
    assert!(
        sale.by_digest(archived.digest()).is_none(),
        "a sale keeps the snapshot it started with"
    );
}
