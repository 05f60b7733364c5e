//! Connections to the engine: through a socket, over TCP or TLS, to one server, a cluster, or the master that sentinels
//! name. Every wait has its limit.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder, ClusterConnection};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, ClientTlsConfig, Connection as One, ConnectionAddr, ConnectionInfo, ConnectionLike, ErrorKind,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult, ServerErrorKind, TlsCertificates,
    Value, cmd,
};

use super::location::{Location, Mode, Node, Own, Servers, Tls};
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::sys;

/// To have a connection, login included.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// For each answer, and for each write to get out.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// How often a cluster's command goes to another node that is said to have its slot.
const CLUSTER_RETRIES: u32 = 3;
/// Milliseconds between these.
const CLUSTER_RETRY_WAIT: (u64, u64) = (20, 200);
/// Bytes of a certificate file; the largest bundles in use are about 400 KB.
const MAX_CERTIFICATE_BYTES: u64 = 8 << 20;
/// Bytes of a private key file.
const MAX_KEY_BYTES: u64 = 64 << 10;

/// One open connection.
pub(super) enum Connection {
    One(One),
    Cluster(Box<ClusterConnection>),
}

impl Connection {
    /// What commands are sent through.
    pub(super) fn like(&mut self) -> &mut dyn ConnectionLike {
        match self {
            Self::One(connection) => connection,
            Self::Cluster(connection) => &mut **connection,
        }
    }
}

/// Makes connections.
pub(super) struct Connector {
    way: Way,
    login: RedisConnectionInfo,
}

enum Way {
    Single(ConnectionAddr),
    Cluster { client: Box<ClusterClient>, nodes: Vec<ConnectionAddr>, tls: Option<ConnectionAddr> },
    Sentinels { nodes: Vec<ConnectionAddr>, tls: Option<ConnectionAddr>, master: String },
}

impl Connector {
    /// Reads what connections need from the disk. No connection is made.
    pub(super) fn new(location: &Location, password: Option<&Secret>, env: &Env) -> Result<Self> {
        let mut login =
            RedisConnectionInfo::default().set_db(location.database.into()).set_skip_set_lib_name();
        if let Some(user) = &location.user {
            login = login.set_username(user);
        }
        if let Some(password) = location.password_or(password) {
            login = login.set_password(password.expose());
        }
        let way = match &location.servers {
            Servers::Socket(path) => Way::Single(ConnectionAddr::Unix(path.clone())),
            Servers::Network { mode, nodes, tls } => {
                let certificates = tls.as_ref().map(|tls| certificates(tls, env)).transpose()?;
                let tls = certificates.as_ref().map(template).transpose()?;
                let first = nodes
                    .first()
                    .ok_or_else(|| Error::new(Code::ConfigInvalid, "identity.store names no server"))?;
                let addresses = || nodes.iter().map(|node| address(node, tls.as_ref()));
                match mode {
                    Mode::Single => Way::Single(address(first, tls.as_ref())),
                    Mode::Sentinel(master) => {
                        Way::Sentinels { nodes: addresses().collect(), tls, master: master.clone() }
                    }
                    Mode::Cluster => {
                        let nodes: Vec<_> = addresses().collect();
                        let client = Box::new(cluster(&nodes, &login, certificates)?);
                        Way::Cluster { client, nodes, tls }
                    }
                }
            }
        };
        Ok(Self { way, login })
    }

    /// Connects and logs in.
    pub(super) fn connect(&self) -> RedisResult<Connection> {
        match &self.way {
            Way::Single(address) => connect(address.clone(), &self.login).map(Connection::One),
            Way::Sentinels { nodes, tls, master } => {
                self.master(nodes, tls.as_ref(), master).map(Connection::One)
            }
            Way::Cluster { client, .. } => {
                let connection = client.get_connection()?;
                connection.set_write_timeout(Some(ANSWER_LIMIT))?;
                Ok(Connection::Cluster(Box::new(connection)))
            }
        }
    }

