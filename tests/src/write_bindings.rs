//! Writes `guest-sdk/c/bindings` anew, after a change of the WIT: `cargo run --bin write-bindings`.

fn main() -> std::io::Result<()> {
    for (name, bytes) in sessile_tests::bindings::generated() {
        std::fs::write(sessile_tests::bindings::folder().join(name), bytes)?;
    }
    Ok(())
}
