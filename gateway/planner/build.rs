//! Lets this package's tests, which run DuckDB, find `libduckdb.so` where it was when they were
//! linked. The library itself does not know DuckDB.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if let Some(folder) = std::env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
}
