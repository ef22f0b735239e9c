//! Where text goes: data to standard output, everything else to standard error.

use std::io::{self, BufWriter, ErrorKind, Write};

use super::exit::Failure;
use crate::base::text::visible;

/// The two outputs. A reader that closed its end is not an error: it has what it wants.
#[derive(Debug)]
pub(super) struct Out {
    stdout: BufWriter<io::Stdout>,
}

impl Out {
    pub(super) fn new() -> Self {
        Self { stdout: BufWriter::new(io::stdout()) }
    }

    /// Writes data.
    pub(super) fn data(&mut self, text: &str) -> Result<(), Failure> {
        self.with(|to| to.write_all(text.as_bytes()))
    }

    /// Lets `write` write data.
    pub(super) fn with(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        match write(&mut self.stdout).and_then(|()| self.stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::usage(format!("failed to write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Tells the person something that is not data.
    #[expect(clippy::unused_self, reason = "both outputs are reached through this type")]
    pub(super) fn note(&mut self, text: &str) {
        let mut stderr = io::stderr().lock();
        writeln!(stderr, "{}", visible(text)).ok();
    }

    /// Tells why the command could not do its work.
    pub(super) fn failure(&mut self, failure: &Failure) {
        self.note(&format!("error: {}", failure.message));
        if let Some(hint) = &failure.hint {
            self.note(&format!("\nhint: {hint}"));
        }
    }
}
