//! Rules asked about more than sales: what a member gets for joining, topping up, his birthday, a new tier; once, and
//! what becomes of it when the order it came from is taken back.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera::domain::time::Instant;
use tessera_tests::on_each_database;
use tessera_tests::shop::{Answer, MONDAY, Shop};

const DAY: i64 = 86_400;

async fn bind_events(shop: &Shop, events: Value) -> String {
    shop.bind("points-standard", json!({ "events": events }))
        .await
}

async fn jobs(shop: &Shop) {
    tessera::jobs::run_once(&shop.host).await.expect("jobs run");
}

async fn points(shop: &Shop, member: &str) -> i64 {
    balance(shop, member, "points").await
}

async fn balance(shop: &Shop, member: &str, account: &str) -> i64 {
    let balances = shop.balances(member).await;
    balances.get(account).copied().unwrap_or(0)
}

/// What other things than sales gave a member, the oldest first.
async fn occasions(shop: &Shop, member: &str) -> Vec<Value> {
    let path = format!("/v1/members/{member}/occasions");
    let page = shop.get(&path, &shop.admin).await.ok();
    let mut items = page["items"].as_array().expect("a list").clone();
    items.reverse();
    items
}

async fn names(shop: &Shop, member: &str) -> Vec<String> {
    let all = occasions(shop, member).await;
    let name = |one: &Value| one["name"].as_str().expect("a name").to_owned();
    all.iter().map(name).collect()
}

/// Codes of the coupons a member holds and may still use.
async fn coupons(shop: &Shop, member: &str) -> Vec<String> {
    let path = format!("/v1/members/{member}/coupons");
    let page = shop.get(&path, &shop.admin).await.ok();
    let items = page["items"].as_array().expect("a list").clone();
    let good = items.iter().filter(|coupon| coupon["void"] == false);
    good.map(|coupon| coupon["code"].as_str().expect("a code").to_owned())
        .collect()
}

async fn feedback(shop: &Shop, member: &str, body: Value) -> Answer {
    let path = format!("/v1/members/{member}/occasions");
    shop.post(&path, &shop.till, body).await
}

async fn code_of(shop: &Shop, member: &str) -> String {
    let path = format!("/v1/members/{member}");
    let known = shop.get(&path, &shop.admin).await.ok();
    known["referral_code"].as_str().expect("a code").to_owned()
}

/// Enrols somebody a member brought.
async fn brought(shop: &Shop, referrer: &str) -> String {
    let code = code_of(shop, referrer).await;
    shop.member_with(json!({ "referral_code": code })).await
}

/// Ten off, for whoever has a code.
async fn ten_off(shop: &Shop, name: &str) {
    let config = json!({ "trigger": "code", "discount": { "amount": { "off": 1_000 } } });
    let more = json!({ "stage": "coupons", "name": name });
    shop.bind_with("promo-standard", config, more).await;
}

fn coffee(member: &str) -> Value {
    json!({ "member": { "id": member }, "lines": [{ "product": "coffee" }] })
}

fn id(order: &Value) -> &str {
    order["id"].as_str().expect("an id")
}

/// 2026-02-28T10:00:00+08:00, a Saturday of a year without the 29th.
const LAST_OF_FEBRUARY: Instant = Instant(MONDAY.0 - 2 * DAY * 1_000_000);

