//! The shell of a page: head, style, table of contents, script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A self-contained HTML page: no file beside it, nothing from the network.
#[derive(Clone, Debug)]
pub struct Page {
    /// Title of window and page.
    pub title: String,
    /// Above the table of contents.
    pub introduction: Markup,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

/// A section of a page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Target of links, unique on the page.
    pub id: String,
    /// Title.
    pub title: String,
    /// Content.
    pub body: Markup,
}

impl Page {
    /// The HTML text.
    pub fn render(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    // An empty icon keeps browsers from asking for one.
                    link rel="icon" href="data:,";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header { h1 { (self.title) } (self.introduction) }
                    nav aria-label="Contents" {
                        ul {
                            @for section in &self.sections {
                                li { a href={ "#" (section.id) } { (section.title) } }
                            }
                        }
                    }
                    main {
                        @for section in &self.sections {
                            section id=(section.id) {
                                h2 { (section.title) }
                                (section.body)
                            }
                        }
                    }
                    div #tip role="status" hidden {}
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_nothing_is_loaded_from_elsewhere() {
        let page = Page {
            title: "<script>alert(1)</script>".to_owned(),
            introduction: html! { p { "a & b" } },
            sections: vec![Section {
                id: "one".to_owned(),
                title: "\"One\" <b>".to_owned(),
                body: html! { p { ("</style><img src=x>") } },
            }],
        };
        let html = page.render();
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(html.contains("&lt;/style&gt;&lt;img src=x&gt;"));
        assert!(!html.contains("<img") && !html.contains("<b>"));
        assert_eq!(html.matches("<script>").count(), 1, "our own");
        for outside in ["http:", "https:", "url(", "@import", "src="] {
            let own = html.replace("&lt;img src=x&gt;", "");
            assert!(!own.contains(outside), "{outside}");
        }
    }
}
