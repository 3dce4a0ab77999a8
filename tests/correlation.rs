//! The session in the app's own requests and links.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{World, open};
use sessio::protocol::Loupe;
use sessio::protocol::snowplow::Platform;
use sessio::{ErrorKind, Link, User};

#[test]
fn requests_name_the_session_while_events_do() {
    let world = World::new();
    let loupe = Loupe::new("http://127.0.0.1:1").unwrap();
    let tracker = open(world.config().manual_delivery(true).destination("loupe", loupe));
    let instance = ("loupe-agent-sessionId", tracker.instance_id().unwrap().to_string());
    assert_eq!(tracker.request_headers().unwrap(), std::slice::from_ref(&instance));
    assert_eq!(tracker.baggage("a=1").unwrap(), "a=1");
    tracker.start_session_with_id("visit_1.a").unwrap();
    let baggage = ("baggage", "session.id=visit_1.a".to_owned());
    assert_eq!(tracker.request_headers().unwrap(), [baggage, instance.clone()]);
    let given = "a=1;p, session.id=old ,b=2";
    assert_eq!(tracker.baggage(given).unwrap(), "a=1;p,b=2,session.id=visit_1.a");
    let long = format!("a={}", "x".repeat(8_170));
    assert_eq!(tracker.baggage(&long).unwrap(), long, "over the limit what is given stays");
    tracker.pause_session().unwrap();
    assert_eq!(tracker.request_headers().unwrap(), [instance]);
    tracker.close(common::PATIENCE).unwrap();
    assert_eq!(tracker.request_headers().unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn links_lead_the_user_on_but_nobody_who_wants_to_be_nobody() {
    let world = World::new();
    let tracker = open(world.config().app("shop", "1.0"));
    tracker.start_session().unwrap();
    let session = tracker.session().unwrap();
    let (user, id) = (session.user_id, session.id.unwrap());
    let link = "https://acme.example/a?b=c&_sp=old#d";
    let plain = tracker.decorate_link(link, &Link::default()).unwrap();
    assert_eq!(plain, format!("https://acme.example/a?b=c&_sp={user}.1700000000000.{id}#d"));
    tracker.set_user(Some(User::new("u-1", None, None).unwrap())).unwrap();
    let id = tracker.session().unwrap().id.unwrap();
    let all = Link { user: true, app: true, platform: Some(Platform::Desktop), reason: Some("sale") };
    let whole = tracker.decorate_link("app://a", &all).unwrap();
    assert_eq!(whole, format!("app://a?_sp={user}.1700000000000.{id}.dS0x.c2hvcA.pc.c2FsZQ"));
    for bad in ["", "no link", "a\nb"] {
        let refused = tracker.decorate_link(bad, &Link::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    }
    tracker.set_anonymous(true).unwrap();
    assert_eq!(tracker.decorate_link(link, &all).unwrap(), link);
}
