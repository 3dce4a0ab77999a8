#![allow(missing_docs, clippy::unwrap_used)]
use sessio::*; use std::time::*;
fn main(){
  let d=std::env::temp_dir().join(format!("sb{}",std::process::id())); std::fs::create_dir_all(&d).unwrap();
  let t0=Instant::now();
  let t=Tracker::open(Config::builder().path(d.join("a.db")).journal_bytes(64<<20).build().unwrap()).unwrap();
  println!("open first {:?}",t0.elapsed());
  std::thread::sleep(Duration::from_millis(200));
  let mut e=Event::structured("cart","add").unwrap(); e.set_text("label","green shoes").unwrap(); e.set_number("value",19.5).unwrap();
  for round in 0..5 {
    let n=20_000; let mut v=Vec::with_capacity(n);
    let s=Instant::now();
    for _ in 0..n { let a=Instant::now(); t.track(&e).unwrap(); v.push(a.elapsed().as_nanos() as u64); }
    let el=s.elapsed();
    v.sort(); println!("round {round}: p50 {} p99 {} p999 {} max {} rate {:.0}/s", v[n/2], v[n*99/100], v[n*999/1000], v[n-1], n as f64/el.as_secs_f64());
    t.flush(Duration::from_secs(10)).unwrap();
  }
  let s=Instant::now();
  std::thread::scope(|sc|{ for _ in 0..4 { sc.spawn(||{ for _ in 0..25_000 { t.track(&e).unwrap(); } }); } });
  println!("4 threads {:.0}/s", 100_000.0/s.elapsed().as_secs_f64());
  let s=Instant::now(); for _ in 0..100000 { std::hint::black_box(t.session().unwrap()); } println!("read {:?}", s.elapsed()/100000);
  let s=Instant::now(); t.flush(Duration::from_secs(10)).unwrap(); println!("flush {:?}", s.elapsed());
  println!("{:?}",t.stats());
  println!("{:?}",t.close(Duration::from_secs(5)));
  let s=Instant::now();
  let t=Tracker::open(Config::builder().path(d.join("a.db")).journal_bytes(64<<20).build().unwrap()).unwrap();
  println!("open again {:?} {:?}",s.elapsed(), t.session());
  std::fs::remove_dir_all(&d).unwrap();
}
