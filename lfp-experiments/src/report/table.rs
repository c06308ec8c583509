//! Tables.

use maud::{Markup, Render, html};

/// A table. Wide ones scroll sideways on narrow screens.
///
/// ```
/// use lfp_experiments::report::{Cell, Table};
///
/// let mut table = Table::new("Confusion matrix", ["true class", "0", "1"]);
/// table.row([Cell::head("0"), Cell::number("98").shaded(0.98), Cell::number("2").shaded(0.02)]);
/// let markup = table.render();
/// # use maud::Render;
/// # assert!(markup.0.contains("98"));
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    caption: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub struct Cell {
    content: Markup,
    kind: Kind,
    shade: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Head,
}

impl Cell {
    fn new(content: impl Render, kind: Kind) -> Self {
        Self {
            content: content.render(),
            kind,
            shade: None,
        }
    }

    /// Text or markup, aligned to the left. Text is escaped.
    pub fn text(content: impl Render) -> Self {
        Self::new(content, Kind::Text)
    }

    /// A number, aligned to the right.
    pub fn number(content: impl Render) -> Self {
        Self::new(content, Kind::Number)
    }

    /// The head of a row.
    pub fn head(content: impl Render) -> Self {
        Self::new(content, Kind::Head)
    }

    /// Shades the background: 0 not at all, 1 most.
    #[must_use]
    pub fn shaded(mut self, share: f64) -> Self {
        self.shade = Some(share.clamp(0.0, 1.0));
        self
    }
}

impl Table {
    /// A table without rows. An empty `caption` is not shown.
    pub fn new<C: Into<String>>(
        caption: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            caption: caption.into(),
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Render for Table {
    fn render(&self) -> Markup {
        html! {
            // Focusable, so that the keyboard can scroll it.
            div.scroll tabindex="0" role="region" aria-label=(self.caption) {
                table {
                    @if !self.caption.is_empty() { caption { (self.caption) } }
                    thead { tr { @for column in &self.columns { th scope="col" { (column) } } } }
                    tbody { @for row in &self.rows { tr { @for cell in row { (cell) } } } }
                }
            }
        }
    }
}

impl Render for Cell {
    fn render(&self) -> Markup {
        let style = self
            .shade
            .map(|share| format!("--shade:{:.0}%", 70.0 * share));
        let class = match (self.kind, self.shade.is_some()) {
            (Kind::Number, false) => Some("n"),
            (Kind::Number, true) => Some("n shade"),
            (_, true) => Some("shade"),
            (_, false) => None,
        };
        html! {
            @if self.kind == Kind::Head {
                th scope="row" class=[class] style=[style] { (self.content) }
            } @else {
                td class=[class] style=[style] { (self.content) }
            }
        }
    }
}
