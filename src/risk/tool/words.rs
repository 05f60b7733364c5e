//! What the parameters and the names of tools are called.

use crate::risk::lookup::{Names, list};

/// Parameters that hold a command line.
pub(super) const COMMANDS: &[&str] = &[
    "command",
    "cmd",
    "script",
    "shell",
    "commandline",
    "bash",
    "input",
    "data",
    "text",
    "keys",
    "literal",
    "argv",
    "command_line",
    "commands",
    "lines",
    "cmds",
];

/// Parameters that hold code of some language.
pub(super) const CODE: &[&str] = &["code", "source_code", "snippet", "expression"];

/// Parameters that hold a statement of SQL.
pub(super) const STATEMENTS: &[&str] = &["sql", "query", "statement"];

/// Programs that are tools of their own.
pub(super) const PROGRAMS: &[&str] = &[
    "kubectl",
    "terraform",
    "git",
    "docker",
    "helm",
    "aws",
    "gcloud",
    "az",
    "npm",
    "psql",
    "mysql",
    "redis",
    "ssh",
];

/// Parameters that hold a path.
pub(super) const PATHS: Names = list!(
    "path file file_path filepath filename target destination dest output to new_path source src from
     old_path dst destination_path source_path target_path absolute_path absolutepath notebook_path
     directory folder dir uri local_path relative_workspace_path target_file"
);

/// Parts of names that say what an unknown tool does with a path.
pub(super) const READS: Names = list!("read view cat open get load show");
pub(super) const LOOKS: Names = list!("list search find glob grep stat exists ls");
pub(super) const DELETES: Names = list!("delete remove unlink rm trash");
pub(super) const RUNS: Names = list!(
    "exec shell bash terminal command run process system ssh sh execute zsh powershell console cli nodes"
);

/// Parameters that are code in the language of the tool, or lines of a notebook.
pub(super) const CELLS: &[&str] = &["code", "cell", "source", "new_source", "input", "content"];

/// Parameters that are what somebody reads: a path in them is only a word.
pub(super) const TEXTS: &[&str] = &[
    "content",
    "text",
    "message",
    "query",
    "newtext",
    "oldtext",
    "new_string",
    "old_string",
    "new_str",
    "old_str",
    "pattern",
    "title",
    "body",
    "description",
    "prompt",
    "command",
    "cmd",
    "regex",
    "caption",
    "file_text",
    "contents",
    "summary",
    "note",
    "comment",
    "code",
    "script",
    "subject",
    "html",
    "answer",
    "question",
    "glob",
    "input",
    "patch",
];

/// Parameters that are put into a file.
pub(super) const CONTENTS: &[&str] = &[
    "content",
    "newText",
    "new_string",
    "new_str",
    "contents",
    "file_text",
    "new_text",
    "text",
    "data",
    "insert_text",
    "replacement",
    "replace",
];

/// Programs by the names of tools.
pub(super) const NAMED: &[(&str, &str)] = &[
    ("kubernetes", "kubectl"),
    ("k8s", "kubectl"),
    ("tofu", "tofu"),
    ("podman", "podman"),
    ("vault", "vault"),
    ("volcengine", "ve"),
    ("aliyun", "aliyun"),
    ("s3", "aws s3"),
    ("mongodb", "mongosh --eval"),
    ("mongo", "mongosh --eval"),
    ("ansible", "ansible"),
    ("systemctl", "systemctl"),
    ("systemd", "systemctl"),
    ("crontab", "crontab"),
    ("pip", "pip"),
    ("cargo", "cargo"),
    ("yarn", "yarn"),
    ("pnpm", "pnpm"),
    ("brew", "brew"),
    ("apt", "apt-get"),
    ("iptables", "iptables"),
    ("ufw", "ufw"),
    ("pulumi", "pulumi"),
];

/// What is shared, and is gone with one call of a tool.
pub(super) const SHARED: Names = list!(
    "repo repository database db table collection bucket cluster namespace volume instance server vm droplet
     project org organization snapshot backup stack deployment queue topic zone domain dns keyspace schema
     tenant disk pool registry"
);

/// What opens doors, for tools by whose names one gets it.
pub(super) const CREDENTIALS: Names =
    list!("secret secrets password passwords credential credentials keychain");
