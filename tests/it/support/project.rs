//! A directory that belongs to one test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Evals, redact};

/// A temporary project with a home of its own, removed when dropped.
pub(crate) struct Project {
    root: TempDir,
}

impl Project {
    /// An empty project.
    pub(crate) fn new() -> Self {
        let root = TempDir::new().expect("a temporary directory");
        for dir in ["project", "home", "tmp"] {
            fs::create_dir(root.path().join(dir)).expect("a directory");
        }
        Self { root }
    }

    /// The absolute path of `relative` within the project.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.path().join("project").join(relative)
    }

    /// A directory outside the project that stands for the user's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Where the program may put its temporary files.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.root.path().join("tmp")
    }

    /// Writes `content` to `relative`, making its directories. Gives the absolute path.
    pub(crate) fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, content).unwrap_or_else(|e| panic!("`{}`: {e}", path.display()));
        path
    }

    /// Makes a shell script at `path` that may be run. Another process writes it: while this one has a
    /// file open for writing, what another test starts may have it open too, and then nobody may run it.
    pub(crate) fn executable(&self, path: &Path, script: &str) {
        let write = "cat >\"$0\" && chmod 755 \"$0\"";
        let path = path.to_str().expect("UTF-8");
        Evals::program("/bin/sh", self).args(["-c", write, path]).stdin(script).run().ok();
    }

    /// The text of `relative`.
    #[track_caller]
    pub(crate) fn read(&self, relative: impl AsRef<Path>) -> String {
        let path = self.path(relative);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("`{}`: {e}", path.display()))
    }

    /// The files of the project, sorted, relative, with `/`.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let top = self.path("");
        let mut dirs = vec![top.clone()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).expect("a directory").map(|e| e.expect("an entry")) {
                if entry.file_type().expect("a type").is_dir() {
                    dirs.push(entry.path());
                } else {
                    let path = entry.path();
                    files.push(path.strip_prefix(&top).expect("inside").display().to_string());
                }
            }
        }
        files.sort();
        files
    }

    /// The program, to be run in this project.
    pub(crate) fn evals(&self) -> Evals {
        Evals::new(self)
    }

    /// `text` with the project's directories and everything else that varies replaced.
    pub(crate) fn redact(&self, text: &str) -> String {
        let root = self.root.path().display().to_string();
        redact(&text.replace(&root, "[root]"))
    }
}
