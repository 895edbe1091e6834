//! Makes cargo look for new migration files, which the macro that embeds them cannot ask for by itself.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
