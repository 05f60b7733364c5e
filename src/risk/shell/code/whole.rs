//! What code shows as a whole, whatever its calls are: sockets that meet shells, keys that are looked for, loops without
//! end.

use super::{Does, decodes, is_one};
use crate::risk::lookup::{Names, list};

/// What the text as a whole shows, in lower case.
pub(super) fn overall(code: &str, language: &str) -> Vec<Does> {
    let mut found = Vec::new();
    let has = |words: Names| is_one(code, words);
    let runs_any = has(list!("getoutput check_output popen system subprocess exec proc_open spawn"));
    let hears = has(list!("recv makefile readline receive .gets gets␣$ <> fdopen .on('data' .read("));
    if code.contains("/inet/tcp") && has(list!("|& getline"))
        || has(list!("socket createconnection create_connection")) && runs_any && hears
    {
        found.push(Does::Is("remote-shell"));
    }
    if has(list!("keyring.get_password keyring␣get browser_cookie3 secretstorage win32crypt chrome_decrypt"))
    {
        found.push(Does::Is("print-secret"));
    }
    let shell = has(list!(
        r#"/bin/sh /bin/bash "sh" 'sh' "bash" 'bash' cmd.exe pty.spawn exec( exec␣" /bin/zsh sh␣-i
           powershell bash␣-i"#
    ));
    let socket = has(list!(
        r#"socket fsockopen tcpsocket net.connect /dev/tcp /inet/tcp createconnection deno.connect
           net.socket net.createserver require('net') require("net") ztcp net.dial net.listen tcpstream
           tcplistener tcpclient gen_tcp tcp.connect tcpserver sockets.tcp new␣socket( socket.tcp connectto"#
    ));
    if socket && shell && has(list!("dup2 popen exec spawn pipe( stdin system getline proc_open")) {
        found.push(Does::Is("remote-shell"));
    }
    let is_script = matches!(language, "node" | "nodejs" | "deno" | "bun" | "tsx");
    let evaluates = has(list!(
        "eval( eval␣ (eval) compile( new␣function vm.run marshal.loads( pickle.loads( instance_eval
         loadstring assert( runinthiscontext source( evaluate( eval-buffer include( class_eval await␣import("
    )) || !is_script && has(list!("exec( exec␣ (exec) __builtins__"))
        || code.contains("load(") && has(list!("h.request socket.http io.popen"));
    let runs = has(list!(
        "system( popen( subprocess check_output child_process shell_exec passthru system␣ execfile chmod(
         spawn("
    ));
    let fetches = has(list!(
        r#"urlopen requests.get requests').get requests").get urlretrieve http.get fetch( net::http lwp:: file_get_contents("http
           file_get_contents('http open-uri https.get httpx.get uri.open http.client axios.get urllib2
           lwp-download curl_exec uri.parse 'https') "https") 'http') "http") new␣url( h.request(
           socket.http url-retrieve download( source('http source("http .openstream http::tiny got(
           import('http import("http urlstream requests.request http.request("#
    ));
    let names_address = has(list!("http:// https://")) && has(list!("eval source("));
    // `include 'https://…'`
    let includes = language.starts_with("php")
        && ["include", "require"].iter().any(|word| {
            code.match_indices(word).take(8).any(|(at, _)| {
                let behind =
                    code[at + word.len()..].trim_start_matches("_once").trim_start_matches([' ', '(']);
                let behind = behind.trim_start_matches(['"', '\'']);
                ["http", "ftp:", "php://input", "data:", "expect:"]
                    .iter()
                    .any(|scheme| behind.starts_with(scheme))
            })
        });
    if fetches && (evaluates || runs) || names_address && evaluates || includes {
        found.push(Does::Is("fetch-and-run"));
    }
    // Letters that are moved, or a text that perl transliterates before it is run.
    let moves = has(list!("chr(")) && has(list!("ord("))
        || language.starts_with("perl") && has(list!("=~tr/ =~␣tr/ =~y/ =~␣y/"));
    if evaluates && decodes(code) || moves && (runs || evaluates) {
        found.push(Does::Is("decoded-and-run"));
    }
    // A text that becomes an object which runs something while it is read.
    if has(list!(r#"pickle.loads(b !!python/object marshal.loads(b yaml.unsafe_load(" unserialize("#))
        && has(list!("system exec popen subprocess eval !!python/object/apply"))
        || has(list!("data://text data:text/javascript")) && has(list!("include require import"))
    {
        found.push(Does::Is("decoded-and-run"));
    }
    // What stands in for what was found is evaluated as code: `s/(.*)/$1/ee`.
    if language.starts_with("perl")
        && ["/", "}", "|", "!", "#"]
            .iter()
            .any(|sign| ["ee", "gee"].iter().any(|flags| code.contains(&format!("{sign}{flags}"))))
    {
        found.push(Does::Is("decoded-and-run"));
    }
    // What perl changes first and then runs.
    if language.starts_with("perl")
        && has(list!("system$_ system␣$_ exec␣$_ eval␣$_ eval$_ exec$_ `$_`"))
        && has(list!("s/ y/ tr/ s{ s|"))
        || language.starts_with("perl")
            && has(list!("=~s =~␣s"))
            && has(list!("system($ system␣$ exec␣$ exec($ `$"))
    {
        found.push(Does::Is("decoded-and-run"));
    }
    let reads_input =
        has(list!("stdin input() readfilesync(0 <> $_ gets raw_input system($0 system($1 system(␣$0 $0␣|"));
    let is_bare = matches!(code.trim().trim_end_matches(';'), "exec" | "system" | "eval");
    if is_bare || reads_input && (evaluates || has(list!("system( popen( subprocess system␣ exec␣"))) {
        found.push(Does::RunsInput);
    }
    // A server that runs what it is asked to.
    let serves = has(list!(
        "http.server basehttprequesthandler socketserver flask( fastapi( createserver( express() webrick
         sinatra listenandserve $_get $_post $_request"
    ));
    let runs_request = has(list!(
        "shell=true os.popen( os.system( getoutput( execsync( exec( shell_exec( passthru( system("
    )) && has(list!(
        "rfile.read request.args request.form request.data request.json req.query req.body req.url self.path
         $_get $_post $_request params["
    ));
    if serves && runs_request {
        found.push(Does::Is("remote-shell"));
    }
    let clouds = has(list!(
        "boto3 aws-sdk google.cloud azure.mgmt azure.storage kubernetes digitalocean @google-cloud"
    ));
    if clouds
        && has(list!(
            ".delete() .delete_bucket delete_object terminate_instances delete_db delete_table delete_stack
             delete_namespace delete_cluster delete_user delete_volume delete_snapshot schedule_key_deletion
             deletebucket deleteobject terminateinstances begin_delete delete_collection delete_zone
             delete_function delete_blob"
        ))
    {
        found.push(Does::Is("cloud-destroy"));
    }
    let database = has(list!(
        r#"psycopg sqlite3 mysql pymongo mongoclient sqlalchemy cursor( redis pg. knex activerecord pdo(
           jdbc database/sql sequelize mongoose prisma require('pg') require("pg") typeorm drizzle peewee
           asyncpg motor"#
    ));
    if database
        && has(list!(
            "drop␣table drop␣database drop␣schema truncate␣table truncate␣ flushall( flushdb( drop_database(
             dropdatabase( drop_collection( .drop() drop_all( delete_many({}) deletemany({}) deletemany()
             delete_all drop␣user drop␣role"
        ))
    {
        found.push(Does::Is("sql-destroy"));
    }
    let empties = |(at, _): (usize, &str)| {
        !code[at..].split(['"', '\'', ';', '\n']).take(3).any(|part| part.contains(" where "))
    };
    if database && code.match_indices("delete from ").take(8).any(empties) {
        found.push(Does::Is("sql-delete-all"));
    }
    // All files of a home or machine, made unreadable.
    if has(list!("os.walk( rglob( glob( walkdir readdirsync find.find find(sub dir["))
        && has(list!(
            "fernet aes.new( aesgcm( chacha20 .encrypt( createcipheriv openssl␣enc gpg␣-c .locked .encrypted
             .crypted"
        ))
        && has(list!(r#"expanduser path.home() homedir() '/' "/" /home '~ "~ environ['home env.home"#))
    {
        found.push(Does::Is("encrypt-files"));
    }
    // What `curl` gives is loaded.
    if has(list!(r#"popen('curl popen("curl popen('wget popen("wget `curl␣ `wget␣ %x(curl"#))
        && has(list!("load( loadstring( exec( eval( eval␣"))
    {
        found.push(Does::Is("fetch-and-run"));
    }
    let forever =
        has(list!("while␣fork while␣true while(true while␣1 while(1 for(;; for␣(;; loop␣{ loop{ loop␣do"));
    if forever && has(list!("fork() fork␣while os.fork {fork {␣fork do␣fork fork␣} fork;"))
        || has(list!("fork␣while␣fork"))
    {
        found.push(Does::Is("fork-bomb"));
    }
    let posts = has(list!(
        r#"requests.post urlopen( sendall( smtplib fetch( https.request http.request axios.post
           net::http.post .post( ').request( ").request( ').get( ").get( http.get( https.get( requests.get(
           sendbeacon xmlhttprequest gethostbyname("#
    ));
    let names_key = || {
        ["os.environ[", "os.environ.get(", "os.getenv(", "process.env.", "process.env[", "env[", "getenv("]
            .iter()
            .any(|start| {
                code.match_indices(start).take(8).any(|(at, _)| {
                    let name: String = code[at + start.len()..]
                        .chars()
                        .skip_while(|c| matches!(c, '\'' | '"'))
                        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                        .collect();
                    super::super::ambient::is_credential(&name)
                })
            })
    };
    // A key as part of an address, not as the header that a service asks for.
    if posts
        && names_key()
        && has(list!(r#"?'+ ?"+ ='+ ="+ /'+ /"+ ?{ =${ ?${ ={os."#))
        && !has(list!("authorization bearer x-api-key headers auth="))
    {
        found.push(Does::Is("send-secret"));
    }
    if posts
        && has(list!(
            "os.environ process.env) env.to_h json.stringify(process.env dict(os.environ deno.env.toobject
             json.stringify(bun.env"
        ))
        && !has(list!("os.environ[ os.environ.get os.getenv"))
    {
        found.push(Does::Is("send-secret"));
    }
    if has(list!("169.254.169.254 metadata.google.internal 100.100.100.200 100.96.0.96"))
        && (fetches || posts || socket)
    {
        found.push(Does::Is("metadata"));
    }
    if has(list!("setuid(0 setresuid(0 setreuid(0")) {
        found.push(Does::Is("setuid"));
    }
    if has(list!("os.kill(-1 process.kill(-1 kill␣9,␣-1 kill(-1 kill(9,␣-1")) {
        found.push(Does::Is("kill-all"));
    }
    found
}