    /// A connection to each master of a cluster, for what a cluster does not do as a whole; `None` for one server.
    pub(super) fn masters(&self) -> RedisResult<Option<Vec<One>>> {
        let Way::Cluster { nodes, tls, .. } = &self.way else { return Ok(None) };
        let mut last = None;
        for node in nodes {
            let slots = connect(node.clone(), &self.login).and_then(|mut connection| {
                cmd("CLUSTER").arg("SLOTS").query::<Vec<Vec<Value>>>(&mut connection)
            });
            match slots {
                Ok(slots) => {
                    let masters = masters_of(slots, host_of(node));
                    let connections =
                        masters.iter().map(|master| connect(address(master, tls.as_ref()), &self.login));
                    return connections.collect::<RedisResult<_>>().map(Some);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| (ErrorKind::ClusterConnectionNotFound, "no node").into()))
    }

    /// Asks one sentinel after the other for the master, and the master whether it is one: a sentinel that was cut off
    /// may name the old one.
    fn master(
        &self,
        nodes: &[ConnectionAddr],
        tls: Option<&ConnectionAddr>,
        master: &str,
    ) -> RedisResult<One> {
        let mut last = None;
        for node in nodes {
            let found = self.ask_sentinel(node, master).and_then(|node| {
                let mut connection = connect(address(&node, tls), &self.login)?;
                match is_master(&mut connection)? {
                    true => Ok(connection),
                    false => {
                        Err((ErrorKind::MasterNameNotFoundBySentinel, "the sentinels name a replica").into())
                    }
                }
            });
            match found {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| (ErrorKind::EmptySentinelList, "no sentinel").into()))
    }

    fn ask_sentinel(&self, node: &ConnectionAddr, master: &str) -> RedisResult<Node> {
        let ask = |login: &RedisConnectionInfo| -> RedisResult<Option<(String, u16)>> {
            let mut connection = connect(node.clone(), login)?;
            cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master).query(&mut connection)
        };
        // Sentinels have no databases, and seldom a password of their own.
        let found = ask(&RedisConnectionInfo::default().set_skip_set_lib_name());
        let found = match found {
            Err(error) if error.code() == Some("NOAUTH") => ask(&self.login.clone().set_db(0)),
            found => found,
        };
        let (host, port) = found?.ok_or_else(|| {
            RedisError::from((
                ErrorKind::MasterNameNotFoundBySentinel,
                "the sentinel knows no master of that name",
            ))
        })?;
        Ok(Node { host, port })
    }
}

/// The first node of each range of slots, each once. A node without a name is the one that was asked.
fn masters_of(slots: Vec<Vec<Value>>, asked: &str) -> Vec<Node> {
    let mut masters = Vec::new();
    for master in slots.into_iter().filter_map(|range| range.into_iter().nth(2)) {
        let Value::Array(master) = master else { continue };
        let host = match master.first() {
            Some(Value::BulkString(host)) if !host.is_empty() => String::from_utf8_lossy(host).into_owned(),
            _ => asked.to_owned(),
        };
        let Some(Value::Int(port)) = master.get(1) else { continue };
        let Ok(port) = u16::try_from(*port) else { continue };
        let node = Node { host, port };
        if !masters.contains(&node) {
            masters.push(node);
        }
    }
    masters
}

fn host_of(address: &ConnectionAddr) -> &str {
    match address {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host,
        _ => "localhost",
    }
}

fn is_master(connection: &mut One) -> RedisResult<bool> {
    match cmd("ROLE").query::<Vec<Value>>(connection) {
        Ok(role) => Ok(matches!(role.first(), Some(Value::BulkString(role)) if role == b"master")),
        // A user that may not ask finds out at the first write.
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => Ok(true),
        Err(error) => Err(error),
    }
}

fn connect(address: ConnectionAddr, login: &RedisConnectionInfo) -> RedisResult<One> {
    let connection = Client::open(info(address, login)?)?.get_connection_with_timeout(CONNECT_LIMIT)?;
    connection.set_read_timeout(Some(ANSWER_LIMIT))?;
    connection.set_write_timeout(Some(ANSWER_LIMIT))?;
    Ok(connection)
}

