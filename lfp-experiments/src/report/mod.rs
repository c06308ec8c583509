//! `report`: one self-contained HTML page with all results beside the paper's.
//!
//! [`Page`], [`Chart`], [`Table`] and [`Picture`] are the parts of a page. Each is [`maud::Render`], which escapes all text.

mod chart;
mod page;
mod picture;
mod table;

pub use chart::{Axis, Chart, Look, Series};
pub use page::{Page, Section};
pub use picture::Picture;
pub use table::{Cell, Table};
