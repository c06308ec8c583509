#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    targets::run("parquet", content);
});
