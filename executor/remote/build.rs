//! Lets this package's executables find `libduckdb.so` when they are run outside cargo: beside
//! them, in a `lib` folder next to theirs, or where it was when they were linked.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN");
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib");
    if let Some(folder) = std::env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
}
