//! scratch
fn main() {
    let files =
        lfp_experiments::conformance::find(std::path::Path::new(&std::env::args().nth(1).unwrap()))
            .unwrap();
    println!(
        "{:?}",
        lfp_experiments::conformance::run(&files, &burn::tensor::Device::default())
    );
}
