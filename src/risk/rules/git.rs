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
            "git push -f|--force|--mirror|--delete|-d|--prune !--dry-run|-n",
            "git push ~+*",
            "git push ~:*",
            "git filter-branch|filter-repo",
            "bfg",
            "git reflog expire --all|--expire=now",
            "git reflog delete",
            "git gc --prune=now|--prune=all",
            "git prune",
            "git update-ref -d",
            "gh repo delete|archive|rename",
            "gh release delete",
            "glab repo delete",
            "gh secret set|delete",
            "gh api -X|--method ~delete",
            "gh auth refresh",
            "gh ssh-key add",
            "gh repo edit --visibility",
            "gh repo deploy-key add",
        ],
        examples: &["git push --force origin main", "git filter-branch x"],
        harmless: &["git push origin x"],
    },
    Rule {
        id: "git-discard",
        level: Medium,
        reason: Text { en: "discards local work", zh: "丢弃本地改动" },
        patterns: &[
            "git reset --hard|--merge|--keep",
            "git clean -f|--force|-d !-n|--dry-run",
            "git checkout -f|--force",
            "git checkout .",
            "git restore !--staged",
            "git stash drop|clear",
            "git branch -D|--delete|-d",
            "git rebase !--abort",
            "git push --force-with-lease",
            "git push --tags|--all",
            "git commit --amend",
            "git tag -d|--delete",
            "git worktree remove",
            "git switch -f|-C|--discard-changes",
            "git rm",
            "git remote set-url|add|remove",
            "git submodule deinit",
        ],
        examples: &["git reset --hard", "git clean -fd"],
        harmless: &["git clean -n", "git status"],
    },
];
