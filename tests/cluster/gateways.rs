//! Several gateways over the same executors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skein_tests::client::{Client, Row};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::fleet::{Fleet, FleetOptions};
use skein_tests::process::{eventually, idle_within_of};
use skein_tests::program::Signal;

use crate::statements::ENDLESS;

/// How long a step may take, on a busy machine.
const STEP_MAX: Duration = Duration::from_mins(1);
/// How long executors may go on for a gateway that is gone.
const STOP_MAX: Duration = Duration::from_secs(1);
/// Takes some hundred milliseconds.
const LONG: &str = "SELECT a.k, count(*), sum(hash(a.id, b.id, c.id) % 1000) FROM facts a \
                    JOIN facts b USING (k), facts c GROUP BY a.k ORDER BY 1";

fn with_exchange(fleet: &Fleet, exchange: &str) -> Client {
    let mut client = fleet.client();
    client
        .query(&format!("SET skein.exchange = {exchange}"))
        .expect("the setting exists");
    client
}

/// Runs a statement again and again until it is enough. Says how often.
fn again_and_again(mut client: Client, expected: &[Row], enough: &AtomicBool) -> usize {
    let mut runs = 0;
    while !enough.load(Ordering::Relaxed) {
        let rows = client.query(LONG).expect("the query runs").rows;
        assert_eq!(rows, expected);
        runs += 1;
    }
    runs
}

#[test]
fn gateways_share_executors_and_one_that_dies_harms_no_other() {
    let data = random_relations(Layout::Few);
    let options = |executors| FleetOptions {
        gateway: "health_interval_ms = 200".to_owned(),
        ..FleetOptions::new(&data, executors)
    };
    let mut first = Fleet::start(options(2));
    let addresses = vec![first.address_of(0), first.address_of(1)];
    let sharing = || {
        Fleet::start(FleetOptions {
            others: addresses.clone(),
            ..options(0)
        })
    };
    let expected: Arc<[Row]> = first.client().query(LONG).expect("it runs").rows.into();
    let enough = Arc::new(AtomicBool::new(false));
    let run = |fleet: &Fleet, exchange: &str, enough: &Arc<AtomicBool>| {
        let client = with_exchange(fleet, exchange);
        let (expected, enough) = (Arc::clone(&expected), Arc::clone(enough));
        std::thread::spawn(move || again_and_again(client, &expected, &enough))
    };

    // Both gateways at once, in every exchange; each executor tells both what it does for all.
    let mut second = sharing();
    let mine = ENDLESS.map(|endless| run(&first, endless.exchange, &enough));
    let over = Arc::new(AtomicBool::new(false));
    let theirs = ENDLESS.map(|endless| run(&second, endless.exchange, &over));
    let shown = "SELECT min(fragments) >= 12 FROM skein.executors WHERE address IS NOT NULL";
    let mut watcher = first.client();
    eventually("fragments have run", STEP_MAX, || {
        watcher.query(shown).expect("executors are shown").rows[0][0].as_deref() == Some("t")
    });
    over.store(true, Ordering::Relaxed);
    for thread in theirs {
        assert!(thread.join().expect("no other answer") > 0);
    }

    // One dies with statements of every exchange that would go on for hours.
    let lost = ENDLESS.map(|endless| {
        let mut client = second.client();
        endless.prepare(&mut client);
        client
            .send_query(endless.silent)
            .expect("the query can be sent");
        client
    });
    let running =
        "SELECT min(running_fragments) >= 3 FROM skein.executors WHERE address IS NOT NULL";
    eventually("they run everywhere", STEP_MAX, || {
        watcher.query(running).expect("executors are shown").rows[0][0].as_deref() == Some("t")
    });
    second.gateway().signal(Signal::Kill);
    second.gateway().wait();
    drop(lost);
    // The other one goes on, and its statements are answered.
    std::thread::sleep(Duration::from_millis(500));
    enough.store(true, Ordering::Relaxed);
    for thread in mine {
        assert!(thread.join().expect("no other answer") > 0);
    }
    for executor in 0..2 {
        let id = first.executor(executor).id().to_string();
        let idle = idle_within_of(&id, STEP_MAX);
        assert!(
            idle.is_some(),
            "an executor goes on for a gateway that is gone"
        );
    }

    // How soon fragments of a gateway that dies end is seen where nothing else runs.
    let mut third = sharing();
    let mut client = third.client();
    ENDLESS[2].prepare(&mut client);
    client
        .send_query(ENDLESS[2].silent)
        .expect("the query can be sent");
    eventually("it runs everywhere", STEP_MAX, || {
        let running = "SELECT min(running_fragments) > 0 FROM skein.executors \
                       WHERE address IS NOT NULL";
        watcher.query(running).expect("executors are shown").rows[0][0].as_deref() == Some("t")
    });
    third.gateway().signal(Signal::Kill);
    third.gateway().wait();
    for executor in 0..2 {
        let id = first.executor(executor).id().to_string();
        let idle = idle_within_of(&id, STOP_MAX);
        assert!(
            idle.is_some(),
            "an executor goes on for a gateway that is gone"
        );
    }
    let rows = watcher.query(LONG).expect("the other gateway lives").rows;
    assert_eq!(rows[..], expected[..]);
}
