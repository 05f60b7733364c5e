//! What git cannot bring back.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::lines;

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "git-rewrite-shared",
        level: High,
        reason: Text {
            en: "overwrites or deletes shared history", zh: "覆盖或删除共享的提交历史"
        },
        patterns: lines!(
            "git push -f|--force|-uf|-fu main|master|develop|dev|trunk|release*|production|prod|staging|stable|*:main
               |*:master|*:prod*|*:release*|*:develop|origin/main|default|live|hotfix* !--dry-run|-n
             git push --delete|-d|-D main|master|develop|dev|trunk|release*|production|prod|staging|stable !--dry-run
             git push --mirror|--prune|~:v[0-9]*|~:refs/tags/*|~:staging|~:prod*|~:stable !--dry-run|-n
             git push ~+*:*|+main|+master|+head|+refs/heads/*|+develop|+release*|:main|:master|:develop|:release*
               |:production|:refs/heads/main|:refs/heads/master !--dry-run
             git filter-branch|filter-repo
             git-filter-repo|bfg|git-filter-branch
             java ~*bfg*.jar
             git update-ref -d|--stdin
             gh repo delete|archive|rename|transfer
             gh release delete
             gh api -X|--method ~delete
             gh secret|variable|org|team|collaborator|ruleset delete|remove
             gh ssh-key|gpg-key|deploy-key add|delete
             gh repo edit --visibility
             gh repo create --public --push|--source
             gh repo deploy-key add
             glab repo|project|release delete|transfer|archive
             hub delete
             svnadmin|svn rmtxns|setrevprop|obliterate|load|recover
             p4 obliterate|protect|admin
             git push -f|--force ~v[0-9]*|refs/tags/* !--dry-run|-n
             git push --delete|-d|-D ~v[0-9]*|refs/tags/*|*$*|refs/heads/* !--dry-run|~-n
             svn delete|del|remove|rm|move|mv ~*://*
             svn propset|propdel --revprop
             tea|gitea|forgejo repos|repo|admin delete|rm
             git lfs migrate|prune --everything|--force|~--verify*
             git-sweep|git-trim|git-delete-merged-branches -y|--yes|cleanup
             curl -X|--request|-XDELETE|-XPUT|-XPATCH ~*api.github.com/repos*|*/api/v4/projects/*|*/api/v3/repos/*
               |*bitbucket.org/2.0/repositories* ~delete|-xdelete|put|-xput|patch !~*/issues*|*/pulls*|*/comments*
               |*/labels*|*/statuses*|*/check-runs*|*/merge_requests*|*/notes*
             xargs ~git ~push ~--delete|-d|:*|--force|-f
             git push --force-with-lease|-f|--force --all|--tags|--mirror
             git for-each-ref|remote prune ~--all ~push
             git push --force-with-lease|--force-if-includes main|master|trunk|production|prod|release*|stable|*:main|*:master !--dry-run|-n"
        ),
        examples: lines!(
            "git push --force origin main
             git filter-branch x
             git push -f
             git ls-remote --tags origin | awk '{print $2}' | xargs git push --delete origin"
        ),
        harmless: "git push origin x",
    },
    Rule {
        id: "git-discard",
        level: Medium,
        reason: Text {
            en: "discards local work, or changes what is shared",
            zh: "丢弃本地改动或更改远端内容",
        },
        patterns: lines!(
            "git push -f|--force|--delete|-d|--force-with-lease|--tags|--all|--force-if-includes|~:*|~+*
             git reset --hard|--merge|--keep
             git clean -f|--force|-d !-n|--dry-run
             git checkout -f|--force|--
             git checkout .
             git restore !--staged
             git stash drop|clear
             git branch -D|--delete|-d|-M
             git rebase !--abort
             git commit --amend
             git tag -d|--delete|-f
             git worktree remove|prune
             git switch -f|-C|--discard-changes
             git rm|prune|repack|replace|notes
             git remote set-url|add|remove|rm
             git submodule deinit
             git reflog expire|delete
             git gc --prune=now|--prune=all|--aggressive
             git merge --abort
             git config --global|--system !--get|--list|-l|--get-all"
        ),
        examples: lines!(
            "git reset --hard
             git clean -fd
             git push -f origin my-feature
             git push origin --delete my-feature"
        ),
        harmless: lines!(
            "git clean -n
             git status"
        ),
    },
];
