//! Clouds and infrastructure as code.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::{Names, lines, list};

/// Clouds whose programs name what they do by the interface: `DeleteInstance`; `@other-clouds` in patterns.
pub const OTHER_CLOUDS: Names =
    list!("aliyun ve volcengine-cli volc tccli hcloud jdc bce ksyun ucloud huaweicloud yandex koocli");

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "cloud-destroy",
        level: High,
        reason: Text { en: "deletes shared things in a cloud", zh: "删除云上的共享资源" },
        patterns: lines!(
            r#"terraform|tofu|terragrunt destroy !~-target=*|--target=*|-target
               terraform|tofu|terragrunt apply -destroy|--destroy
               fly ~destroy-pipeline|destroy-team
               terraform|tofu state rm|push|replace-provider
               terraform|tofu workspace delete
               terragrunt run-all|run|stack destroy
               pulumi destroy|down|dn
               aws s3 rb
               aws s3 rm --recursive
               aws * delete-*|terminate-*|deregister-*|purge-*|schedule-key-deletion|disable-*|stop-logging|release-*
                 |revoke-*|batch-delete-*|destroy-*|reset-*|cancel-*|force-*|abort-* !--dry-run|~delete-message*
               aws ec2|rds|lightsail terminate-*|detach-*|delete-*|modify-snapshot-attribute|modify-image-attribute
               aws organizations leave-*|remove-*|close-*
               gcloud * delete|destroy|disable|reset|remove* !~list
               gsutil -m rm|rb
               pvesh delete|create
               curl -X|--request|-XDELETE ~*/manifests/*|*api.github.com/repos/*|*api.digitalocean*|*api.cloudflare*
                 |*/api/v4/projects/*|*api.heroku.com* ~delete|-xdelete
               heroku apps:destroy|pg:reset|destroy|apps|addons:destroy|ps:stop|pg:killall
               vercel|netlify remove|rm|sites:delete|projects|domains rm|remove|delete|~*
               railway down|delete|volume
               openstack|nova|neutron|cinder * delete|purge
               aliyun * delete*|release*|remove*|stop*|unbind*
               aliyun|ossutil|tosutil|coscmd|qshell|obsutil|bcecmd rm|rb|delete -r|-rf|-b|--recursive|-f|~*
               aliyun oss rm|rb
               mc rm|rb|admin --recursive|--force|-r
               mc admin user|policy|service
               wrangler kv|r2|d1|secret|queues|pages delete|rm|~*delete*
               s5cmd rm|rb
               b2|swift|cloudflared delete-bucket|delete|rm|destroy|purge
               pagerduty|datadog-ci|sentry-cli * delete
               gh codespace|cache delete --all
               duplicity|restic|borg|kopia|velero|tarsnap --fsck|delete|purge|remove-all-but-n-full|remove-older-than
               snapper|timeshift --delete|--delete-all
               lvremove delete
               borg|borgmatic|rustic|kopia delete|rdelete|purge
               vssadmin delete|resize
               wbadmin delete|disable
               wmic shadowcopy|~/set ~delete|*recoveryenabled*|*bootstatuspolicy*
               get-wmiobject|remove-wmiobject|get-ciminstance ~win32_shadowcopy*
               tmutil delete|disable|deletelocalsnapshots|thinlocalsnapshots|removedestination|deletebackup*
               aws configservice|config|guardduty|securityhub|macie2|inspector2|detective|accessanalyzer|shield|wafv2
                 |cloudtrail|cloudwatch|backup|logs|organizations|sso-admin stop-*|delete-*|disable-*|disassociate-*
                 |put-retention-policy|update-trail|put-event-selectors
               aws s3 sync|mv|rm --delete ~*prod*|*backup*|*live*
               aws s3 sync --delete ~empty*|/dev/null*|*/empty*
               aws s3api|s3control put-bucket-*|delete-*|put-public-access-block|put-object-acl|put-object-lock*
                 |abort-*|put-object-retention ~delete-*|*policy*|*acl*|*lifecycle*|*versioning*|*replication*
                 |*public*|*lock*|*encryption*|*logging*
               aws ec2|rds|elbv2|ecs|eks|dynamodb|lambda|kms|route53|iam|sqs|sns|elasticache|redshift|docdb|neptune
                 |efs|fsx|ecr|cloudformation|backup|glacier|opensearch|es|kinesis|msk|kafka|emr|sagemaker|batch|glue
                 |athena|workspaces|directconnect|acm|amplify|apigateway|apprunner|appsync|autoscaling|lightsail
                 |secretsmanager|ssm|cognito-idp stop-*|modify-*|update-*|put-*|change-* ~--skip-final-snapshot
                 |--no-deletion-protection|--force|--force-delete-without-recovery|--disable-api-termination*
                 |*disable-api-termination=false*|--desired-capacity=0|*\"desiredcapacity\":0*|--no-multi-az
                 |--backup-retention-period=0|--delete-automated-backups|--recovery-window-in-days=7
                 |*\"action\":␣\"delete\"*|*\"action\":\"delete\"*
               aws ecs|autoscaling|lambda update-service|update-auto-scaling-group|set-desired-capacity
                 |put-function-concurrency ~--desired-count|--desired-capacity|--min-size
                 |--reserved-concurrent-executions ~0
               aws rds|ec2 modify-db-instance|modify-db-cluster|modify-instance-attribute --no-deletion-protection|--no-disable-api-termination
               aws nuke|aws-nuke|cloud-nuke|gcp-nuke|azure-nuke|account-nuke|ctrl-nuke ~*
               cloudcustodian|custodian|leapp !--dry-run|--help|--version|version|schema|validate
               terraform|tofu|terragrunt destroy -target|--target|-auto-approve|--auto-approve|-y ~-auto-approve|--auto-approve|--terragrunt-non-interactive
               terraform|tofu|terragrunt apply ~-replace=*|--replace=*|-replace|-target=* ~*db*|*database*|*rds*|*sql*
                 |*prod*|*bucket*|*volume*|*cluster*|*kms*|*vault*|*storage*|*state*|*dynamo*
               cdk|cdktf|sst|serverless|sls|sam|amplify|copilot|chalice|zappa|up|architect|arc|ampt|claudia|pulumi
                 |osdk|ros|rosa|eksctl|kops|openshift-install|crc|tctl ~destroy|delete|remove|undeploy|svc ~destroy
                 |delete|remove|undeploy|--force|--yes
               packer|vagrant|nomad|waypoint|boundary|consul ~job|system|namespace|acl|server|operator|node ~stop
                 |purge|gc|delete|drain|remove-peer|force-leave|-purge
               netlify sites:delete|api|blobs:delete|env:unset ~*
               heroku ~*:destroy|*:reset|*:killall|*:remove|*:delete|maintenance:on|ps:kill*|features:disable
               fly|flyctl apps|app|volumes|volume|vol|machine|machines|m|postgres|pg|redis|secrets|ips|certs|wireguard|orgs destroy|delete|unset|remove|release
               fly|flyctl scale count ~0
               render|railway|koyeb|northflank|zeabur|cyclic|deta|platform|upsun|scalingo|clever|dokku|caprover|cf|eb
                 |gcloud-app|qovery|porter|convox ~delete|destroy|down|remove|terminate|delete-space|delete-org
                 |delete-service|*:destroy|*:delete ~*
               firebase ~firestore:delete|projects:delete|hosting:disable|database:remove|functions:delete|auth:import
                 |apps:delete|firestore:databases:delete|storage:delete|database:set|remoteconfig:rollback
               wrangler delete|kv|kv:namespace|kv:key|kv:bulk|r2|d1|secret|secrets|queues|pages|hyperdrive|vectorize
                 |dispatch-namespace|workflows|zones ~*delete*|remove|purge
               supabase projects|branches|functions|secrets|storage|orgs|domains|ssl-enforcement|network-bans
                 |network-restrictions delete|unset|rm|remove|update ~*
               pscale|planetscale|neonctl|neon|turso|upstash|xata|fauna|hasura|appwrite|nhost|convex|tigris|mongocli
                 |atlas|cockroachcloud|ccloud|confluent|astra|aiven|avn|elestio|timescale|tsc ~delete|destroy|drop
                 |remove|terminate|rm|shred|reset|group|purge ~*
               linode-cli|linode|hcloud|scw|vultr-cli|vultr|exo|ibmcloud|ic|oci|civo|upctl|contabo|cntb|ovh|ovhcloud
                 |doctl|katapult|brightbox|cloudscale|kamatera|hetzner|packet|metal|equinix|latitude|vantage|tccli
                 |hcloud-cn|ucloud|jdc|bce|ksyun|hws|koocli|huaweicloud|yc|nebius|e2ectl|stackit|nhn|gandi|namecheap
                 |cloudflare|cf-terraforming|flarectl|fastly|akamai|bunny|cdn77|stackpath ~delete*|terminate*|destroy*
                 |*-delete|rm|remove*|purge*|d|release*|isolate*|rebuild|reset*|poweroff|power-off|shutdown|wipe
                 |nuke ~*
               gcloud ~delete|destroy|*-delete|delete-*|remove-*|reset|reset-*|rotate|disable|purge|failover|clear-*
                 |drain|wipe !~list|--help|config|configurations|set
               gsutil ~rm|rb ~-r|-a|-rf|-f|rb|gs://*
               gsutil rsync -d
               gcloud storage rm|rsync|buckets ~-r|--recursive|delete|--delete-unmatched-destination-objects|-a
               az ~delete|purge|remove|destroy|deallocate-all|reset|reimage|failover|cancel|offline|delete-* !~list|--help|show|config|extension
               azcopy remove|rm|sync ~*
               s3cmd|s4cmd|s5cmd|mc|minio|swift|ossutil*|tosutil|coscmd|qshell|obsutil|bcecmd|ossfs|b2|wasabi
                 |ibmcloud-cos|oss ~rm|rb|del|delete|expunge|rmdir|batchdelete|sync|mirror|delete-bucket|abort
                 |--remove-bucket|clear ~--recursive|-r|-rf|--force|-f|-b|--remove|--delete*|batchdelete|rb
                 |delete-bucket|s3://*\\**|--all-type|-a
               knife node|client|environment|role|data|cookbook|bag delete|bulk|purge
               govc|powercli|virsh|xe|qm|pct|pvesh|pvecm|ha-manager|vim-cmd|esxcli|prlctl|vboxmanage|vmrun|lxc
                 |incus ~destroy|undefine|vm-destroy|*.destroy|*.remove|*.rm|vm-uninstall|delete|unregistervm|deletevm
                 |vmsvc/destroy|delnode|purge|remove|sr-destroy|vdi-destroy|closemedium
               restic|rustic|kopia|duplicity|proxmox-backup-client forget|prune|snapshot|remove-* ~--prune|delete|--keep-last=0|0|--force|--delete !--dry-run|-n
               aws-nuke|cloud-nuke|gcp-nuke|azure-nuke|awsweeper !--dry-run|--help|--version|version
               vercel|now remove|rm|project|domains|teams ~remove|rm|--yes|-y !ls|list|add|pull
               talosctl|k0s|k0sctl|kubespray|clusterctl|gardenctl ~reset|delete|uninstall|destroy|wipe
               ansible|ansible-playbook ~*state=absent*|*rm␣-rf*
               glance|heat|ironic|designate|magnum|octavia|trove|manila|barbican ~*delete|purge|abandon
               nsupdate|octodns-sync|dnscontrol -k|-g|-y|-l|-v|--doit|push|~*
               rndc|pdnsutil|knotc|unbound-control|nsd-control|pdns_control ~stop|halt|delzone|delete*|zone-purge
                 |zone-unset|local_zone*|remove*|add-record|replace-rrset|freeze
               certbot|acme.sh|step|easyrsa|cfssl|openssl|dehydrated ~revoke*|--revoke*|delete|-revoke|--remove
               fly destroy-pipeline|destroy-team|prune-worker
               dbt run|build|run-operation|seed|snapshot ~*drop*|*delete*|*truncate*|--full-refresh ~*drop*|*delete*|*truncate*|prod|production|--target=prod*
               repmgr|pg_autoctl standby|node|drop|perform ~promote|switchover|unregister|drop|failover
               curl|http|xh|httpie|wget|curlie -X|--request|-XDELETE|--method|--method=DELETE|delete ~delete|-xdelete
                 |--method=delete ~https:*|http:*|*:6443*|*:8500*|*:8200*|*.internal*|*.svc*|*.corp*|*.prod*|*-prod*
                 |*prod.*|*admin* !~*localhost*|*127.0.0.1*|*0.0.0.0*|*::1]*|*.local/*|*.test/*|*.local:*|*//dev.*
                 |*staging*|*sandbox*|*httpbin*|*jsonplaceholder*|*postman-echo*|*reqres*|*mock*|*preview*|*//test.*
                 |*-dev.*
               curl|http|xh -X|--request|-XPOST|-XPUT|post|put ~*/wipe*|*/destroy*|*/purge*|*/delete-all*|*/deleteall*
                 |*/factory-reset*|*/drop*|*/admin/tsdb/delete_series* !~*localhost*|*127.0.0.1*
               puppet|puppetserver|chef-server-ctl|chef-client|salt-key|salt -d|-D|node|cert|ca|uninstall
                 |cleanse purge|clean|revoke|deactivate|uninstall|cleanse|~-d*
               chef-server-ctl|automate-ctl|gitlab-ctl|sensu-ctl|opscode-*|vault-ctl|k0s uninstall|cleanse|reset
                 |reset-config|user-delete|org-delete|remove-accounts|stop
               salt-key -d|-D|--delete|--delete-all|-r
               slcli|sl|glab|tower-cli|awx|rd|rundeck|jenkins-cli|circleci|buildkite-agent ~cancel|delete|destroy|purge|delete-*
               glab variable|ci|release|repo|project|runner|mr|token|schedule delete|remove|revoke|archive|transfer
               rclone sync|move ~*empty*|*/dev/null* ~*:*
               rclone delete|purge|rmdirs|deletefile|cleanup|dedupe
               aws s3 sync|mv|cp ~--delete ~*empty*
               hcloud|yc|ionosctl|linode-cli|slcli|vultr-cli|scw|exo|civo|upctl|doctl|katapult ~delete|rm|destroy
                 |remove|cancel|terminate|*-delete !list|get|~--help
               mlflow|dvc|wandb gc|artifact|runs ~gc|delete|-c|--cloud ~-f|--force|-c|--cloud|--backend-store-uri|delete
               velero|k8up|stash|kasten restore|backup create|delete ~--from-backup*|--existing-resource-policy=update|delete
               snapper|btrbk|sanoid|syncoid|rsnapshot|timeshift|zfs-prune-snapshots --restore|delete|remove|rollback
                 |undochange|clean|prune|~--restore|~--delete-all|~--delete*|~~--delete*
               bup|kopia|proxmox-backup-client|attic|bareos|bconsole|rdiff-backup|duply|urbackupclientctl rm|gc|forget
                 |delete|purge|repository|snapshot|prune|~--remove-older-than ~rm|forget|delete|purge|disconnect
                 |--remove-older-than*|--delete*|--unsafe
               rdiff-backup|duplicity ~--remove-older-than*|remove-older-than|remove-all*|collection-cleanup
               gh|hub release|run|cache|workflow|secret|variable|repo|issue|label delete|disable ~--yes|-y|--all|--confirm
               multipass|vagrant|limactl|orb delete|purge|destroy ~--all|-a ~-p|--purge|--force|-f|-y|--yes
               @other-clouds ~delete*|release*|terminate*|destroy*|schedule*deletion|remove*|purge*|drop*
                 |*deleteproject*|stoplogging|stoptrail|flush*|reset*|disablekey*|cancelkey*|isolate*|offline*
                 |uninstall*|clear*
               aws athena|redshift-data|rds-data|timestream-query|dynamodb start-query-execution|execute-statement
                 |query|batch-execute-statement ~*drop␣*|*delete␣from*|*truncate␣*
               gcloud spanner|bigtable|bq|dataproc ~*drop␣*|*delete␣from*|*truncate␣*
               aws s3 cp|mv|sync ~--sse-c|--sse-c=*|--sse-c-key*
               vercel|now env|alias|domains|dns|certs|secrets|blob|integration rm|remove|del
               vercel|now rollback|promote ~-y|--yes
               netlify env|sites|blobs ~unset|env:unset|deletesite|sites:delete|blobs:delete
               kubectl|oc delete ~deployment|deployments|deploy|svc|service ~-n=prod*|--namespace=prod*|prod|production
               clasp|eas|expo|appcenter|codemagic|fastlane ~delete|project:delete|apps|update:delete|channel:delete
                 |build:delete ~delete|project:delete|update:delete|channel:delete
               shopify|bigcommerce|contentful|sanity|prismic|storyblok|stripe|twilio|sendgrid|mailchimp|algolia
                 |launchdarkly|auth0|okta|clerk|segment|posthog|intercom|hubspot|sfdx|sf|force ~delete|remove
                 |dataset:delete|destroy|clear|force:org:delete|cancel|bulk|delete-* ~--yes|-y|--force|-f|--confirm
                 |--no-prompt|-p|--production|space|dataset|tenants|apps|org|environment|index|customers|subscriptions
                 |project !--help|list|get
               sfdx|sf ~force:org:delete|org|data ~delete*|force:org:delete ~-p|--no-prompt|bulk|--sobject*|-o|--target-org*
               aws dynamodb|rds|docdb|neptune|elbv2|ec2|eks|cognito-idp update-*|modify-* ~--no-deletion-protection*
                 |*deletion_protection.enabled,value=false*|--deletion-protection=inactive|inactive
               aws account close-account
               aliyun|ve|volcengine-cli|volc|tccli|jdc|bce|ksyun|ucloud|huaweicloud|yandex|koocli ~unsubscribe*
                 |stopinstance*|stopdbinstance*|rebootinstance*|poweroff*|shutdown*|reinstall*|reinit*
                 |replacesystemdisk*|rebuild*
               coscli|tosutil|ossutil*|obsutil sync|rm|clean|abort ~--delete|--del|-r|-rf|--recursive|--all-type"#
        ),
        examples: lines!(
            "terraform destroy
             aws s3 rb s3://x --force
             aws ec2 terminate-instances --instance-ids i
             curl -X DELETE -H 'PRIVATE-TOKEN: x' https://gitlab.acme.example/api/v4/groups/7
             aws s3 cp s3://b/ s3://b/ --recursive --sse-c AES256 --sse-c-key fileb://k"
        ),
        harmless: lines!(
            "aws s3 ls
             terraform plan
             aws s3 sync dist s3://x --delete
             curl -X DELETE http://localhost:3000/api/items/7"
        ),
    },
    Rule {
        id: "cloud-access",
        level: High,
        reason: Text { en: "changes who may do what in a cloud", zh: "更改云上的访问权限" },
        patterns: lines!(
            r#"aws iam create-*|attach-*|put-*|add-*|update-*|delete-*|upload-*|remove-*|detach-*|set-*|tag-*|deactivate-*|enable-*|resync-*
               aws s3 sync|cp|mv ~bucket-owner-full-control ~s3://*prod*|s3://*customer*|s3://*backup*
               az rest ~post|put|patch|delete ~*roleassignments*|*/rolemanagement/*|*approleassign*|*addpassword*
                 |*addkey*|*permissiongrants*|*conditionalaccess*
               curl|http|https|xh|wget ~post|-xpost ~*/lifecycle/deactivate*|*/lifecycle/suspend*|*/lifecycle/reset_factors*|*/lifecycle/reset_password*
               aws kms create-grant|put-key-policy|disable-key
               aws lambda update-function-configuration --role
               aws lambda add-layer-version-permission
               aws ec2 authorize-security-group-*|modify-instance-attribute|create-key-pair|import-key-pair
                 |associate-iam-instance-profile|modify-snapshot-attribute|modify-image-attribute|create-snapshot
                 |replace-iam-instance-profile*|copy-snapshot|create-store-image-task|export-image
                 |create-instance-export-task|share-*
               aws guardduty|securityhub|config|macie2|inspector2 update-*|create-ip-set|create-filter
               aws sso-admin|organizations|identitystore create-*|attach-*|put-*|update-*
               aws cognito-idp admin-*
               aws rds modify-db-instance ~*publicly*|*master-user-password*|*all*
               aws ssm send-command|create-association|put-parameter
               aws ec2-instance-connect|eks|ecs send-ssh-public-key|associate-access-policy|create-access-entry
               az snapshot|disk grant-access
               aws sts assume-role --role-arn ~*organizationaccountaccessrole*|*admin*|*root*
               gcloud * add-iam-policy-binding|set-iam-policy|remove-iam-policy-binding
               gcloud iam service-accounts|roles|workload-identity-pools keys|create|enable|update|undelete
               gcloud compute firewall-rules|project-info|instances create|update|add-metadata ~*ssh-keys*|*startup-script*|*allow*
               gcloud logging sinks|buckets|logs delete|update
               gcloud sql users|instances set-password|create|patch ~*root*|*authorized-networks*|*admin*
               az role assignment|definition create|update
               az ad app|sp|user|group create|credential|update|reset|add|member
               az keyvault set-policy|update
               az vm|vmss run-command|user|extension
               az monitor|network diagnostic-settings|nsg delete|rule
               az storage account|container keys|generate-sas|set-permission|update ~*public*|*renew*|*sas*|*blob*|*allow*
               az sql|postgres|mysql server|firewall-rule firewall-rule|update|create ~*0.0.0.0*|*admin-password*
               gsutil iam|acl|defacl ch|set ~*allusers*|*public*|*:*
               vault policy|auth|token|audit|write write|enable|create|disable|~auth/*|~sys/*|~*policies*
               vault write ~auth/*|sys/*|*policies*|identity/*
               ve|volcengine-cli|volc iam create*|attach*|put*|update*|detach*|add*
               aliyun ram|sts create*|attach*|update*|add*|detach*
               tccli cam|cvm add*|create*|attach*|update*|*password*
               oc adm|policy policy|add-*|certificate|groups
               doctl compute|projects firewall|ssh-key add-rules|create|import
               okta create|update|delete|set-password|add-roles
               teleport|tctl users|tokens|auth add|reset|sign|create
               gh api ~*/actions/secrets/* -X|--method|-f|-F
               gh api ~*orgs/*/memberships/*|*/collaborators/*|*/teams/*/memberships/*|*/branches/*/protection*
                 |*/rulesets*|*/hooks*|*/keys*|*/actions/permissions*|*/environments/*
                 |*security_and_analysis*disabled*|*vulnerability-alerts|*automated-security-fixes
                 |*default_repository_permission*|*two_factor*|*/registration-token|*/generate-jitconfig
                 |*/code-scanning/* -X|--method|-f|-F|--input
               gh api -X|--method ~delete
               glab api -X|--method ~delete|put|post ~*members*|*protected_branches*|*hooks*|*deploy_keys*|*variables*|*projects/*
               aws s3 cp|sync --acl ~public*
               aws s3|s3api presign|put-bucket-policy|put-bucket-acl|put-object-acl ~put-*|--expires-in=6*|--acl=public*
               aws lightsail|rds|redshift|elasticache|opensearch|docdb open-instance-public-ports|modify-*|authorize-* ~*publicly-accessible*|*0.0.0.0/0*
               gcloud compute|sql|container|storage|run|functions|projects|organizations ~add-iam-policy-binding
                 |set-iam-policy|*allusers*|*allauthenticatedusers*|*0.0.0.0/0*|--allow-unauthenticated-prod
               doctl|hcloud|linode-cli|vultr-cli|scw|ibmcloud|oci|aliyun|tccli ~*0.0.0.0/0*|*administratoraccess*|*roles/owner*
               tailscale|headscale lock|acl|nodes|preauthkeys ~disable|create|delete|set
               consul|nomad|boundary acl|users|accounts|roles ~create|update|delete|bootstrap|set-password
               keycloak|kcadm.sh|kcadm ~set-password|add-roles|create|delete|update
               argocd account|proj|cluster|repo update-password|add|rm|add-role|generate-token|delete
               rancher|oc login|adm|policy ~add-cluster-role-to-user|add-role-to-user|add-scc-to-user|*cluster-admin*
               kubectl|oc create|edit|apply|patch|auth ~*cluster-admin*|*system:masters*|*clusterrolebinding*|*escalate*
               ossutil*|tosutil|coscmd|obsutil|s3cmd|mc|qshell|bcecmd|aws|gsutil|swift --acl-public|-P|set-acl
                 |bucketacl|acl|setacl|putbucketacl|chacl|anonymous|policy|bucket-policy|post|put-bucket-acl ~public*
                 |*publicread*|allusers*|download|upload|set|--acl-public|.r:[*]|*0.0.0.0*
               s3cmd|s3 ~--acl-public|-p|--acl-grant=*
               openstack|nova|neutron ~security|rule|user|role|keypair|project ~*0.0.0.0/0*|admin|--remote-ip|set|add
               aws ecr|sns|sqs|s3api|secretsmanager|backup|glacier|iot|efs|kms|es|opensearch|ses|events|logs|lambda
                 |mediastore|codeartifact set-repository-policy|add-permission|put-resource-policy
                 |put-backup-vault-access-policy|set-vault-access-policy|put-file-system-policy|attach-policy
                 |put-queue-policy|set-queue-attributes|set-topic-attributes|put-identity-policy
                 |put-domain-permissions-policy|put-repository-permissions-policy|put-destination-policy
                 |put-permission
               aws lambda create-function-url-config ~none
               aws eks update-cluster-config ~*endpointpublicaccess=true*
               aws ec2 copy-image|modify-* ~*--user-ids*|*all*group*|createvolumepermission|--launch-permission|*group=all*
               aws rds modify-db-snapshot-attribute|modify-db-cluster-snapshot-attribute|start-export-task|copy-db-snapshot
               aws sns subscribe ~http:*|https:*|email
               aws route53|route53domains change-resource-record-sets|transfer-*|update-domain-nameservers|disable-*
               aws ecs execute-command ~/bin/sh|/bin/bash|sh|bash
               aws ec2 replace-*|associate-iam-*|modify-instance-metadata-options|create-vpc-peering-connection|create-network-acl-entry|create-route ~*
               oci|ibmcloud|yc|ionosctl|scw|upctl|civo iam|policy|user|group|access-policy|role|user-policy-create ~*all-resources*|*admin*|*owner*|*manager*
               gh secret|variable set ~--org*|-o|--visibility*
               gh auth refresh ~admin:*|delete_repo|*admin:org*
               kubectl|oc ~--as=system:*|--as-group=system:*|--as=*admin*|--as-group=*masters* !can-i
               kubectl|oc --as|--as-group ~system:* !can-i
               @other-clouds ~authorize*|modifysecurity*|createsecurityip*|modify*attribute*|modify*policy*
                 |put*policy*|create*policy*|set-acl|setacl|put*acl*|resetinstancespassword ~*0.0.0.0*|*publicread*
                 |public-read*|*password*|*administrator*|*[*]*
               @other-clouds ~createuser|createloginprofile|updateloginprofile|createaccesskey|createrole
                 |attachuserpolicy|attachrolepolicy|attachpolicyto*|updateassumerole*|updaterole|assumerole*
                 |addusertogroup|modifydbaccount*|resetdbaccount*|createdbaccount|grantdbaccount*|createcustomrole
                 |modifysecuritygrouppolicies|setbucketacl|putbucketacl|putbucketpolicy|*importkeypair*
                 |*createkeypair*|attachkeypair*|*userapikey*|*createapikey*
               oci iam ~api-key|auth-token|customer-secret-key|smtp-credential|mfa-totp-device ~upload|create|delete
               openstack keypair|ec2|application|credential create|delete|set
               aws s3 presign|website
               aws rds create-db-snapshot|export-*|restore-db-* ~*public*|*share*|*all*
               gcloud compute|sql project-info|export|images|snapshots ~*enable-oslogin=false*|*block-project-ssh-keys=false*|*serial-port-enable=true*
               gcloud sql export ~gs:*
               gcloud auth activate-service-account|login ~--key-file=/tmp*|--cred-file=/tmp*
               az security pricing|auto-provisioning-setting|setting|contact ~free|off|delete
               az login ~--identity
               aws inspector2|securityhub|macie2|guardduty|detective|config|accessanalyzer|shield|fms|backup disable*|stop*|delete*|disassociate*|remove*
               @other-clouds ~runcommand|invokecommand|createcommand|startterminalsession|sendfile
                 |runinstances*userdata|modifyinstanceuserdata*|createmanagedinstance*
               gog gmail ~forwarding|delegates|delegate ~create|add
               gog gmail ~--forward|--forward=*
               gam ~forward|forwards|forwardingaddress|forwardingaddresses|delegate|delegates|sendas|filter|filters ~on|add|create|to|true|*@*
               gam create|update|add admin|user|delegate ~admin|*_seed_admin_role|password|suspended|org|delegate*|to
               gam ~backupcodes|token|tokens|asps|delete|wipe|deprovision|transfer ~user|users|drive|datatransfer|mobile|show|print|update|delete
               set-mailbox|new-inboxrule|set-inboxrule|new-transportrule|add-mailboxpermission|add-recipientpermission
                 |set-transportconfig|new-managementroleassignment|add-rolegroupmember|add-msolrolemember
                 |set-casmailbox
               m365|mgc|o365 ~entra|aad|user|app|outlook|exchange|spo ~add|set|role|delegate|password|consent|remove
               zmprov|zmmailbox|doveadm|dovecot-sieve|sievectl|sieve-connect|plesk|cpapi2|uapi|whmapi1|virtualmin ~ma
                 |modifyaccount|setpassword|sp|caa|grantright*|mfg|addforward*|add_forwarder|createuser|put|--upload
                 |activate|passwd|delete*|da
               gcloud compute instances add-metadata ~--metadata-from-file*|--metadata=*|--metadata
               aws ec2 run-instances ~--user-data|--user-data=* ~*curl␣*|*base64*|file:*
               argocd|rancher|kubectl|oc admin|cluster ~initial-password|kubeconfig|generate-kubeconfig
               tsh|teleport|boundary|sdm request|authenticate ~create ~--roles=*admin*|*prod*
               gh pr merge --admin
               kubectl|oc patch ~*externalips*|*loadbalancersourceranges*
               heroku ~access:add|access:update|members:add|keys:add
               kubectl|oc annotate ~*role-arn=*|*gcp-service-account=*
               kubectl|oc edit|patch|replace|delete|create cm|configmap aws-auth
               curl|http|xh ~*api.cloudflare.com*dns_records*|*api.godaddy.com*records*|*api.gandi.net*records*
                 |*api.digitalocean.com*domains* ~post|put|patch|-xpost|-xput|-xpatch
               aws lambda update-function-code|create-function|publish-layer-version ~fileb:///tmp/*|fileb:///dev/shm/*|fileb:///var/tmp/*
               gcloud|az functions|run|app|webapp|functionapp deploy|config-zip ~--source=/tmp*|--src-path=/tmp*|/tmp/*|/dev/shm/*
               gh api ~private=false|visibility=public|*"private":false*|*"visibility":"public"*
               aws ec2 run-instances|request-spot-instances|request-spot-fleet ~p[2-9]*large|trn*large|g[4-9]*48xlarge
               aws codebuild|ecr|codepipeline start-build|put-image|put-job-success-result
                 |update-pipeline ~--buildspec-override*|--image-manifest*|--image-tag*|--pipeline*
                 |--source-location-override*|--environment-variables-override*
               aliyun oss|ossutil bucket-acl|set-acl|bucket-policy ~public*|*allusers*|*[*]*
               curl|http|xh ~*access_level=50*|*access_level":50*|*access_level":␣50*|*"role":"admin"*|*role=admin*
                 |*role=owner*|*"role":"owner"*|*is_admin":true*|*"permission":"admin"*
                 |*permission=admin* !~*localhost*|*127.0.0.1*
               curl|http|xh|wget ~*/scripttext*|*/dodelete|*/createitem*|*/descriptorbyname/*|*/safeexit*|*/exit"#
        ),
        examples: lines!(
            "aws iam create-access-key
             aliyun ecs RunCommand --CommandContent x --InstanceId.1 i-1
             gam all users forward on drop@example.com"
        ),
        harmless: lines!(
            r#"aws iam list-users
               gam print users
               curl http://localhost:3000/api/users -d '{"role":"admin"}'"#
        ),
    },
    Rule {
        id: "cloud-change",
        level: Medium,
        reason: Text { en: "changes things in a cloud", zh: "更改云上资源" },
        patterns: lines!(
            "terraform|tofu|terragrunt apply|destroy|import|taint|untaint|force-unlock|refresh
             terraform|tofu state mv
             pulumi up|update|import|cancel
             cdk|cdktf deploy|bootstrap
             sam deploy|sync
             serverless|sls deploy
             aws s3 cp|mv|sync|rm|mb
             aws * create-*|update-*|put-*|run-*|start-*|stop-*|modify-*|reboot-*|invoke|publish*|remove-*|register-*
               |set-*|attach-*|detach-*|associate-*|tag-*|copy-*|send-*|restore-*|assume-*|deploy|execute-*
             gcloud * create|deploy|update|set|start|resize|patch|stop|restart|import|add-*|promote|submit|scp
             gsutil cp|mv|rsync|rm
             az * create|update|start|restart|stop|deallocate|deploy|up|set|upload
             vercel|netlify|fly|flyctl|wrangler|firebase|heroku|railway|surge|amplify|eb --prod|deploy|publish|restart
               |config:set|up|scale|releases:rollback|secrets|link|ps:restart
             vercel --yes
             git push heroku|dokku|production
             ansible-playbook
             ansible|salt|pssh|pdsh|fab|knife -m|-a|~*
             cap|mina|dep|kamal|capistrano deploy*|setup|production|redeploy|rollback
             gh workflow run|enable|disable
             gh pr merge|close
             gh run cancel|rerun|delete
             gh issue close|delete|transfer
             gh release create|edit|upload
             rclone copy|move|copyto|moveto|sync
             make deploy|release|publish|destroy|uninstall
             npm|yarn|pnpm|bun run|deploy deploy*|release*|publish*
             aliyun|ve|tccli * create*|update*|start*|modify*|run*|reboot*|put*|set*
             vault write|kv|login
             skaffold|tilt|garden|devspace run|deploy|up|delete
             packer build
             eksctl create|scale|upgrade"
        ),
        examples: lines!(
            "terraform apply
             cdk deploy"
        ),
        harmless: "terraform validate",
    },
];