on_each_database! {
    async fn joining_gives_the_welcome_points_of_the_home_store_once(shop) {
        bind_events(&shop, json!([{ "on": "enrolment", "points": 200 }])).await;
        let west = json!({ "scope": "store:west" });
        shop.bind_with("points-standard", json!({ "events": [{ "on": "enrolment", "points": 50 }] }), west).await;
        let body = json!({ "home_store": "east" });
        let first = shop.post_as("/v1/members", &shop.till, "join-1", body.clone()).await.ok();
        let again = shop.post_as("/v1/members", &shop.till, "join-1", body).await;
        assert!(again.is_replayed());
        let member = id(&first);
        assert_eq!(points(&shop, member).await, 200);
        let given = occasions(&shop, member).await;
        assert_eq!(given.len(), 1);
        assert_eq!((&given[0]["kind"], &given[0]["points_earned"]), (&json!("enrolment"), &json!(200)));
        assert_eq!(given[0]["awards"][0]["reason"], "200 points to welcome you");
        let lots = shop.wallet(member).await[0]["lots"].clone();
        assert_eq!(lots[0]["source"], given[0]["id"]);
        assert!(shop.events().await.contains(&"occasion.rewarded".to_owned()));
        shop.verify().await;
        let again = tessera::audit::reexecute(&shop.host.db, shop.host.catalog.engine()).await.unwrap();
        assert_eq!((again.orders, again.evaluations), (0, 1));
    }

    async fn a_top_up_earns_on_its_principal_and_a_retry_earns_nothing_more(shop) {
        bind_events(&shop, json!([
            { "on": "top-up", "points_per": { "spend": 1_000, "points": 1 } },
            { "on": "top-up", "points": 500, "minimum": 100_000 },
        ])).await;
        let member = shop.member().await;
        shop.top_up(&member, 20_000, 2_000).await;
        assert_eq!(points(&shop, &member).await, 20);
        let path = format!("/v1/members/{member}/top-ups");
        let body = json!({ "store": "east", "amount": 100_000, "tender": { "kind": "cash" } });
        for _ in 0..2 {
            shop.post_as(&path, &shop.till, "top-up-1", body.clone()).await.ok();
        }
        assert_eq!(points(&shop, &member).await, 520);
        assert_eq!(occasions(&shop, &member).await.len(), 2);
        shop.verify().await;
    }

    async fn what_no_rule_reacts_to_leaves_no_row(shop) {
        bind_events(&shop, json!([{ "on": "feedback", "points": 5 }])).await;
        let member = shop.member().await;
        shop.top_up(&member, 20_000, 0).await;
        jobs(&shop).await;
        assert!(occasions(&shop, &member).await.is_empty());
        shop.verify().await;
        let again = tessera::audit::reexecute(&shop.host.db, shop.host.catalog.engine()).await.unwrap();
        assert_eq!(again.evaluations, 0);
    }

    async fn a_binding_that_ended_is_not_asked(shop) {
        let binding = bind_events(&shop, json!([{ "on": "enrolment", "points": 200 }])).await;
        let path = format!("/v1/bindings/{binding}");
        let ended = shop.send(axum::http::Method::DELETE, &path, &shop.admin, None, None).await;
        assert!(ended.status.is_success(), "{}", ended.body);
        let member = shop.member().await;
        assert_eq!(points(&shop, &member).await, 0);
    }

    // A budget of 250 for three newcomers who get 100 each: the third gets the rest, the fourth nothing.
    async fn limits_and_budgets_of_a_binding_hold(shop) {
        let budget = json!({ "name": "budget", "scope": "chain", "period": "lifetime", "counts": "points", "limit": 250 });
        let config = json!({ "events": [{ "on": "enrolment", "points": 100 }] });
        shop.bind_with("points-standard", config, json!({ "limits": [budget] })).await;
        join_all((0..4).map(|_| shop.member())).await;
        assert_eq!(shop.system("points-issued", "points:main").await, -250);
        shop.verify().await;
    }

    async fn feedback_is_counted_once_per_reference(shop) {
        bind_events(&shop, json!([{ "on": "feedback", "points": 5 }])).await;
        let member = shop.member().await;
        let survey = json!({ "kind": "feedback", "reference": "survey-1" });
        let given = feedback(&shop, &member, survey.clone()).await;
        assert!(!given.is_replayed());
        assert_eq!(given.ok()["occasion"]["points_earned"], 5);
        let again = feedback(&shop, &member, survey).await;
        assert!(again.is_replayed());
        assert_eq!(again.ok()["occasion"]["points_earned"], 5);
        let other = json!({ "kind": "feedback", "reference": "survey-2" });
        feedback(&shop, &member, other).await.ok();
        assert_eq!(points(&shop, &member).await, 10);
        assert_eq!(names(&shop, &member).await, ["feedback/survey-1", "feedback/survey-2"]);
        shop.verify().await;
    }

    async fn of_64_reports_of_one_survey_at_once_one_counts(shop) {
        bind_events(&shop, json!([{ "on": "feedback", "points": 5 }])).await;
        let member = shop.member().await;
        let survey = json!({ "kind": "feedback", "reference": "survey-1" });
        let answers = join_all((0..64).map(|_| feedback(&shop, &member, survey.clone()))).await;
        let fresh = answers.iter().filter(|answer| !answer.is_replayed()).count();
        for answer in answers {
            assert_eq!(answer.ok()["occasion"]["points_earned"], 5);
        }
        assert_eq!((fresh, points(&shop, &member).await), (1, 5));
        shop.verify().await;
    }

    async fn two_hosts_count_one_survey_once(shop) {
        let Some(other) = shop.second_host().await else { return };
        bind_events(&shop, json!([{ "on": "feedback", "points": 5 }])).await;
        other.host.refresh().await.unwrap();
        let member = shop.member().await;
        for number in 0..4 {
            let survey = json!({ "kind": "feedback", "reference": format!("survey-{number}") });
            join_all((0..4).map(|at| {
                feedback(if at % 2 == 0 { &shop } else { &other }, &member, survey.clone())
            })).await;
        }
        assert_eq!(points(&shop, &member).await, 20);
        shop.verify().await;
    }

    async fn a_report_that_makes_no_sense_is_refused(shop) {
        bind_events(&shop, json!([{ "on": "feedback", "points": 5 }, { "on": "manual", "points": 7 }])).await;
        let (member, blocked) = (shop.member().await, shop.member().await);
        let survey = json!({ "kind": "feedback", "reference": "survey-1" });
        let nobody = uuid::Uuid::now_v7().to_string();
        assert_eq!(feedback(&shop, &nobody, survey.clone()).await.refused(422), "member_unknown");
        shop.put(&format!("/v1/members/{blocked}"), json!({ "status": "blocked" })).await;
        assert_eq!(feedback(&shop, &blocked, survey.clone()).await.refused(409), "member_inactive");
        let path = format!("/v1/members/{member}/occasions");
        shop.post_as(&path, &shop.till, "report-1", survey.clone()).await.ok();
        let reused = json!({ "kind": "feedback", "reference": "survey-2" });
        let reused = shop.post_as(&path, &shop.till, "report-1", reused).await;
        assert_eq!(reused.refused(422), "idempotency_key_reused");
        let bare = shop.send(axum::http::Method::POST, &path, &shop.till, None, Some(survey)).await;
        assert_eq!(bare.refused(400), "idempotency_key_missing");
        let birthday = json!({ "kind": "birthday", "reference": "x" });
        assert_eq!(feedback(&shop, &member, birthday).await.status, 422);
        let negative = json!({ "kind": "feedback", "reference": "x", "amount": -1 });
        assert_eq!(feedback(&shop, &member, negative).await.pointers(), ["/amount"]);
        let stranger = shop.buy(coffee(&shop.member().await)).await;
        let theirs = json!({ "kind": "feedback", "reference": "x", "order": stranger["id"] });
        assert_eq!(feedback(&shop, &member, theirs).await.refused(404), "order_unknown");
        // By hand takes more than a till.
        let manual = json!({ "kind": "manual", "reference": "x", "store": "east" });
        assert_eq!(feedback(&shop, &member, manual.clone()).await.refused(403), "forbidden");
        let given = shop.post(&path, &shop.admin, manual).await.ok();
        assert_eq!(given["occasion"]["points_earned"], 7);
        assert_eq!(points(&shop, &member).await, 12);
        shop.verify().await;
    }

    // The key is spent by what is given, not by a rule that could give nothing.
    async fn a_coupon_nobody_would_honour_is_named_and_given_once_somebody_does(shop) {
        bind_events(&shop, json!([{ "on": "feedback", "coupons": { "binding": "thank-you" } }])).await;
        let member = shop.member().await;
        let path = format!("/v1/members/{member}/occasions");
        let survey = json!({ "kind": "feedback", "reference": "survey-1" });
        for _ in 0..2 {
            let answer = shop.post_as(&path, &shop.till, "report-1", survey.clone()).await.ok();
            let said = answer["skipped"][0]["message"].as_str().expect("a sentence");
            assert!(said.contains("`thank-you`"), "{said}");
            assert!(answer["occasion"].is_null());
        }
        assert!(shop.events().await.contains(&"occasion.rule_skipped".to_owned()));
        // A promotion that applies by itself would not look at the coupon.
        let by_itself = json!({ "discount": { "amount": { "off": 1_000 } }, "minimum": { "amount": 90_000 } });
        shop.bind_with("promo-standard", by_itself, json!({ "name": "thank-you" })).await;
        let answer = shop.post_as(&path, &shop.till, "report-1", survey.clone()).await.ok();
        assert_eq!(answer["skipped"][0]["campaign"]["plugin"], "points-standard");
        ten_off(&shop, "thank-you").await;
        for _ in 0..2 {
            let answer = shop.post_as(&path, &shop.till, "report-1", survey.clone()).await.ok();
            assert_eq!(answer["skipped"], json!([]));
            assert_eq!(answer["occasion"]["grants"][0]["name"], "thank-you");
        }
        assert_eq!(coupons(&shop, &member).await.len(), 1);
        shop.verify().await;
    }

    // Points are given, the coupon is not; asked again, the same is said.
    async fn what_is_given_beside_a_coupon_nobody_would_honour_is_given(shop) {
        bind_events(&shop, json!([{ "on": "feedback", "points": 5, "coupons": { "binding": "nowhere" } }])).await;
        let member = shop.member().await;
        let path = format!("/v1/members/{member}/occasions");
        let survey = json!({ "kind": "feedback", "reference": "survey-1" });
        let first = shop.post_as(&path, &shop.till, "report-1", survey.clone()).await.ok();
        assert_eq!((&first["occasion"]["points_earned"], &first["occasion"]["grants"]), (&json!(5), &json!([])));
        assert!(first["skipped"][0]["message"].as_str().is_some_and(|said| said.contains("`nowhere`")));
        let again = shop.post_as(&path, &shop.till, "report-1", survey).await;
        assert!(again.is_replayed());
        assert_eq!(again.ok(), first);
        shop.verify().await;
    }

    // A rule that fails is told in an event; whoever joins joins, whatever the binding says.
    async fn a_rule_that_fails_stops_nobody_from_joining(shop) {
        crate::misbehaving::infest(&shop, "trap", "refuse-order").await;
        bind_events(&shop, json!([{ "on": "enrolment", "points": 200 }])).await;
        let member = shop.member().await;
        assert_eq!(points(&shop, &member).await, 200);
        assert!(shop.events().await.contains(&"occasion.rule_skipped".to_owned()));
        shop.verify().await;
    }

    // 2 March 2026 in Shanghai; in Urumqi, two hours behind, its own morning.
    async fn birthdays_are_found_on_the_day_of_the_home_store(shop) {
        // 1 March, 23:00 in Shanghai, 21:00 in Urumqi.
        shop.set_clock(Instant(MONDAY.0 - 11 * 3_600 * 1_000_000));
        bind_events(&shop, json!([
            { "on": "birthday", "points": 50 },
            { "on": "birthday", "points": 80, "who": { "new_for_days": 1 } },
        ])).await;
        let born = |day: u8| json!({ "person": { "birthday": { "month": 3, "day": day } } });
        let today = shop.member_with(born(1)).await;
        assert_eq!(points(&shop, &today).await, 80);
        let east = shop.member_with(born(2)).await;
        let far = json!({ "home_store": "west", "person": { "birthday": { "month": 3, "day": 2 } } });
        let west = shop.post("/v1/members", &shop.west_till, far).await.ok();
        let (west, other) = (id(&west).to_owned(), shop.member_with(born(3)).await);
        jobs(&shop).await;
        assert_eq!((points(&shop, &east).await, points(&shop, &west).await), (0, 0));
        // Midnight and a half in Shanghai.
        shop.later(5_400);
        jobs(&shop).await;
        assert_eq!((points(&shop, &east).await, points(&shop, &west).await), (50, 0));
        shop.later(7_200);
        jobs(&shop).await;
        jobs(&shop).await;
        assert_eq!((points(&shop, &east).await, points(&shop, &west).await), (50, 50));
        assert_eq!((points(&shop, &other).await, points(&shop, &today).await), (0, 80));
        assert_eq!(names(&shop, &west).await, ["birthday/2026"]);
        // The next year brings the next present.
        shop.later(365 * DAY);
        jobs(&shop).await;
        assert_eq!(points(&shop, &east).await, 100);
        shop.verify().await;
    }

    async fn who_was_born_or_joined_on_a_leap_day_has_it_on_the_28th(shop) {
        // 29 February 2024.
        let leap_day = Instant(LAST_OF_FEBRUARY.0 - 730 * DAY * 1_000_000);
        shop.set_clock(leap_day);
        bind_events(&shop, json!([{ "on": "birthday", "points": 50 }, { "on": "anniversary", "points": 30 }])).await;
        let born = json!({ "person": { "birthday": { "year": 1996, "month": 2, "day": 29 } } });
        let member = shop.member_with(born).await;
        assert_eq!(names(&shop, &member).await, ["birthday/2024"]);
        jobs(&shop).await;
        shop.set_clock(Instant(LAST_OF_FEBRUARY.0 - DAY * 1_000_000));
        jobs(&shop).await;
        assert_eq!(points(&shop, &member).await, 50);
        shop.set_clock(LAST_OF_FEBRUARY);
        jobs(&shop).await;
        let mut all = names(&shop, &member).await;
        all.sort();
        assert_eq!(all, ["anniversary/2026", "birthday/2024", "birthday/2026"]);
        assert_eq!(points(&shop, &member).await, 130);
        shop.verify().await;
    }

    // A host that was away three days, and two hosts at once.
    async fn a_birthday_round_goes_on_where_it_stopped_and_gives_once(shop) {
        bind_events(&shop, json!([{ "on": "birthday", "points": 50 }])).await;
        let born = |day: u8| json!({ "person": { "birthday": { "month": 3, "day": day } } });
        let third = shop.member_with(born(3)).await;
        let fifth = shop.member_with(born(5)).await;
        let tenth = shop.member_with(born(10)).await;
        jobs(&shop).await;
        shop.later(3 * DAY);
        let other = shop.second_host().await;
        match &other {
            Some(other) => {
                other.host.clock.set(shop.host.clock.now());
                futures_util::future::join(jobs(&shop), jobs(other)).await;
            }
            None => jobs(&shop).await,
        }
        assert_eq!((points(&shop, &third).await, points(&shop, &fifth).await), (50, 50));
        // Away for more than a week: what is longer past is not made up for.
        shop.later(20 * DAY);
        jobs(&shop).await;
        assert_eq!(points(&shop, &tenth).await, 0);
        shop.verify().await;
    }

    async fn a_changed_birthday_is_found_and_an_erased_person_is_not(shop) {
        bind_events(&shop, json!([{ "on": "birthday", "points": 50 }])).await;
        let (moved, erased) = (shop.member().await, shop.member().await);
        for member in [&moved, &erased] {
            let born = json!({ "person": { "birthday": { "month": 3, "day": 3 } } });
            shop.put(&format!("/v1/members/{member}"), born).await;
        }
        let path = format!("/v1/members/{erased}/person");
        shop.send(axum::http::Method::DELETE, &path, &shop.admin, None, None).await.ok();
        shop.later(DAY);
        jobs(&shop).await;
        assert_eq!((points(&shop, &moved).await, points(&shop, &erased).await), (50, 0));
    }

    // Both sides get a coupon, the referrer 10.00 of bonus and, from a points rule, 30 points beside.
    async fn joining_on_a_recommendation_pays_both_sides(shop) {
        ten_off(&shop, "welcome").await;
        shop.bind("referral-standard", json!({
            "on": "joining", "referee_points": 0, "referrer_points": 0,
            "referee_coupons": { "binding": "welcome", "valid_days": 30 },
            "referrer_coupons": { "binding": "welcome", "count": 2 },
            "referrer_bonus": { "amount": 1_000, "valid_days": 90 }, "cap": 1,
        })).await;
        bind_events(&shop, json!([{ "on": "referral", "points": 30 }])).await;
        let referrer = shop.member().await;
        let newcomer = brought(&shop, &referrer).await;
        assert_eq!(coupons(&shop, &newcomer).await.len(), 1);
        assert_eq!(coupons(&shop, &referrer).await.len(), 2);
        let balances = shop.balances(&referrer).await;
        assert_eq!((balances["bonus"], balances["points"]), (1_000, 30));
        assert_eq!(names(&shop, &newcomer).await, ["joining"]);
        assert_eq!(names(&shop, &referrer).await, [format!("referral/{newcomer}")]);
        // The coupon is his alone, and takes ten off.
        let code = coupons(&shop, &newcomer).await.remove(0);
        let mut basket = coffee(&newcomer);
        basket["codes"] = json!([code]);
        assert_eq!(shop.buy(basket).await["totals"]["total"], 1_000);
        // The cap of one is reached: the next newcomer gets his, the referrer nothing from this rule.
        let second = brought(&shop, &referrer).await;
        assert_eq!(coupons(&shop, &second).await.len(), 1);
        assert_eq!(coupons(&shop, &referrer).await.len(), 2);
        assert_eq!(points(&shop, &referrer).await, 60);
        shop.verify().await;
    }

    async fn a_referrer_sees_what_each_one_brought_him_and_what_was_taken_back(shop) {
        shop.bind("referral-standard", json!({ "referee_points": 0, "referrer_points": 100 })).await;
        bind_events(&shop, json!([{ "on": "referral", "points": 30 }])).await;
        let referrer = shop.member().await;
        let (first, second) = (brought(&shop, &referrer).await, brought(&shop, &referrer).await);
        let order = shop.buy(coffee(&first)).await;
        // His own purchases are no referral's.
        shop.buy(coffee(&referrer)).await;
        let seen = async || {
            let list = shop.get(&format!("/v1/members/{referrer}/referrals"), &shop.till).await.ok();
            let of = |member: &str| {
                let mut items = list["items"].as_array().expect("a list").iter();
                let item = items.find(|item| item["member"] == member).expect("he was referred").clone();
                (item["points"].as_i64(), item["points_taken_back"].as_i64(), item["bonus"].as_i64())
            };
            (of(&first), of(&second))
        };
        assert_eq!(seen().await, ((Some(130), Some(0), Some(0)), (Some(30), Some(0), Some(0))));
        shop.refund(order["id"].as_str().expect("an id"), Value::Null).await.ok();
        assert_eq!(seen().await, ((Some(130), Some(100), Some(0)), (Some(30), Some(0), Some(0))));
        shop.verify().await;
    }

    async fn joining_twice_with_one_phone_pays_once(shop) {
        shop.bind("referral-standard", json!({ "on": "joining", "referee_points": 20, "referrer_points": 30 })).await;
        let phone = |number: &str| json!({ "phone": number });
        let referrer = shop.member_with(json!({ "person": phone("13800000001") })).await;
        let code = code_of(&shop, &referrer).await;
        let joins = json!({ "home_store": "east", "referral_code": code, "person": phone("13800000002") });
        let first = shop.post("/v1/members", &shop.till, joins.clone()).await.ok();
        let again = shop.post("/v1/members", &shop.till, joins).await;
        assert_eq!(again.refused(409), "phone_taken");
        let own = json!({ "home_store": "east", "referral_code": code, "person": phone("13800000001") });
        assert_eq!(shop.post("/v1/members", &shop.till, own).await.refused(422), "referrer_refused");
        assert_eq!(points(&shop, &referrer).await, 30);
        assert_eq!(points(&shop, id(&first)).await, 20);
        // An order pays nothing where joining does.
        shop.buy(coffee(id(&first))).await;
        assert_eq!(points(&shop, &referrer).await, 30);
        shop.verify().await;
    }

    // What rests on the occasion goes back with the last of the order, whatever a review at a refund says of the tier.
    async fn the_gift_of_a_lost_tier_goes_back_with_the_last_of_its_order(shop) {
        shop.settings(json!({ "tier_review_on_refund": true })).await;
        let silver = json!({ "code": "silver", "name": "Silver", "threshold": 10_000, "multiplier": 1 });
        let ladder = json!({ "window_days": 365, "validity_days": 365, "refund_lowers": true, "tiers": [silver] });
        shop.bind("tier-standard", ladder).await;
        bind_events(&shop, json!([{ "on": "tier-reached", "points": 100 }, { "on": "feedback", "points": 7 }])).await;
        let member = shop.member().await;
        let mut five = coffee(&member);
        five["lines"][0]["quantity"] = json!("5");
        let order = shop.buy(five).await;
        let about = json!({ "kind": "feedback", "reference": "survey", "order": id(&order), "store": "east" });
        feedback(&shop, &member, about).await.ok();
        let refund = shop.refund(id(&order), json!([[0, "3"]])).await.ok();
        assert_eq!(refund["tier"], json!({ "before": "silver", "after": null }));
        assert_eq!(points(&shop, &member).await, 107);
        let rest = shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(rest["gifts_taken_back"]["occasions"].as_array().map(Vec::len), Some(2));
        assert!(shop.balances(&member).await.is_empty());
        shop.verify().await;
    }

    // Of two coupons for an order the first is used; half the order back takes the other one.
    async fn a_refund_takes_the_coupon_back_that_nobody_used(shop) {
        ten_off(&shop, "thanks").await;
        shop.bind("promo-standard", json!({
            "discount": { "coupons": { "binding": "thanks", "count": 2 } }, "minimum": { "amount": 4_000 },
        })).await;
        let member = shop.member().await;
        let mut two = coffee(&member);
        two["lines"][0]["quantity"] = json!("2");
        let order = shop.buy(two).await;
        let codes = order["grants"][0]["codes"].clone();
        let mut using = coffee(&member);
        using["codes"] = json!([codes[0]]);
        shop.buy(using).await;
        let refund = shop.refund(id(&order), json!([[0, "1"]])).await.ok();
        assert_eq!(refund["gifts_taken_back"]["coupons"], json!([codes[1]]));
        let refund = shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(refund["gifts_taken_back"]["coupons"], json!([codes[0]]));
        shop.verify().await;
    }

    // The friend who brought him spent his 5.00; that is the friend's debt and not kept from the buyer's money.
    async fn what_another_member_spent_of_his_reward_reduces_nobody_elses_refund(shop) {
        shop.settings(json!({ "refund_spent_points": "reduce-refund" })).await;
        shop.bind("referral-standard", json!({
            "referee_points": 0, "referrer_points": 0, "referrer_bonus": { "amount": 500 },
        })).await;
        let referrer = shop.member().await;
        let newcomer = brought(&shop, &referrer).await;
        let order = shop.buy(coffee(&newcomer)).await;
        let mut spends = coffee(&referrer);
        spends["tenders"] = json!([{ "kind": "stored-value" }, { "kind": "cash" }]);
        shop.buy(spends).await;
        let refund = shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!((&refund["kept_back"], &refund["payouts"][0]["amount"]), (&json!(0), &json!(2_000)));
        assert_eq!(balance(&shop, &referrer, "bonus-debt").await, -500);
        shop.verify().await;
    }

    // 100.00 makes silver: 100 points, a coupon and 5.00 of bonus. When the order goes back, so do they.
    async fn the_gift_of_a_tier_goes_back_with_the_order_that_reached_it(shop) {
        let silver = json!({ "code": "silver", "name": "Silver", "threshold": 10_000, "multiplier": 1 });
        shop.bind("tier-standard", json!({ "window_days": 365, "validity_days": 365, "tiers": [silver] })).await;
        ten_off(&shop, "silver-gift").await;
        bind_events(&shop, json!([{
            "on": "tier-reached", "points": 100, "who": { "tiers": ["silver"] },
            "coupons": { "binding": "silver-gift" }, "bonus": { "amount": 500 },
        }])).await;
        let member = shop.member().await;
        let mut five = coffee(&member);
        five["lines"][0]["quantity"] = json!("5");
        let order = shop.buy(five).await;
        let gift = occasions(&shop, &member).await;
        assert_eq!((&gift[0]["kind"], &gift[0]["order"]), (&json!("tier-reached"), &order["id"]));
        assert_eq!(gift[0]["grants"].as_array().unwrap().len(), 2);
        let balances = shop.balances(&member).await;
        assert_eq!((balances["points"], balances["bonus"]), (100, 500));
        assert_eq!(coupons(&shop, &member).await.len(), 1);
        // Holding it is not reaching it.
        shop.buy(coffee(&member)).await;
        assert_eq!(points(&shop, &member).await, 100);
        // 3.00 of the bonus is spent; half an order takes nothing back.
        let mut wallet = coffee(&member);
        wallet["tenders"] = json!([{ "kind": "stored-value", "amount": 300 }, { "kind": "cash" }]);
        shop.buy(wallet).await;
        shop.refund(id(&order), json!([[0, "2"]])).await.ok();
        assert_eq!(balance(&shop, &member, "bonus").await, 200);
        shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(shop.balances(&member).await, [("bonus-debt".to_owned(), -300)].into());
        assert!(coupons(&shop, &member).await.is_empty());
        shop.verify().await;
        // Later bonus repays it.
        shop.top_up(&member, 1_000, 500).await;
        let balances = shop.balances(&member).await;
        assert_eq!((balances["bonus"], balances.get("bonus-debt")), (200, None));
        shop.verify().await;
    }

    // The referrer's reward for the first order is a coupon and 5.00: both go back with it.
    async fn a_referral_order_that_is_refunded_takes_coupon_and_bonus_back(shop) {
        ten_off(&shop, "thanks").await;
        shop.bind("referral-standard", json!({
            "referee_points": 0, "referrer_points": 0,
            "referrer_coupons": { "binding": "thanks" }, "referrer_bonus": { "amount": 500 },
        })).await;
        let referrer = shop.member().await;
        let before = (shop.wallet(&referrer).await, shop.system("bonus-issued", "CNY").await);
        let newcomer = brought(&shop, &referrer).await;
        let order = shop.buy(coffee(&newcomer)).await;
        assert_eq!(order["grants"][0]["member"], referrer.as_str());
        assert_eq!(coupons(&shop, &referrer).await.len(), 1);
        assert_eq!(balance(&shop, &referrer, "bonus").await, 500);
        shop.refund(id(&order), Value::Null).await.ok();
        assert!(coupons(&shop, &referrer).await.is_empty());
        let after = (shop.wallet(&referrer).await, shop.system("bonus-issued", "CNY").await);
        assert_eq!(after, before);
        shop.verify().await;
    }

    // A hundred for a first order of 100.00 at least; four of five coffees come back, and so do 80 points and 4.00.
    async fn the_reward_of_a_large_order_does_not_stay_with_a_crumb_of_it(shop) {
        shop.bind("referral-standard", json!({
            "referee_points": 0, "referrer_points": 100, "referrer_bonus": { "amount": 500 }, "minimum_amount": 10_000,
        })).await;
        let referrer = shop.member().await;
        let newcomer = brought(&shop, &referrer).await;
        let mut five = coffee(&newcomer);
        five["lines"][0]["quantity"] = json!("5");
        let order = shop.buy(five).await;
        assert_eq!((points(&shop, &referrer).await, balance(&shop, &referrer, "bonus").await), (100, 500));
        let refund = shop.refund(id(&order), json!([[0, "4"]])).await.ok();
        let gifts = &refund["gifts_taken_back"];
        assert_eq!((&gifts["reward_points"], &gifts["bonus"]), (&json!(80), &json!(400)));
        assert_eq!((points(&shop, &referrer).await, balance(&shop, &referrer, "bonus").await), (20, 100));
        shop.verify().await;
        shop.refund(id(&order), Value::Null).await.ok();
        assert!(shop.balances(&referrer).await.is_empty());
        shop.verify().await;
    }

    async fn where_the_chain_says_so_rewards_stay_until_everything_is_back(shop) {
        shop.settings(json!({ "refund_gifts": "with-everything" })).await;
        shop.bind("referral-standard", json!({ "referee_points": 0, "referrer_points": 100 })).await;
        let referrer = shop.member().await;
        let newcomer = brought(&shop, &referrer).await;
        let mut two = coffee(&newcomer);
        two["lines"][0]["quantity"] = json!("2");
        let order = shop.buy(two).await;
        shop.refund(id(&order), json!([[0, "1"]])).await.ok();
        assert_eq!(points(&shop, &referrer).await, 100);
        shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(points(&shop, &referrer).await, 0);
        shop.verify().await;
    }

    async fn what_is_not_to_be_clawed_back_stays(shop) {
        shop.bind("referral-standard", json!({
            "referee_points": 0, "referrer_points": 0, "clawback": false, "referrer_bonus": { "amount": 500 },
        })).await;
        let referrer = shop.member().await;
        let newcomer = brought(&shop, &referrer).await;
        let order = shop.buy(coffee(&newcomer)).await;
        shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(balance(&shop, &referrer, "bonus").await, 500);
        shop.verify().await;
    }

    // Where the chain keeps the worth of what was spent, 5.00 of spent bonus leave 15.00 of the 20.00.
    async fn spent_bonus_reduces_the_refund_where_the_chain_says_so(shop) {
        shop.settings(json!({ "refund_spent_points": "reduce-refund" })).await;
        shop.bind("referral-standard", json!({
            "referee_points": 0, "referrer_points": 0, "referee_bonus": { "amount": 500 },
        })).await;
        let referrer = shop.member().await;
        let newcomer = brought(&shop, &referrer).await;
        let order = shop.buy(coffee(&newcomer)).await;
        let mut spends = coffee(&newcomer);
        spends["tenders"] = json!([{ "kind": "stored-value" }, { "kind": "cash" }]);
        shop.buy(spends).await;
        assert_eq!(balance(&shop, &newcomer, "bonus").await, 0);
        let refund = shop.refund(id(&order), Value::Null).await.ok();
        assert_eq!(refund["kept_back"], 500);
        assert!(shop.balances(&newcomer).await.is_empty());
        shop.verify().await;
    }

    // 90 days: bought on day 0, points given on day 60; all go after day 150.
    async fn points_of_who_stays_away_lapse(shop) {
        shop.settings(json!({ "points_lapse_after_days": 90 })).await;
        shop.bind("points-standard", json!({ "points_per": { "spend": 100, "points": 1 } })).await;
        let (idle, active) = (shop.member().await, shop.member().await);
        shop.buy(coffee(&idle)).await;
        shop.buy(coffee(&active)).await;
        shop.later(60 * DAY);
        shop.give_points(&idle, 5).await;
        for day in [90, 150] {
            shop.set_clock(Instant(MONDAY.0 + day * DAY * 1_000_000));
            jobs(&shop).await;
            if day == 90 {
                shop.buy(coffee(&active)).await;
            }
            assert_eq!(points(&shop, &idle).await, 25, "day {day}");
        }
        shop.later(DAY);
        jobs(&shop).await;
        jobs(&shop).await;
        assert_eq!((points(&shop, &idle).await, points(&shop, &active).await), (0, 40));
        let lapsed = shop.events().await.into_iter().filter(|kind| kind == "member.points_lapsed");
        assert_eq!(lapsed.count(), 1);
        assert_eq!(shop.system("points-issued", "points:main").await, -40);
        shop.verify().await;
    }
}
