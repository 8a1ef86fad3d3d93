//! A thousand invented members, the same on every machine.

/// A person as the demo enrols him.
pub struct Person {
    pub name: String,
    pub phone: String,
    /// Month and day, year.
    pub birthday: (u32, u32, i32),
    /// Position of his home store.
    pub store: usize,
    /// Position of the earlier member who brought him.
    pub brought_by: Option<usize>,
    /// How many purchases he made during the year.
    pub purchases: u32,
}

const SURNAMES: [&str; 20] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林",
    "何", "郭", "马", "罗",
];
const GIVEN: [&str; 25] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "明", "超",
    "秀英", "霞", "平", "刚", "桂英", "子涵", "一诺", "浩然", "梓萱",
];

/// The first `count` members. A tenth were brought by an earlier one; a few buy weekly, most monthly.
pub fn people(count: usize, stores: usize, random: &mut fastrand::Rng) -> Vec<Person> {
    (0..count)
        .map(|number| Person {
            name: format!("{}{}", SURNAMES[number % 20], GIVEN[(number / 20) % 25]),
            phone: format!("138{:08}", 10_000_000 + number),
            birthday: (
                random.u32(1..=12),
                random.u32(1..=28),
                random.i32(1950..=2006),
            ),
            store: random.usize(0..stores),
            brought_by: (number > 10 && random.u32(0..10) == 0).then(|| random.usize(0..number)),
            purchases: if random.u32(0..20) == 0 {
                random.u32(30..=60)
            } else {
                random.u32(2..=14)
            },
        })
        .collect()
}
