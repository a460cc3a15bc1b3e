//! Tests of [`super`], with executors that only say how they are.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use skein_executor::Load;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::connections::{Keepalive, incoming};
use crate::server::builder;
use crate::state::StateService;

/// How long a change may take to be noticed, on a busy machine.
const NOTICE_MAX: Duration = Duration::from_secs(30);

/// An executor on threads of its own, so that its connections end with it.
struct Fake {
    address: SocketAddr,
    is_draining: Arc<AtomicBool>,
    runtime: Option<Runtime>,
}

impl Fake {
    async fn start(port: u16, versions: StateReply) -> Self {
        let is_draining = Arc::new(AtomicBool::new(false));
        let load = Arc::new(Load::default());
        let service = StateService::new(load, Arc::clone(&is_draining), versions);
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let (sender, receiver) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            let listener = TcpListener::bind(("127.0.0.1", port)).await;
            let listener = listener.expect("a free port");
            let _ = sender.send(listener.local_addr().expect("it listens"));
            let serving = builder(Keepalive::default()).add_service(service);
            let _ = serving.serve_with_incoming(incoming(listener, None)).await;
        });
        Self {
            address: receiver.await.expect("it says where it listens"),
            is_draining,
            runtime: Some(runtime),
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn settings(nodes: Vec<String>) -> Executors {
    Executors {
        nodes,
        health_interval_ms: 20,
        ..Executors::default()
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(NOTICE_MAX, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("not in {NOTICE_MAX:?}: {what}"));
}

async fn start(settings: &Executors) -> (Members, Nodes) {
    let nodes = Nodes::default();
    let members = Members::start(settings, Link::default(), nodes.clone()).await;
    (members, nodes)
}

fn names(nodes: &Nodes) -> Vec<String> {
    nodes.snapshot().iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_leaves_when_it_dies_and_comes_back_by_itself() {
    let (one, two) = (
        Fake::start(0, StateReply::of_this_program()).await,
        Fake::start(0, StateReply::of_this_program()).await,
    );
    let (first, second) = (one.address.to_string(), two.address.to_string());
    let (members, nodes) = start(&settings(vec![first.clone(), second.clone()])).await;
    until("both are there", || nodes.snapshot().len() == 2).await;
    let dying = members
        .members()
        .into_iter()
        .find(|node| node.name() == first);
    let dying = dying.expect("it is configured");
    let port = one.address.port();
    drop(one);
    tokio::time::timeout(NOTICE_MAX, dying.lost())
        .await
        .expect("it is noticed");
    assert_eq!(names(&nodes), [second.as_str()]);
    let status = dying.status();
    assert_eq!(status.state, MemberState::Unreachable);
    assert!(status.failures >= 3, "{status:?}");
    assert!(status.last_failure.is_some() && status.last_seen.is_some());
    let _again = Fake::start(port, StateReply::of_this_program()).await;
    until("it is back", || nodes.snapshot().len() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_drain_or_are_of_another_version_get_nothing() {
    let old = StateReply {
        skein_version: "0.0.1".to_owned(),
        ..StateReply::of_this_program()
    };
    let (good, old_one) = (
        Fake::start(0, StateReply::of_this_program()).await,
        Fake::start(0, old).await,
    );
    let listed = vec![good.address.to_string(), old_one.address.to_string()];
    let (members, nodes) = start(&settings(listed)).await;
    assert_eq!(names(&nodes), [good.address.to_string()]);
    let statuses = members.statuses();
    let wrong = statuses
        .iter()
        .find(|it| it.name == old_one.address.to_string());
    let wrong = wrong.expect("it is listed");
    assert_eq!(wrong.state, MemberState::WrongVersion);
    let why = wrong.last_failure.as_ref().map(|(_, why)| why.as_str());
    assert!(
        why.is_some_and(|why| why.contains("Skein 0.0.1")),
        "{why:?}"
    );
    good.is_draining.store(true, Ordering::Release);
    until("it drains", || nodes.snapshot().is_empty()).await;
    good.is_draining.store(false, Ordering::Release);
    until("it does not", || nodes.snapshot().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_is_used_only_when_nobody_is_healthy() {
    let (one, two) = (
        Fake::start(0, StateReply::of_this_program()).await,
        Fake::start(0, StateReply::of_this_program()).await,
    );
    let listed = vec![one.address.to_string(), two.address.to_string()];
    // Asked once at the start, and then no more.
    let asked_once = Executors {
        health_interval_ms: 3_600_000,
        ..settings(listed)
    };
    let (members, nodes) = start(&asked_once).await;
    let all = members.members();
    assert_eq!(nodes.snapshot().len(), 2);
    {
        let mut status = all[0].lock();
        all[0].becomes(&mut status, MemberState::Suspect);
    }
    all[0].publish();
    assert_eq!(names(&nodes), [all[1].name()]);
    {
        let mut status = all[1].lock();
        all[1].becomes(&mut status, MemberState::Suspect);
    }
    all[1].publish();
    assert_eq!(nodes.snapshot().len(), 2);
    members.ask_all().await;
    assert_eq!(nodes.snapshot().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_but_cannot_be_reached_by_statements_is_left_out_for_a_while() {
    let (one, two) = (
        Fake::start(0, StateReply::of_this_program()).await,
        Fake::start(0, StateReply::of_this_program()).await,
    );
    let listed = vec![one.address.to_string(), two.address.to_string()];
    let (members, nodes) = start(&settings(listed)).await;
    let error = |name: &str| FragmentError {
        kind: FragmentErrorKind::Unreachable,
        message: format!("executor \"{name}\" cannot be reached: No route to host"),
        position: None,
    };
    let all = members.members();
    members.statement_failed(&error("10.0.0.1:1"));
    assert_eq!(nodes.snapshot().len(), 2);
    members.statement_failed(&error(all[0].name()));
    for _ in 0..2 {
        assert_eq!(names(&nodes), [all[1].name()]);
        // It answers, and stays where it is.
        members.ask_all().await;
    }
    let status = all[0].status();
    assert_eq!((status.state, status.failures), (MemberState::Suspect, 1));
    let why = status.last_failure.map(|(_, why)| why).unwrap_or_default();
    assert!(why.contains("No route to host"), "{why}");
    // Over at once, and known with its next answer.
    all[1].cut_off("it was for a moment", Duration::ZERO);
    all[0].cut_off("it was for a moment", Duration::ZERO);
    until("both are used", || nodes.snapshot().len() == 2).await;
    until("both are healthy", || {
        let found = members.statuses().into_iter().map(|it| it.state);
        found.eq([MemberState::Healthy; 2])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_stands_for_all_of_its_addresses() {
    let fake = Fake::start(0, StateReply::of_this_program()).await;
    let port = fake.address.port();
    let listed = vec![format!("dns:localhost:{port}"), format!("127.0.0.1:{port}")];
    let (_members, nodes) = start(&settings(listed)).await;
    // Whatever else the name stands for here, what is named twice is one node.
    assert_eq!(names(&nodes), [format!("127.0.0.1:{port}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_certificates_nobody_elsewhere_is_called() {
    // An address for documentation, where nobody is.
    let (members, nodes) = start(&settings(vec!["192.0.2.1:7070".to_owned()])).await;
    assert!(nodes.snapshot().is_empty());
    let status = members.statuses().remove(0);
    let why = status.last_failure.map(|(_, why)| why).unwrap_or_default();
    assert!(why.contains("executors.tls"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_memory_of_those_that_live_counts() {
    let with = |memory_bytes| StateReply {
        memory_bytes,
        ..StateReply::of_this_program()
    };
    let large = Fake::start(0, with(3000)).await;
    let small = Fake::start(0, with(2000)).await;
    let silent = Fake::start(0, with(0)).await;
    let old = StateReply {
        skein_version: "0.0.1".to_owned(),
        ..with(1000)
    };
    let old = Fake::start(0, old).await;
    let fakes = [&large, &small, &silent, &old];
    let addresses = fakes.map(|fake| fake.address.to_string());
    let (members, _) = start(&settings(addresses.to_vec())).await;
    until("all have answered", || {
        let statuses = members.statuses();
        statuses.iter().all(|status| status.reply.is_some())
    })
    .await;
    assert_eq!(members.memory_bytes(), Some(2000));
    drop(small);
    until("the small one is gone", || {
        members.memory_bytes() == Some(3000)
    })
    .await;
}
