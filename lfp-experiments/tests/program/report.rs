//! The page of all results.

use std::io::Write;

use super::*;

/// Writes the page of `results`, and returns it with what the program said on stderr.
fn page(results: &Path) -> (String, String) {
    let out = tempfile::tempdir().unwrap();
    let [results, folder] = [results, out.path()].map(|path| path.to_str().unwrap());
    let runs = tempfile::tempdir().unwrap();
    let runs = runs.path().to_str().unwrap();
    let output = program(&[
        "report",
        "--results",
        results,
        "--runs",
        runs,
        "--out",
        folder,
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let html = fs::read_to_string(out.path().join("index.html")).unwrap();
    (html, said)
}

fn results(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// The report of a figure with one result; `paper` is empty, or a member with a comma at its end.
fn result(figure: &str, condition: &str, paper: &str) -> String {
    format!(
        r#"{{"figure": "{figure}", "profile": "quick", "command": ["reproduce", "{figure}", "--data-dir", "/home/joe/data"],
        "results": [{{"condition": "{condition}", "model": "vgg-like", "dataset": "cifar10", "activation": "relu",
        "method": "lfp", "measure": "top 1", "seeds": [7240], {paper} "best_lr": 0.1, "mean": 0.82,
        "standard_deviation": 0.04, "runs": 1, "by_learning_rate": []}}]}}"#
    )
}

/// All figures and tables of the paper with results, in its order.
const FIGURES: [&str; 14] = [
    "fig3", "fig4", "table3", "fig5", "fig6", "fig7", "figa1", "figa2", "figa3", "figa4", "figa5",
    "figa6", "figa7", "figa8",
];

#[test]
fn without_results_the_page_has_every_figure_with_the_command_that_makes_it() {
    let nothing = tempfile::tempdir().unwrap();
    let (html, said) = page(nothing.path());
    assert_eq!(said, "");
    let places = FIGURES.map(|figure| {
        let section = html.find(&format!("<section id=\"{figure}\">"));
        let command = format!("<pre>lfp-experiments reproduce {figure}");
        assert!(html.contains(&command), "{figure}");
        section.unwrap_or_else(|| panic!("{figure}"))
    });
    assert!(places.is_sorted(), "in the paper's order");
    assert_eq!(html.matches("Not run: no data").count(), FIGURES.len());
    let with_weights = "reproduce table3 --profile paper --data-dir DATA --pretrained WEIGHTS";
    assert!(html.contains(with_weights));
    assert!(!html.contains("http"), "nothing from the network");
}

#[test]
fn a_folder_of_results_that_is_named_must_be_there_and_a_default_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let [out, file, nothing] = ["out", "file", "nothing"].map(|name| path(&folder, name));
    fs::write(&file, "").unwrap();
    for option in ["--results", "--runs"] {
        for (place, problem) in [(&file, "not a folder"), (&nothing, "no such folder")] {
            let words = format!("{option} {place}: {problem}");
            refused(&["report", option, place, "--out", &out], &[&words]);
        }
    }
    assert!(!Path::new(&out).exists());
    let line = ["report", "--out", &out];
    let mut command = Command::new(PROGRAM);
    let output = command.args(line).current_dir(&folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("results: no such folder"), "{said}");
    assert!(Path::new(&out).join("index.html").is_file());
    // Named, the same folder is not there.
    let output = command.args(["--runs", "runs"]).output().unwrap();
    assert!(refusal(&output).contains("--runs runs: no such folder"));
}

