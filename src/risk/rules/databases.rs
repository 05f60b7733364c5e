//! What is lost in databases.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "sql-destroy",
        level: High,
        reason: Text { en: "drops or empties tables or databases", zh: "删除或清空数据库、表" },
        patterns: &[
            "psql|mysql|mariadb|sqlite3|sqlcmd|cockroach|clickhouse-client|duckdb|snowsql|bq|sqlplus|mycli|pgcli|isql|usql|osql|impala-shell|hive|beeline|presto|trino ~*drop␣database*|*drop␣schema*|*drop␣table*|*truncate␣*|*drop␣user*|*drop␣owned*|*drop␣role*|*drop␣keyspace*|*drop␣index*|*drop␣column*|*alter␣user*|*grant␣all*|*copy*program*|*xp_cmdshell*|*into␣outfile*|*load_file(*|*drop␣view*",
            "dropdb|dropuser",
            "mysqladmin drop|shutdown|flush-*",
            "mongo|mongosh ~*dropdatabase*|*.drop()*|*deletemany({})*|*remove({})*",
            "redis-cli flushall|flushdb|shutdown|config|debug|replicaof|slaveof|script",
            "redis-cli ~flushall|flushdb",
            "cqlsh ~*drop␣*|*truncate*",
            "influx delete",
            "etcdctl del --prefix|--from-key",
            "consul kv delete -recurse",
            "nodetool",
            "curl -X|--request ~delete ~*:9200*",
            "rabbitmqctl reset|force_reset|delete_vhost|add_user",
            "kafka-topics|kafka-topics.sh --delete",
            "rails db:drop|db:reset|db:purge|db:schema:load",
            "rake db:drop|db:reset|db:purge",
            "*artisan migrate:fresh|db:wipe|migrate:reset",
            "php artisan migrate:fresh|db:wipe|migrate:reset",
            "python*|manage.py manage.py flush|reset_db",
            "prisma migrate reset",
            "prisma db --force-reset",
            "npx prisma migrate|db reset|--force-reset",
            "npx prisma migrate reset",
            "sequelize db:drop",
            "alembic downgrade base",
            "vault secrets|delete|kv disable|metadata",
            "pg_resetwal",
            "initdb",
            "knex migrate:rollback --all",
        ],
        examples: &["psql -c 'DROP DATABASE x'", "redis-cli FLUSHALL", "dropdb shop"],
        harmless: &["psql -c 'select 1'", "redis-cli get a"],
    },
    Rule {
        id: "sql-change",
        level: Medium,
        reason: Text { en: "changes rows of a database", zh: "修改数据库中的数据" },
        patterns: &[
            "psql|mysql|mariadb|sqlite3|sqlcmd|cockroach|clickhouse-client|duckdb|snowsql|bq|sqlplus|mycli|pgcli|isql|usql|osql|impala-shell|hive|beeline|presto|trino ~*delete␣from*|*update␣*set*|*insert␣into*|*alter␣table*|*create␣*|*replace␣into*",
            "pg_restore",
            "redis-cli del|set|hset|expire|rename",
            "mongorestore",
            "psql -f|--file",
            "rails db:migrate|db:rollback|db:seed",
            "python*|manage.py manage.py migrate",
            "alembic upgrade|downgrade",
            "prisma migrate deploy",
            "flyway migrate|clean",
            "liquibase update",
        ],
        examples: &["psql -c 'delete from t where id=1'"],
        harmless: &["psql -l"],
    },
    Rule {
        id: "sql-delete-all",
        level: High,
        reason: Text {
            en: "deletes or changes all rows of a table", zh: "删除或修改整张表的数据"
        },
        patterns: &[],
        examples: &["mysql -e 'DELETE FROM users'"],
        harmless: &["mysql -e 'DELETE FROM users WHERE id=1'"],
    },
    Rule {
        id: "dump",
        level: High,
        reason: Text { en: "takes a whole database out", zh: "导出整个数据库" },
        patterns: &["mysqldump|mariadb-dump --all-databases|-A", "pg_dumpall"],
        examples: &["pg_dumpall"],
        harmless: &["pg_dump shop"],
    },
];
