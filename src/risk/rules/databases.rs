//! What is lost in databases.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::{Names, lines, list};

/// Programs that are given statements of SQL; `@sql` in patterns.
pub const CLIENTS: Names = list!(
    "psql mysql mariadb sqlite3 sqlite sqlcmd cockroach clickhouse-client clickhouse duckdb snowsql bq
     sqlplus mycli pgcli litecli isql usql osql impala-shell hive beeline presto trino tsql db2 cqlsh
     spark-sql vsql mysqlsh turso libsql"
);

/// Whether a program is given statements of SQL.
#[must_use]
pub fn is_client(name: &str) -> bool {
    CLIENTS.contains(name)
}

/// Programs that are given statements of another language.
pub const OTHER_CLIENTS: Names = list!("mongosh mongo redis-cli valkey-cli cypher-shell influx etcdctl");

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "sql-destroy",
        level: High,
        reason: Text { en: "drops or empties tables or databases", zh: "删除或清空数据库、表" },
        patterns: lines!(
            "@sql|rails|supabase|wrangler ~*truncate␣*|*detach␣table*|*shutdown*|*purge␣binary*|*reset␣master*|*set␣global*
               |*drop␣database*|*drop␣schema*|*drop␣table*|*drop␣keyspace*|*drop␣column*|*drop␣view*|*drop␣index*
               |*drop␣warehouse*|*drop␣function*|*drop␣trigger*|*drop␣extension*|*drop␣sequence*|*drop␣type*
               |*drop␣dataset*|*drop␣materialized*|*drop␣all*|*drop␣owned*|*drop␣user*|*drop␣role*
               |*alter␣user*|*alter␣role*|*create␣user*|*create␣role*superuser*|*grant␣all*|*pg_terminate_backend*
               |*copy␣*program*|*xp_cmdshell*|*sys_exec(*|*into␣outfile*|*into␣dumpfile*|*load_file(*|*pg_read_file*
               |*lo_import*
             dropdb|dropuser|pg_resetwal|pg_dropcluster|pg_ctlcluster|dropcluster|pg_drop_replication_slot
               |pg_upgradecluster|pg_rewind|pg_basebackup|pg_archivecleanup|vacuumlo
             pgbackrest|barman|wal-g stanza-delete|delete|delete-backup
             mongo|mongosh|mongodb ~*deletemany({})*|*remove({})*|*dropindexes*|*deletemany(␣{}␣)*|*deletemany(␣{␣}␣)*|*dropallusers*
             redis-cli|valkey-cli|keydb-cli flushall|flushdb|shutdown|config|debug|replicaof|slaveof|script|module|eval
             redis-cli|valkey-cli|keydb-cli ~flushall*|flushdb*|*␣flushall*|*␣flushdb* !set|get|append|echo|publish|hset|lpush|rpush|sadd
             xargs ~redis-cli ~del|unlink
             nats|pulsar-admin|rpk stream|topics|topic|kv|consumer rm|delete|purge
             influx bucket|org|auth|user|remote ~create|password|update
             consul kv delete -recurse
             consul leave|force-leave
             curl -X|--request ~delete ~*:9200*|*:9201*|*:8086*|*:5984*|*elasticsearch*|*opensearch*|*:2379*|*:8500*
               |*:6333* !~*localhost:*/test*|*127.0.0.1:*/test*|*localhost:*-test*|*localhost:*/tmp*|*localhost:*-dev*
             curl -XDELETE ~*:9200*|*:9201*|*elasticsearch*|*opensearch*|*:5984*|*:6333*
             curl|http|https|xh|wget ~*_delete_by_query*|*<delete><query>?:?</query>*|*\"delete\":{\"query\":\"?:?\"}*|*\"delete\":␣{\"query\":\"?:?\"}*
             rabbitmqctl reset|force_reset|delete_vhost|add_user|delete_user|purge_queue|delete_queue|stop_app|set_user_tags|set_permissions
             kafka-topics|kafka-topics.sh|kcat|rpk --delete|topic
             pg_ctl stop|initdb|promote
             neo4j-admin|cypher-shell ~*drop*
             couchdb|couch-cli bucket-delete|bucket-flush
             couchbase-cli bucket-delete|bucket-flush|server-stop
             aerospike|asadm|asinfo ~*truncate*
             mc|mongorestore|pg_restore --drop|--clean|-c ~*prod*
             mongorestore --drop
             vault secrets|kv|operator|auth|token -prefix|-force|disable|destroy|delete|revoke|seal
             vault operator seal|rekey|raft|step-down|init|generate-root|rotate|unseal|migrate|rotate-keys
             vault delete|lease
             rails|rake db:schema:load ~*production*
             *artisan artisan|db:wipe|migrate:fresh|migrate:reset|tinker db:wipe|migrate:fresh|migrate:reset --force
             npx|pnpm|yarn|bunx|bun prisma|sequelize*|typeorm|knex|drizzle-kit|mikro-orm|migrate-mongo ~reset|--force-reset|--accept-data-loss|*:drop !~--help
             prisma migrate|db ~--force-reset|--accept-data-loss
             supabase db push --include-all --linked
             wp db|site|user|post|plugin reset|drop|empty|delete|clean !~*plugin*
             drush ~sql-drop|sql:drop|site-install|site:install|si|sql-create|sql:create|entity:delete|pm-uninstall|user-cancel
             magento|n98-magerun|n98-magerun2 ~setup:uninstall|db:drop|db:import|setup:db-data:*
             rails|rake|bundle db:drop|db:drop:all|db:reset|db:truncate_all|db:purge ~disable_database_environment_check=1|*prod*|db:truncate_all
             django-admin|*manage.py|python* ~flush|reset_db|zero ~--no-input|--noinput|--yes|zero
             mix|dotnet|dotnet-ef|alembic|flyway|liquibase|diesel|sqlx|sea-orm-cli|goose|dbmate|migrate|atlas|sqitch
               |tern|refinery ~ecto.drop|ecto.reset|drop|clean|dropall|drop-all|reset|database|down|revert|schema
               |downgrade ~--force|-f|--yes|-y|clean|drop|drop-all|dropall|base|-all|--all|reset
             mysqladmin ~drop|shutdown|password|kill|flush-*|reset-*
             mysql_install_db|mysqld --initialize|--skip-grant-tables|--initialize-insecure
             mysqld|mysqld_safe|mariadbd ~--skip-grant-tables*|--init-file=*
             sqlplus|sqlcl|rman|expdp|impdp|dgmgrl|srvctl|asmcmd|crsctl ~*drop␣*|*delete␣*|*shutdown*|*truncate␣*
               |*table_exists_action=replace*|*stop*|*remove*|*purge*|rm
             bcp|sqlcmd|osql|mssql-cli ~*drop␣*|*xp_*|*sp_configure*|*restore␣database*|*backup␣log*|*dbcc*|*shutdown*
             mongo|mongosh|mongodb|mongod|legacy_mongo ~*.deletemany()*|*.remove()*|*dropdatabase(*|*dropcollection(*
               |*.drop(*|*dropuser*|*dropallroles*|*droprole*|*repairdatabase*|*rs.reconfig*|*replsetreconfig*
               |*fsynclock*|*shutdown*|*setprofilinglevel*|*grantrolestouser*|*updateuser*|*createuser*
               |*deletemany({␣*$exists*
             redis-cli|valkey-cli|keydb-cli|iredis|dragonfly ~flushall|flushdb|shutdown|debug|replicaof|slaveof|module
               |swapdb|failover|acl|cluster !~acl␣list*|whoami|list|info|nodes|slots|getuser|cat
             redis-cli|valkey-cli --eval|--pipe|--cluster|--replica ~*del*|*flush*|reset|fix|*.rdb
             cqlsh|dse|nodetool|sstableloader|cassandra-cli ~*drop␣*|*truncate␣*|decommission|removenode|assassinate
               |clearsnapshot|drain|stopdaemon|rebuild|scrub|-*drop*
             influx|influxd ~delete|*drop␣*|v1|restore|bucket|org|auth|user|*delete␣from* ~delete|*drop␣*|*delete␣from*|restore
             neo4j-admin|cypher-shell|neo4j ~*detach␣delete*|*drop␣*|load|restore|*match␣(n)*delete*|dump
             clickhouse* ~*drop␣*|*truncate␣*|*alter␣table*delete*|*detach␣*|*system␣shutdown*|*system␣drop*|*kill␣mutation*
             kafka-topics*|kafka-configs*|kafka-acls*|kafka-consumer-groups*|kafka-reassign-partitions*
               |kafka-storage* --delete|--delete-config|--remove|--reset-offsets|--execute|format|~--alter
             rpk|kcat|kaf|kafkactl|nats|pulsar-admin|rabbitmqadmin|rabbitmqctl|rocketmq|mqadmin|activemq ~delete|rm
               |purge|remove|delete-topic|deletetopic|delete_queue|purge_queue|reset|force_reset|delete_vhost
               |delete_user|del|trim-prefix|clear|unload !~--help|consumer
             zkcli*|zookeeper-shell*|zkshell ~rmr*|delete*|*␣deleteall␣*
             hive|beeline|spark-sql|presto|trino|impala-shell|athena|databricks|snowsql|snow|bq|dbt ~*drop␣*
               |*truncate␣*|*purge*|*delete␣from*|delete|rm|permanent-delete|*msck*drop*
             databricks ~delete-scope|destroy
             hbase ~*disable*drop*|*truncate*|*deleteall*
             ceph|rbd|rados|radosgw-admin|cephadm ~rm|delete|purge|remove|rmpool|destroy|zap|rm-cluster|out|lost|trash
               |bucket ~rm|delete|purge|destroy|zap|rm-cluster|out|lost|rmpool|--yes-i-really-really-mean-it|remove
             gluster volume|peer|snapshot delete|stop|reset|detach|remove-brick
             lctl|lfs|mmdelfs|mmdelsnapshot|beegfs-ctl ~conf_param|--delete*|hsm_remove|mmdel*|--removenode
             cockroach node|sql|workload ~decommission|drain|init|*drop␣*
             tiup cluster|playground|dm destroy|clean|prune|scale-in
             yb-admin|yugabyted|vitess|vtctlclient|vtctldclient|proxysql-admin|patronictl|repmgr|pgpool|pcp_* ~delete*
               |remove|destroy|reinit|failover|switchover|unregister|--disable|--delete*|pause|flush
             kafka-leader-election*|kafka-streams-application-reset*|connect-standalone* ~--offset-json-file*|--application-id|--all-topic-partitions
             kafka-acls* --add|--force
             kcat|kafkacat -Z|~-z
             elasticsearch-users|elasticsearch-reset-password|elasticsearch-setup-passwords|elasticsearch-keystore
               |elasticsearch-certutil|elasticsearch-node|elasticsearch-shard|opensearch-* -u|-b|-a|--batch|userdel
               |useradd|passwd|roles|auto|interactive|create|remove|unsafe-bootstrap|detach-cluster|repurpose
               |remove-corrupted-data|show
             elasticsearch-users|elasticsearch-reset-password|elasticsearch-node ~--username
             curator|curator_cli|es_rally|esrally delete_indices|delete-indices|delete_snapshots|close|forcemerge|~delete*
             hdfs|hadoop|yarn dfs|fs|namenode|dfsadmin|application|rmadmin -rmr|-rm|-format|-expunge|-kill|-deletesnapshot|-refreshnodes|-finalizeupgrade|leave
             memcached-tool|memcflush|memcrm|memcstat ~flush*|--servers*
             airflow|superset|dagster|prefect|mlflow|dvc|wandb|kedro|luigi|flyte*|kfp|metaflow|feast|dbt
               |great_expectations|meltano|airbyte|octavia ~reset|wipe|delete|gc|resetdb|purge|prune|destroy
               |teardown ~-y|--yes|-c|--cloud|reset|wipe|purge|teardown|resetdb|-f|--force|delete
             gitlab-rake|gitlab-ctl|gitlab-backup|gitlab-rails|gitea|gogs|forgejo ~gitlab:setup*
               |gitlab:backup:restore*|*:reset*|*:drop*|cleanse|uninstall|remove-accounts|restore|*force=yes*
               |gitlab:cleanup*|*destroy_all*|*delete_all*|*.destroy*|*admin*true*|*update(admin*
               |*personalaccesstoken*|*.token*|*password*|admin|reset-grafana
             rails|rake|bin/rails|bundle|django-admin|*manage.py|artisan|mix|flask -c|-e|runner|console|tinker|shell
               |run|r ~*destroy_all*|*delete_all*|*truncate*|*drop_table*|*.objects.all().delete()*|*deleteall*
               |*db.drop_all*|*superuser*=true*|*is_superuser*|*update(admin:␣true*|*secret_key*|*credentials*
               |*.token*|*password*
             django-admin|*manage.py|python*|bundle|php|npx ~sqlflush|reset_schema|createsuperuser|delete_*|drop_* ~*prod*|sqlflush
             typeorm|sequelize|knex|mikro-orm|prisma|drizzle-kit ~schema:drop|db:drop|reset|migrate:rollback
               |rollback ~--all|*prod*|schema:drop|db:drop|--force|reset
             alembic|flask|dbmate|goose|yoyo|aerich ~downgrade|rollback|down|reset ~base|zero|0|--all|-a|reset|down-to
             solr|solrctl|meilisearch-cli|typesense|weaviate*|qdrant*|milvus_cli|chroma|pinecone|vespa --delete|delete
               |drop|delete_collection|remove|destroy|collection|index|core ~delete|drop|--delete|remove|destroy
               |delete-*
             hasura|graphile-worker|directus|strapi|ghost|keystone|payload ~clear|reset|drop|migrate:reset|uninstall
               |delete|import ~clear|reset|drop|uninstall|delete|--force
             kdb5_util|kdb5_ldap_util|krb5_newrealm|kprop destroy|load|stash|create|dump|tabdump|ark|purge_mkeys
             ldapdelete|ldapmodrdn|dsdel|slapadd|slapmodify|slapdelete|dsconf|dsctl|dsidm|remove-ds.pl !--help|-n
             postsuper -d|-h
             exim|exim4 -Mrm|-Mg|-Mf
             doveadm expunge|mailbox|dedup|fetch|altmove|user ~expunge|delete|all|dedup|fetch
             xargs ~exim|postsuper|atrm|crontab|scancel|qdel|bkill|condor_rm|kafka-topics* ~-mrm|-d|-r|delete|--delete|atrm|scancel|qdel|bkill|condor_rm
             scancel|qdel|bkill|condor_rm ~--user|--user=*|all|-all|0|-u*|--state*|-a
             scontrol|sacctmgr|qmgr -c|delete|update|shutdown|reconfigure|remove|takeover|reboot
             mailman|list_lists|rmlist|remove_members|discard -a|--all|rmlist
             hdfs dfsadmin -safemode ~forceexit
             lpadmin|cancel|cupsdisable|lprm -x|-a|~-
             hg|chg strip|debugstrip|histedit|rollback|purge !--help
             psql|pgcli|mysql|mariadb|sqlcmd|sqlplus|usql|cockroach|clickhouse-client|mysqlsh|snowsql ~*revoke␣all*
               |*alter␣system*|*to␣program*|*from␣program*|*general_log*off*|*log_bin*=*0*|*lo_export*|*pg_ls_dir*
               |*sp_configure*|*alter␣database*set␣offline*|*disable␣trigger␣all*
             php|symfony|console|doctrine ~doctrine:schema:drop|doctrine:database:drop|orm:schema-tool:drop
               |doctrine:mongodb:schema:drop|doctrine:mongodb:database:drop|odm:schema:drop
               |dbal:database:drop ~--force|-f|--full-database|--full-force|--complete
             sail|ddev|lando|php|artisan|spark|think ~migrate:fresh|migrate:reset|migrate:refresh|db:wipe
               |migrate:rollback ~--force|-f|--step=*|--all !~--pretend
             cake|console|yii|phinx|oil ~migrate/fresh|migrations|rollback|migrate/down|migrate:fresh|seed:run ~-t
               |-t=0|--target=0|all|migrate/fresh|--interactive=0
             php ~migrate/fresh|migrate/down ~--interactive=0|all|migrate/fresh
             python*|django-admin|*manage.py ~shell|shell_plus|runscript ~*objects.all()._raw_delete*|*truncate*|*drop␣table*|*.delete()*
             sea-orm-cli migrate fresh|reset
             payload|npx|pnpm|yarn|bunx|node|ace ~migrate:fresh|migration:fresh|migrate:reset|migration:reset
               |migration:refresh|db:wipe|db:truncate ~--force|--force-accept-warning|migrate:fresh|migrate:reset
               |db:wipe
             drizzle-kit|npx|pnpm|bunx|yarn drizzle-kit|push drop|push --force
             drizzle-kit push --force
             goose|tern|dbmate|migrate|sql-migrate|soda|pop|buffalo|gormigrate|bun|shmig|pgroll|reshape
               |graphile-migrate ~reset|down-to|drop|down|undo ~0|--force|-f|-all|--all|reset|drop
             strapi|ghost|directus|keystone|payload|wp|craft|statamic|magento ~import|database|db|data
               |restore ~install|restore|--force|drop|reset --force|-f|--yes|-y|install
             supabase|firebase|convex|appwrite|nhost|hasura|pocketbase ~reset|import|restore|clear ~--linked
               |--replace-all|--replace|--prod|--db-url*|--all|--force|-y
             curl|http|xh|wget ~*/v1/sys/seal*|*/v1/sys/step-down*|*/v1/sys/raw*|*/v1/sys/mounts/*|*/v1/sys/leases/revoke*
             curl|http|xh ~*destructive_requires_name*false*|*_all/_close*|*/_close|*/_snapshot/*_restore*
               |*cluster.routing.allocation.enable*none*|*cluster.blocks.read_only*
             curl|http|xh|wget -X|--request|-XDELETE|--method|delete ~*:15672/*|*:8083/connectors/*|*:8081/subjects/*
               |*:9092*|*:7474/*|*:8529/*|*:19530/*|*:8108/*|*:7700/*|*:8080/admin/v2/* ~delete|-xdelete
               |--method=delete
             surreal|arangosh|cbq|cbc|n1ql|aql|isql-fb|fbsql|gsec|gfix|nisql|monetdb|mclient|hdbsql|db2|ttisql|exaplus
               |yasql|dmsql|disql|ksql|obclient|gsql|tdsql|kwbase ~*drop␣*|*delete␣from*|*truncate␣*|*remove␣database*
               |*remove␣table*|*remove␣namespace*|*_dropdatabase*|*._drop(*|*flush*
             sqlite3|sqlite ~*writefile('/*|*writefile('..*|*load_extension(*|*writefile('~*"
        ),
        examples: lines!(
            "psql -c 'DROP DATABASE x'
             redis-cli FLUSHALL
             dropdb shop
             mongosh --eval 'db.users.deleteMany({})'
             kafka-delete-records.sh --bootstrap-server b:9092 --offset-json-file all.json
             kdb5_util destroy -f
             php bin/console doctrine:schema:drop --force --full-database
             npx drizzle-kit push --force"
        ),
        harmless: lines!(
            "psql -c 'select 1'
             redis-cli get a
             php bin/console doctrine:schema:update --dump-sql"
        ),
    },
    Rule {
        id: "sql-change",
        level: Medium,
        reason: Text { en: "changes rows of a database", zh: "修改数据库中的数据" },
        patterns: lines!(
            "psql|mysql|mariadb|sqlite3|sqlcmd|cockroach|clickhouse-client|duckdb|snowsql|bq|sqlplus|mycli|pgcli|isql
               |usql|osql|impala-shell|hive|beeline|presto|trino|cqlsh ~*delete␣from*|*update␣*set*|*insert␣into*
               |*alter␣table*|*create␣*|*replace␣into*|*vacuum*|*reindex*
             redis-cli del|set|hset|expire|rename|unlink|lpush|incr
             mongorestore|mongoimport|createdb|createuser|initdb|vacuumdb|reindexdb
             mongo|mongosh ~*.delete*|*.update*|*.insert*|*.remove(*|*.replace*
             psql -f|--file
             rails|rake db:migrate|db:rollback|db:seed|db:drop|db:reset|db:purge|db:schema:load|db:setup|db:create|db:prepare
             php|*artisan artisan migrate*|db:wipe|db:seed
             *artisan migrate*|db:wipe|db:seed
             python*|manage.py|django-admin manage.py|migrate|flush|reset_db migrate|flush|reset_db|loaddata
             django-admin|manage.py migrate|flush|reset_db|loaddata
             alembic|flask upgrade|downgrade|stamp|db
             prisma migrate|db deploy|reset|push|dev|execute
             npx prisma migrate|db
             sequelize|sequelize-cli|knex|typeorm|drizzle-kit|knex:migrate db:drop|db:migrate*|migrate:*|migration:*|schema:drop|push|drop|db:seed*
             npx sequelize|sequelize-cli|knex|typeorm|drizzle-kit|kysely
             flyway migrate|clean|repair|baseline|undo
             liquibase update|rollback|dropall|drop-all|clear-checksums
             dbmate|goose|migrate|atlas|sqlx up|down|drop|rollback|apply|database|reset
             supabase db reset|push
             mix ecto.drop|ecto.reset|ecto.migrate|ecto.rollback
             dotnet ef|dotnet-ef database|migrations
             etcdctl put|del
             consul kv put|delete
             influx write
             php|symfony|console|doctrine ~doctrine:schema:*|doctrine:database:*|doctrine:migrations:*
               |doctrine:fixtures:load|orm:schema-tool:* !~--dump-sql|--dry-run|doctrine:migrations:status
               |doctrine:migrations:diff|doctrine:schema:validate
             sea-orm-cli|sail|ddev|lando migrate|artisan ~up|down|refresh|migrate*|db:*"
        ),
        examples: lines!(
            "psql -c 'delete from t where id=1'
             rails db:migrate"
        ),
        harmless: "psql -l",
    },
    Rule {
        id: "production-reset",
        level: High,
        reason: Text {
            en: "resets or removes something of production", zh: "重置或删除生产环境资源"
        },
        patterns: "",
        examples: "RAILS_ENV=production rails db:drop",
        harmless: "rails db:drop",
    },
    Rule {
        id: "sql-delete-all",
        level: High,
        reason: Text {
            en: "deletes or changes all rows of a table", zh: "删除或修改整张表的数据"
        },
        patterns: "",
        examples: "mysql -e 'DELETE FROM users'",
        harmless: "mysql -e 'DELETE FROM users WHERE id=1'",
    },
    Rule {
        id: "dump",
        level: High,
        reason: Text { en: "takes a whole database out", zh: "导出整个数据库" },
        patterns: lines!(
            "mysqldump|mariadb-dump --all-databases|-A
             pg_dumpall
             mysqldump|mariadb-dump ~mysql ~user|global_priv|db"
        ),
        examples: "pg_dumpall",
        harmless: "pg_dump shop",
    },
];
