//! Tells the linker where memory is. The order counts: link.x first, else it knows no BOOT2.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let chips = ["RP2040", "RP2350"].map(|chip| env::var_os(format!("CARGO_FEATURE_{chip}")));
    let (memory, scripts) = match chips {
        [Some(_), None] => (include_str!("rp2040.x"), &["link.x", "link-rp.x"][..]),
        [None, Some(_)] => (include_str!("rp2350.x"), &["link.x"][..]),
        _ => {
            let way_out = "choose one chip: nothing more for a Pico; for a Pico 2 \
                           --no-default-features --features rp2350 --target thumbv8m.main-none-eabihf";
            return Err(io::Error::other(way_out));
        }
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("memory.x"), memory)?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=--nmagic");
    for script in scripts {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
    for file in ["rp2040.x", "rp2350.x"] {
        println!("cargo:rerun-if-changed={file}");
    }
    Ok(())
}
