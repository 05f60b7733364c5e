//! Clouds and infrastructure as code.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "cloud-destroy",
        level: High,
        reason: Text { en: "deletes shared things in a cloud", zh: "删除云上的共享资源" },
        patterns: &["terraform|tofu|terragrunt destroy|taint|force-unlock", "terraform|tofu|terragrunt apply -destroy|--destroy|-auto-approve|--auto-approve", "terraform|tofu state rm|push", "terraform|tofu workspace delete", "terragrunt run-all destroy", "pulumi destroy", "pulumi stack rm", "cdk destroy", "sam delete", "serverless|sls remove", "aws s3 rb", "aws s3 rm --recursive", "aws s3 sync --delete", "aws s3api delete-*|put-bucket-policy|put-bucket-acl|put-public-access-block|put-object-acl", "aws * delete-*|terminate-*|deregister-*|remove-*|purge-*|schedule-key-deletion|disable-*|stop-logging|release-*|revoke-*", "aws s3 cp|sync --acl ~public*", "gcloud * delete|remove*|reset|stop|destroy|disable", "gsutil rm -r|-m|-R|-a", "gsutil rb", "gcloud storage rm|buckets -r|--recursive", "az * delete|purge|remove|stop|deallocate", "doctl * delete|d|rm", "heroku apps:destroy|pg:reset|destroy|apps destroy", "flyctl|fly apps|destroy|volumes destroy|delete", "flyctl|fly destroy", "vercel|netlify remove|rm|sites:delete|env", "firebase firestore:delete|projects:delete", "firebase hosting:disable", "linode-cli * delete", "hcloud * delete", "openstack * delete", "ve|volcengine-cli * delete*", "aliyun * delete*", "tccli * delete*", "rclone purge|delete|sync|rmdirs|deletefile", "mc rm|rb --recursive|--force", "wrangler delete", "wrangler kv|r2|d1 delete", "s3cmd rb|del|rm -r|--recursive|--force", "azcopy rm|remove"],
        examples: &["terraform destroy", "aws s3 rb s3://x --force", "aws ec2 terminate-instances --instance-ids i"],
        harmless: &["aws s3 ls", "terraform plan"],
    },
    Rule {
        id: "cloud-access",
        level: High,
        reason: Text { en: "changes who may do what in a cloud", zh: "更改云上的访问权限" },
        patterns: &["aws iam create-*|attach-*|put-*|add-*|update-*|delete-*|upload-*|remove-*|detach-*|set-*", "aws kms create-grant|put-key-policy", "aws lambda add-permission", "aws ec2 authorize-security-group-*|modify-instance-attribute|create-key-pair|import-key-pair", "aws cloudtrail stop-logging|delete-trail|update-trail", "aws sts assume-*", "gcloud * add-iam-policy-binding|set-iam-policy", "gcloud iam service-accounts|roles keys|create|enable|update", "gcloud compute firewall-rules create|update", "az role assignment|definition create", "az ad create|credential", "gsutil iam|acl ch|set", "vault policy|auth write|enable", "az vm run-command", "aws ssm send-command|start-session", "gcloud compute ssh"],
        examples: &["aws iam create-access-key"],
        harmless: &["aws iam list-users"],
    },
    Rule {
        id: "cloud-change",
        level: Medium,
        reason: Text { en: "changes things in a cloud", zh: "更改云上资源" },
        patterns: &["terraform|tofu|terragrunt apply|import", "terraform|tofu state mv", "pulumi up|update", "cdk deploy", "sam deploy", "serverless|sls deploy", "aws s3 cp|mv|sync|rm|mb", "aws * create-*|update-*|put-*|run-*|start-*|stop-*|modify-*|reboot-*|invoke|publish*", "gcloud * create|deploy|update|set|start|resize|patch", "gsutil cp|mv|rsync|rm", "az * create|update|start|restart", "vercel|netlify|fly|flyctl|wrangler|firebase|heroku deploy|--prod|publish|restart|config:set", "vercel --prod", "ansible-playbook", "ansible|salt|pssh|pdsh -m|-a|~*", "cap deploy", "fab deploy", "gh workflow run", "gh pr merge", "gh release create", "rclone copy|move", "make deploy|release|publish", "npm|yarn|pnpm run|deploy deploy|release|publish"],
        examples: &["terraform apply", "cdk deploy"],
        harmless: &["terraform validate"],
    },
];
