//! What git cannot bring back.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "git-rewrite-shared",
        level: High,
        reason: Text {
            en: "overwrites or deletes shared history", zh: "覆盖或删除共享的提交历史"
        },
        patterns: &[
            "git push -f|--force|-uf|-fu main|master|develop|dev|trunk|release*|production|prod|staging|head:main|head:master|stable|*:main|*:master|*:prod*|*:release*|*:develop|origin/main|default|live|hotfix* !--dry-run|-n",
            "git push --delete|-d|-D main|master|develop|dev|trunk|release*|production|prod|staging|stable !--dry-run",
            "git push -f|--force --tags|--all",
            "git push --mirror|--prune !--dry-run|-n",
            "git push ~+*:*|+main|+master|+head|+refs/heads/*|+develop|+release* !--dry-run",
            "git push ~:main|:master|:develop|:release*|:production|:refs/heads/main|:refs/heads/master !--dry-run",
            "git filter-branch|filter-repo",
            "git-filter-repo|bfg|git-filter-branch",
            "java ~*bfg*.jar",
            "git update-ref -d|--stdin",
            "gh repo delete|archive|rename|transfer",
            "gh release delete",
            "gh api -X|--method ~delete",
            "gh secret|variable delete|remove",
            "gh ssh-key|gpg-key|deploy-key add|delete",
            "gh repo edit --visibility",
            "gh repo deploy-key add",
            "gh org|team|collaborator|ruleset delete|remove",
            "glab repo|project|release delete|transfer|archive",
            "hub delete",
            "svnadmin|svn rmtxns|setrevprop|obliterate",
            "p4 obliterate",
        ],
        examples: &["git push --force origin main", "git filter-branch x", "git push -f"],
        harmless: &["git push origin x"],
    },
    Rule {
        id: "git-discard",
        level: Medium,
        reason: Text {
            en: "discards local work, or changes what is shared",
            zh: "丢弃本地改动或更改远端内容",
        },
        patterns: &[
            "git push -f|--force|--delete|-d|--force-with-lease|--tags|--all|--force-if-includes",
            "git push ~:*|+*",
            "git reset --hard|--merge|--keep",
            "git clean -f|--force|-d !-n|--dry-run",
            "git checkout -f|--force|--",
            "git checkout .",
            "git restore !--staged",
            "git stash drop|clear",
            "git branch -D|--delete|-d|-M",
            "git rebase !--abort",
            "git commit --amend",
            "git tag -d|--delete|-f",
            "git worktree remove|prune",
            "git switch -f|-C|--discard-changes",
            "git rm",
            "git remote set-url|add|remove|rm",
            "git submodule deinit",
            "git reflog expire|delete",
            "git gc --prune=now|--prune=all|--aggressive",
            "git prune|repack",
            "git replace|notes",
            "git merge --abort",
            "git config --global|--system !--get|--list|-l|--get-all",
        ],
        examples: &[
            "git reset --hard",
            "git clean -fd",
            "git push -f origin my-feature",
            "git push origin --delete my-feature",
        ],
        harmless: &["git clean -n", "git status"],
    },
];
