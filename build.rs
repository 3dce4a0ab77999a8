//! Gives the shared library a versioned name, so that a program linked against one ABI never loads another.
//! No network, no generated code.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match os.as_str() {
        "linux" | "android" | "freebsd" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libsessio.so.1")
        }
        "macos" | "ios" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libsessio.1.dylib");
            println!("cargo::rustc-cdylib-link-arg=-Wl,-compatibility_version,1");
        }
        _ => {}
    }
}