fn info(address: ConnectionAddr, login: &RedisConnectionInfo) -> RedisResult<ConnectionInfo> {
    let info = address.into_connection_info()?;
    Ok(info.set_redis_settings(login.clone()).set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

fn cluster(
    nodes: &[ConnectionAddr],
    login: &RedisConnectionInfo,
    certificates: Option<TlsCertificates>,
) -> Result<ClusterClient> {
    let nodes = nodes.iter().map(|node| info(node.clone(), login)).collect::<RedisResult<Vec<_>>>();
    let build = |nodes: Vec<ConnectionInfo>| {
        let builder = ClusterClientBuilder::new(nodes)
            .connection_timeout(CONNECT_LIMIT)
            .response_timeout(ANSWER_LIMIT)
            .retries(CLUSTER_RETRIES)
            .min_retry_wait(CLUSTER_RETRY_WAIT.0)
            .max_retry_wait(CLUSTER_RETRY_WAIT.1)
            .tcp_settings(TcpSettings::default().set_nodelay(true));
        match certificates {
            Some(certificates) => builder.certs(certificates).build(),
            None => builder.build(),
        }
    };
    nodes.and_then(build).map_err(|error| {
        Error::new(Code::ConfigInvalid, "identity.store names a cluster that cannot be used")
            .with_detail(error)
    })
}

fn address(node: &Node, tls: Option<&ConnectionAddr>) -> ConnectionAddr {
    let Node { host, port } = node.clone();
    match tls {
        Some(ConnectionAddr::TcpTls { insecure, tls_params, .. }) => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    }
}

/// An address that shows how TLS is spoken to any node.
fn template(certificates: &TlsCertificates) -> Result<ConnectionAddr> {
    let address =
        ConnectionAddr::TcpTls { host: "localhost".to_owned(), port: 0, insecure: false, tls_params: None };
    let client = Client::build_with_tls(address, certificates.clone());
    client.map(|client| client.get_connection_info().addr().clone()).map_err(|error| {
        Error::new(Code::ConfigInvalid, "the certificates for identity.store cannot be used")
            .with_hint("the files of ca= (or SSL_CERT_FILE), cert= and key= in identity.store must be PEM")
            .with_detail(error)
    })
}

/// As for all other connections: the bundled roots, or the file of `SSL_CERT_FILE` alone; and `ca=` before both.
fn certificates(tls: &Tls, env: &Env) -> Result<TlsCertificates> {
    let file = tls.ca.clone().or_else(|| env.path("SSL_CERT_FILE"));
    let root_cert = file.map(|path| read_certificates(&path)).transpose()?;
    let client_tls = tls.own.as_ref().map(own_certificate).transpose()?;
    Ok(TlsCertificates { client_tls, root_cert })
}

fn own_certificate(own: &Own) -> Result<ClientTlsConfig> {
    let unusable = |reason: &str| {
        Error::new(Code::ConfigInvalid, format!("the key file {} {reason}", own.key.display()))
            .with_hint("key= in identity.store must name a PEM file of this user with mode 0600")
    };
    let key =
        sys::fs::read_named_key(&own.key, MAX_KEY_BYTES).map_err(|error| unusable(&error.to_string()))?;
    let client_key = key.ok_or_else(|| unusable("does not exist"))?;
    Ok(ClientTlsConfig { client_cert: read_certificates(&own.certificate)?, client_key })
}

fn read_certificates(path: &Path) -> Result<Vec<u8>> {
    let unusable = |reason: &str| {
        Error::new(Code::ConfigInvalid, format!("the certificate file {} {reason}", path.display()))
            .with_hint(
                "name a file of CA certificates in PEM with ca= in identity.store, or in SSL_CERT_FILE",
            )
    };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_CERTIFICATE_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| unusable(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_CERTIFICATE_BYTES {
        return Err(unusable("is larger than 8 MiB"));
    }
    let begin = b"-----BEGIN CERTIFICATE-----";
    match bytes.windows(begin.len()).any(|window| window == begin) {
        true => Ok(bytes),
        false => Err(unusable("has no certificate")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_master_of_a_cluster_is_found_once() {
        let node = |host: Value, port| Value::Array(vec![host, Value::Int(port)]);
        let text = |text: &str| Value::BulkString(text.into());
        let range = |node| {
            vec![Value::Int(0), Value::Int(1), node, Value::Array(vec![text("replica"), Value::Int(9)])]
        };
        let slots = vec![
            range(node(text("a"), 1)),
            range(node(Value::Nil, 2)),
            range(node(text("a"), 1)),
            range(node(text(""), 3)),
            range(node(text("b"), 70_000)),
            range(Value::Nil),
            vec![],
        ];
        let found: Vec<_> = masters_of(slots, "asked").iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a:1", "asked:2", "asked:3"]);
    }

    #[test]
    fn a_certificate_file_must_hold_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, text: &str| {
            let path = folder.path().join(name);
            if !text.is_empty() {
                std::fs::write(&path, text).unwrap();
            }
            let location = Location::parse(&format!("rediss://h?ca={}", path.display())).unwrap();
            Connector::new(&location, None, &Env::default()).map(|_| ())
        };
        for (name, text, reason) in [
            ("absent", "", "cannot be read"),
            ("no", "nothing", "has no certificate"),
            ("cut", "-----BEGIN CERTIFICATE-----\nMAA=\n", "cannot be used"),
            ("odd", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "cannot be used"),
        ] {
            let error = make(name, text).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid, "{name}");
            assert!(error.message().contains(reason) && error.hint().is_some(), "{name}: {error:?}");
        }
        let size = |bytes: u64| {
            let path = folder.path().join("large");
            std::fs::File::create(&path).unwrap().set_len(bytes).unwrap();
            let location = Location::parse(&format!("rediss://h?ca={}", path.display())).unwrap();
            Connector::new(&location, None, &Env::default()).err().unwrap().message().to_owned()
        };
        assert!(size(MAX_CERTIFICATE_BYTES).ends_with("has no certificate"));
        assert!(size(MAX_CERTIFICATE_BYTES + 1).ends_with("is larger than 8 MiB"));
        // The file of the environment counts where the address names none.
        let env: Env = [("SSL_CERT_FILE", folder.path().join("no").to_str().unwrap())].into_iter().collect();
        let location = Location::parse("rediss://h").unwrap();
        assert!(Connector::new(&location, None, &env).is_err());
        assert!(Connector::new(&location, None, &Env::default()).is_ok());
    }
}
