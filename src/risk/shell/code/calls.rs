//! The names of calls that run, delete, read, write or send, in many languages.

use crate::risk::lookup::{Names, list};

/// Calls that run a command line or a program.
pub(super) const RUNS: Names = list!(
    "system popen popen2 open2 open3 popen3 popen4 exec execSync execFile execFileSync spawn spawnSync call
     check_call check_output run getoutput getstatusoutput shell_exec passthru proc_open pcntl_exec execvp
     execvpe execl execle execlp execlpe execv execve spawnl spawnlp spawnv spawnvp posix_spawn posix_spawnp
     execute Popen qx sh capture2 capture2e capture3 pipeline execa execaSync create_subprocess_shell
     create_subprocess_exec Command startfile shell command fork_exec system2 backtick cmd callCommand
     callProcess readProcess rawSystem readCreateProcess esyscmd syscmd doShellScript"
);

/// Calls that delete what they are given; those whose names say so with all below it.
pub(super) const DELETES: Names = list!(
    "rmtree rmdir_all dir_delete delete-tree remove unlink rmdir removedirs rmSync rm rmdirSync unlinkSync
     rm_rf rm_r rm_f remove_dir_all remove_tree rimraf rimrafSync removeSync emptyDirSync delete
     removeDirectory removeDir remove_entry_secure delete_folder truncate RemoveAll Remove removeAll
     remove_all deleteDir deleteDirectory deleteRecursively delete_tree deltree forceDelete cleanDirectory
     deleteIfExists deleteFile remove_file remove_dir removeItem removeTree rmTree rmtree_safe
     removeDirectoryRecursive removePathForcibly removeFile del_dir_r del_dir unlinkat ftruncate
     truncateSync Delete"
);

/// Calls that write what they are given.
pub(super) const WRITES: Names = list!(
    "writeFileSync writeFile appendFile appendFileSync file_put_contents write_text write_bytes
     createWriteStream writeTextFile writeTextFileSync binwrite chmod chown outputFile copyFileSync copyfile
     copy copy2 copytree move rename renameSync symlink symlinkSync link"
);

/// Calls that open what they are given, to read unless they say otherwise.
pub(super) const OPENS: Names = list!(
    "open readFileSync readFile read_text read_bytes Path read file_get_contents readlines slurp
     createReadStream fopen file readfile readTextFile readTextFileSync binread foreach File openSync load
     parse_file listdir readdirSync glob loadtxt read_csv"
);

/// Names of calls that make a text of what does not look like it.
pub(super) const SPELLS: Names = list!(
    "chr ord unquote unquote_plus fromhex unhexlify b64decode b32decode b85decode a85decode b16decode
     urlsafe_b64decode atob fromCharCode fromCodePoint decode64 decode_base64 base64_decode unpack unpack1
     pack rot13 str_rot13 strrev reverse reversed translate maketrans normalize decompress gzinflate
     gzuncompress inflate inflateSync gunzipSync hex2bin swapcase codecs bytearray decodeURIComponent
     unescape charCodeAt char strtr a2b_hex a2b_base64 uudecode"
);

/// Names of calls that make a text of texts, beside those that spell.
pub(super) const CHANGES: Names = list!(
    "lower upper toLowerCase toUpperCase downcase upcase strtolower strtoupper lc uc replace replaceAll gsub
     sub slice substr substring tr join concat implode explode split str_replace sprintf format map list
     strip lstrip rstrip trim paste0 paste charAt at char_at String str repeat str_repeat ucfirst lcfirst
     ltrim rtrim delete squeeze chars toString decode encode casefold title sorted sort table string text c
     rawToChar intToUtf8 utf8ToInt as raw for in qw and Buffer from flip each_char next succ parseInt int
     hex oct bytes raw_input asList array Array of fill padStart padEnd reduce foldl zip range ascii utf8"
);
