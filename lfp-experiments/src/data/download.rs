//! Downloads from mirrors, with time-outs, repeated attempts and a progress bar.

use std::{io::Read, thread, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use ureq::Agent;

/// Attempts on each mirror.
const ATTEMPTS: u32 = 3;
const TO_CONNECT: Duration = Duration::from_secs(10);
const TO_RESPOND: Duration = Duration::from_secs(30);
const TO_TRANSFER: Duration = Duration::from_secs(180);

/// A file on several mirrors.
pub(super) struct Download<'a> {
    /// Name of the file on each mirror.
    pub(super) name: &'a str,
    /// Addresses of folders, the preferred one first.
    pub(super) mirrors: &'a [&'a str],
    /// Largest size in bytes.
    pub(super) limit: u64,
    /// Pause after the first failed attempt; it doubles with each.
    pub(super) pause: Duration,
}

/// Why an attempt failed.
struct Failure {
    reason: String,
    /// Whether another attempt may succeed.
    is_passing: bool,
}

impl Failure {
    fn lasting(reason: String) -> Self {
        Self {
            reason,
            is_passing: false,
        }
    }

    fn passing(reason: String) -> Self {
        Self {
            reason,
            is_passing: true,
        }
    }
}

impl Download<'_> {
    /// The first content that `accept` takes. `accept` says what is wrong with others.
    ///
    /// # Errors
    ///
    /// If no mirror delivers such a content: the reason of each.
    pub(super) fn fetch<T>(
        &self,
        accept: impl Fn(Vec<u8>) -> Result<T, String>,
    ) -> Result<T, String> {
        let config = Agent::config_builder()
            .timeout_connect(Some(TO_CONNECT))
            .timeout_recv_response(Some(TO_RESPOND))
            .timeout_recv_body(Some(TO_TRANSFER));
        let agent = config.build().new_agent();
        let mut reasons = Vec::new();
        for mirror in self.mirrors {
            let url = format!("{mirror}/{}", self.name);
            tracing::info!("downloading {url}");
            match self.fetch_from(&agent, &url, &accept) {
                Ok(content) => return Ok(content),
                Err(reason) => reasons.push(format!("{mirror}: {reason}")),
            }
        }
        Err(reasons.join("; "))
    }

    fn fetch_from<T>(
        &self,
        agent: &Agent,
        url: &str,
        accept: impl Fn(Vec<u8>) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut attempt = 1;
        loop {
            let content = self.get(agent, url);
            let failure = match content.and_then(|of| accept(of).map_err(Failure::lasting)) {
                Ok(content) => return Ok(content),
                Err(failure) => failure,
            };
            if !failure.is_passing || attempt == ATTEMPTS {
                return Err(failure.reason);
            }
            tracing::info!("attempt {attempt} of {ATTEMPTS} failed: {}", failure.reason);
            thread::sleep(self.pause * (1 << (attempt - 1)));
            attempt += 1;
        }
    }

    fn get(&self, agent: &Agent, url: &str) -> Result<Vec<u8>, Failure> {
        let mut response = agent.get(url).call().map_err(|error| match error {
            // A file that is not there is not there a second later.
            ureq::Error::StatusCode(status @ 400..500) => {
                Failure::lasting(format!("status {status}"))
            }
            other => Failure::passing(other.to_string()),
        })?;
        let length = response.body().content_length();
        if length.is_some_and(|length| length > self.limit) {
            return Err(Failure::lasting(format!("more than {} bytes", self.limit)));
        }
        let bar = progress(length, self.name);
        let mut content = Vec::new();
        let reader = response.body_mut().as_reader();
        let read = bar
            .wrap_read(reader.take(self.limit + 1))
            .read_to_end(&mut content);
        bar.finish_and_clear();
        read.map_err(|error| Failure::passing(error.to_string()))?;
        let received = content.len() as u64;
        if received > self.limit {
            return Err(Failure::lasting(format!("more than {} bytes", self.limit)));
        }
        match length {
            Some(length) if length != received => Err(Failure::passing(format!(
                "{received} of {length} bytes arrived"
            ))),
            _ => Ok(content),
        }
    }
}

/// A bar on standard error if that is a terminal.
fn progress(length: Option<u64>, name: &str) -> ProgressBar {
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::new_spinner(),
    };
    let template = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::{TcpListener, TcpStream},
        thread::JoinHandle,
    };

    use super::*;

    /// Answers one connection after the other, and returns the paths that were asked for.
    fn server(answers: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serve = move || {
            let answer = |answer: Vec<u8>| {
                let (mut stream, _) = listener.accept().unwrap();
                let path = asked(&mut stream);
                stream.write_all(&answer).unwrap();
                path
            };
            answers.into_iter().map(answer).collect()
        };
        (address, thread::spawn(serve))
    }

    /// The path of a request.
    fn asked(stream: &mut TcpStream) -> String {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        let text = String::from_utf8(request).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    }

    fn answer(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
        let header =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        [header.as_bytes(), body].concat()
    }

    fn fetch(mirrors: &[&str]) -> Result<Vec<u8>, String> {
        let download = Download {
            name: "digits.gz",
            mirrors,
            limit: 100,
            pause: Duration::ZERO,
        };
        download.fetch(|content| match content.starts_with(b"good") {
            true => Ok(content),
            false => Err("another content".to_owned()),
        })
    }

    #[test]
    fn an_attempt_that_may_succeed_later_is_repeated() {
        let (mirror, requests) = server(vec![
            Vec::new(),
            answer("503 Service Unavailable", 0, b""),
            answer("200 OK", 8, b"good one"),
        ]);
        assert_eq!(fetch(&[&mirror]).unwrap(), b"good one");
        assert_eq!(requests.join().unwrap(), ["/digits.gz"; 3]);

        let torn = || answer("200 OK", 50, b"good");
        let (mirror, requests) = server(vec![torn(), torn(), torn()]);
        fetch(&[&mirror]).unwrap_err();
        assert_eq!(requests.join().unwrap().len(), 3);
    }

    #[test]
    fn the_next_mirror_is_asked_if_one_has_nothing_or_something_else() {
        for other in [
            answer("404 Not Found", 0, b""),
            answer("200 OK", 7, b"<html/>"),
            answer("200 OK", 101, &[b'g'; 101]),
        ] {
            let (first, asked_first) = server(vec![other.clone()]);
            let (second, _) = server(vec![answer("200 OK", 4, b"good")]);
            assert_eq!(fetch(&[&first, &second]).unwrap(), b"good");
            assert_eq!(asked_first.join().unwrap().len(), 1, "once");
        }
    }

    #[test]
    fn a_failure_names_what_was_wrong_with_each_mirror() {
        let (first, _) = server(vec![answer("404 Not Found", 0, b"")]);
        let (second, _) = server(vec![answer("200 OK", 7, b"<html/>")]);
        let reasons = fetch(&[&first, &second]).unwrap_err();
        for word in [&*first, "status 404", &*second, "another content"] {
            assert!(reasons.contains(word), "expected \"{word}\" in: {reasons}");
        }
    }
}