#[test]
fn damaged_files_take_a_line_each_and_the_rest_is_shown() {
    let whole = result("fig7", "snn-lenet", "");
    let csv = "condition,method,quantity,over,x,mean,standard_deviation,runs,not_run\n\
               snn-lenet,lfp,test_accuracy,learning_rate,0.1,0.82,0.04,1,\n\
               snn-lenet,lfp,test_accuracy,learning_rate,0.5,0.1,0,1,\n\
               snn-lenet,lf";
    let folder = results(&[
        ("fig3/result.json", &whole[..whole.len() / 2]),
        (
            "fig5/result.json",
            r#"{"figure": "fig5", "results": [{"condition": 7}]}"#,
        ),
        ("fig6/result.json", "[]"),
        ("fig7/result.json", &whole),
        ("fig7/results.csv", csv),
        ("fig7/fig7.png", "not a picture"),
    ]);
    let (html, said) = page(folder.path());
    let damaged = [
        "fig3/result.json",
        "fig5/result.json",
        "fig6/result.json",
        "fig7/results.csv",
        "fig7/fig7.png",
    ];
    for file in damaged {
        let of_file = |line: &&str| line.contains(file);
        assert_eq!(said.lines().filter(of_file).count(), 1, "{file}: {said}");
        assert!(
            html.contains(&format!("<p class=\"problem\">{file}: ")),
            "{file}"
        );
    }
    assert_eq!(said.lines().count(), damaged.len(), "{said}");
    // What can be read is there: the accuracy in the table, and the whole rows of the curve.
    assert!(html.contains("82.0 \u{b1} 4.0"));
    assert!(html.contains("LFP: learning rate 0.1, test accuracy 82.0 \u{b1} 4.0 %"));
}

#[test]
fn text_of_files_is_escaped_and_folders_are_not_shown() {
    let folder = results(&[(
        "table3/result.json",
        &result("table3", "<img src=x onerror=alert(1)>", ""),
    )]);
    let (html, _) = page(folder.path());
    assert!(!html.contains("<img") && html.contains("&lt;img src=x"));
    assert!(html.contains("lfp-experiments reproduce table3 --data-dir data"));
    for secret in ["joe", folder.path().to_str().unwrap()] {
        assert!(!html.contains(secret), "{secret}");
    }
}

#[test]
fn our_accuracy_stands_beside_the_papers_with_the_difference() {
    let paper = r#""paper": {"mean": 0.85, "standard_deviation": 0.03},"#;
    let folder = results(&[("table3/result.json", &result("table3", "cifar10", paper))]);
    let (html, _) = page(folder.path());
    // 82 - 85 = -3 points, and 3 / sqrt(4^2 + 3^2) = 0.6 standard deviations.
    let cells = ["82.0 \u{b1} 4.0", "85.0 \u{b1} 3.0", "-3.0", "0.6"];
    for cell in cells {
        assert!(
            html.contains(&format!("<td class=\"n\">{cell}</td>")),
            "{cell}"
        );
    }
}

/// A figure's own report has the command, date, machine and versions, and the page shows them with the picture.
#[test]
fn the_page_says_how_a_figure_was_made() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(&[
        "reproduce",
        "fig4",
        "--out",
        folder.path().to_str().unwrap(),
    ]);
    let (html, said) = page(folder.path());
    assert_eq!(said, "");
    assert!(html.contains("src=\"data:image/png;base64,"));
    for fact in ["Command", "Date", "Machine", "Versions"] {
        assert!(html.contains(&format!("<dt>{fact}</dt>")), "{fact}");
    }
    assert!(html.contains(", device "));
    in_chromium(&html);
}

/// Opens the page in Chromium, if there is one: no message on the console, every picture loads, the script has run.
fn in_chromium(html: &str) {
    const PROBE: &str = "<script>addEventListener('load', () => {
        const broken = [...document.images].filter((image) => !image.naturalWidth);
        document.title = `${document.images.length} pictures, ${broken.length} broken, \
         ${document.querySelectorAll('svg.plot title').length} titles`;
    })</script>";
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let mut file = fs::File::create(&page).unwrap();
    file.write_all(html.as_bytes()).unwrap();
    file.write_all(PROBE.as_bytes()).unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
        ])
        .args([
            "--enable-logging=stderr",
            "--v=0",
            "--virtual-time-budget=5000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", page.display()))
        .output();
    let Ok(output) = output else {
        eprintln!("skipped in part: no chromium");
        return;
    };
    let [shown, said] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(!said.contains("CONSOLE"), "{said}");
    assert!(
        shown.contains("<title>1 pictures, 0 broken, 0 titles</title>"),
        "{said}"
    );
}
