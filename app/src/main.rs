//! The page's program.

fn main() {
    app::page::start();
}
