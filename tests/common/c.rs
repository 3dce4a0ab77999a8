//! Compiles C and C++ against the library that `cargo test` leaves beside the test binary, and runs the result.
//! For a test file: `#[path = "common/c.rs"] mod c;`
#![allow(dead_code)] // each test uses a part

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// What the header and every program must be clean under.
pub const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// How long a program may take: a deadlock must not hang the tests. Generous, since it may run under valgrind on a
/// busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The C compiler. Without one the test is skipped, but never in CI.
pub fn c_compiler() -> Option<String> {
    compiler("CC", "cc", "C compiler")
}

/// The C++ compiler, likewise.
pub fn cpp_compiler() -> Option<String> {
    compiler("CXX", "c++", "C++ compiler")
}

fn compiler(variable: &str, otherwise: &str, what: &str) -> Option<String> {
    let name = std::env::var(variable).unwrap_or_else(|_| otherwise.into());
    let works = run_quietly(tool(&name).arg("--version"));
    if works { Some(name) } else { skipped(&format!("no {what}")) }
}

/// Says why a test is skipped. In CI everything must be there.
pub fn skipped<T>(why: &str) -> Option<T> {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}, and CI=true");
    println!("skipped: {why}");
    None
}

/// Whether a command can be started and succeeds.
pub fn run_quietly(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// A command that may have arguments of its own, as in `CC="ccache cc"`.
pub fn tool(name: &str) -> Command {
    let mut words = name.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(name));
    command.args(words);
    command
}

/// The names of the functions that the header declares.
pub fn functions(header: &str) -> Vec<&str> {
    let code = header.lines().filter(|line| !line.starts_with([' ', '/', '#']));
    // The name is what stands before the first bracket of a line that begins with a type.
    let names = code.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    names.filter(|name| name.starts_with("sessio_")).collect()
}

/// A library of the build that this test belongs to. Cargo puts it beside the test binary; `cargo build` also one
/// folder above.
pub fn library(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folders = test.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("no {name} beside {}", test.display()))
}

/// Compiles a C program (a path within the project) as strict C99 against the static library, and gives the executable.
/// `extra_flags` come after the sources, so libraries may be among them. Panics with what the compiler says.
pub fn compile_c(source: &str, extra_flags: &[&str]) -> PathBuf {
    link_c(source, extra_flags, &library("libsessio.a"))
}

/// The same against another static library.
pub fn link_c(source: &str, extra_flags: &[&str], library: &Path) -> PathBuf {
    let source = root().join(source);
    let stem = source.file_stem().unwrap().to_str().unwrap();
    let library_stem = library.file_stem().unwrap().to_str().unwrap();
    // Test binaries run at the same time; none may overwrite what another one runs.
    let program = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{}-{stem}-{library_stem}", env!("CARGO_CRATE_NAME")));
    let mut command = tool(&c_compiler().expect("the caller has asked for a compiler"));
    command.args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-g"]).args(STRICT);
    command.arg("-I").arg(root().join("include")).arg("-o").arg(&program).arg(&source).arg(library);
    command.args(extra_flags).args(system_libraries());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}:\n{}", source.display(), String::from_utf8_lossy(&output.stderr));
    program
}

/// What a static Rust library needs of the system.
fn system_libraries() -> &'static [&'static str] {
    if cfg!(target_os = "linux") { &["-lpthread", "-ldl", "-lm"] } else { &["-lpthread"] }
}

/// Runs a program in a folder of its own, which it is also given as its argument: it must succeed and print nothing.
pub fn succeeds_silently(program: &Path) {
    let folder = tempfile::tempdir().unwrap();
    // A file, not a pipe: what a program has left running must not keep us waiting for the end of its output.
    let mut output = tempfile::tempfile().unwrap();
    let mut command = Command::new(program);
    command.arg(folder.path()).current_dir(folder.path());
    command.stdin(std::process::Stdio::null());
    command.stdout(output.try_clone().unwrap()).stderr(output.try_clone().unwrap());
    let status = wait(&mut command);
    let printed = contents(&mut output);
    match status {
        Some(status) => assert!(status.success(), "{}: {status}\n{printed}", program.display()),
        None => panic!("{} has not ended after {PATIENCE:?}\n{printed}", program.display()),
    }
    assert!(printed.is_empty(), "{} printed:\n{printed}", program.display());
}

/// Runs it to its end; none if that does not come.
fn wait(command: &mut Command) -> Option<ExitStatus> {
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn contents(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
