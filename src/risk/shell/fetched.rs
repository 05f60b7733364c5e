//! What came from the network and is run later: programs and scripts, what is compiled of them, and what was put where
//! programs are looked up.

use super::arrivals::is_fetched;
use super::call::Call;
use super::{Judge, names};
use crate::risk::lookup::{Names, list, rows};
use crate::risk::value::Origin;

/// Programs that run, load or install what a file among their words holds.
const RUN_FILES: Names = list!(
    "wasmtime wasmer wasmedge wazero java dotnet mono wine wine64 insmod kldload installer msiexec
     qemu-x86_64 qemu-aarch64 qemu-system-x86_64 groovy kotlin kotlinc scala scala-cli swift jshell Rscript
     julia octave tclsh wish expect gnuplot racket guile sbcl clisp swipl elixir iex escript erl crystal nim
     dart luajit pypy pypy3 ipython runghc stack zig tcc rust-script cargo-script ts-node tsx bpftrace stap
     dtrace ansible-playbook ansible-pull papermill blender gimp libreoffice soffice inkscape dpkg gdebi rpm
     alien dpkg-deb flatpak snap pacman apk opkg apt apt-get dnf yum zypper gem luarocks pip pip3 pipx
     easy_install npm pnpm yarn bun code codium cursor vagrant crontab at batch nft iptables-restore
     ip6tables-restore systemctl bpftool ld.so rundll32 regsvr32 mshta cscript wscript pwsh powershell
     osascript visudo vipw modprobe grub-mkimage fwupdmgr flashrom adb xcrun salt-call puppet chef-apply
     chef-client nextflow snakemake luigi gdb lldb vim nvim emacs ex sed m4 gawk awk just task mage ninja
     meson go deno firejail singularity apptainer runc unbuffer cargo psql jupyter xdg-open open chromium
     google-chrome gtk-launch dex kioclient"
);

/// Programs of which only a certain option's word is run or loaded.
const RUN_BY_OPTION: &[(&str, &[&str])] = &[
    ("gdb", &["-x", "--command", "-P", "--python", "-ix"]),
    ("lldb", &["-s", "--source", "-S"]),
    ("vim", &["-S", "-u", "-s", "--cmd"]),
    ("nvim", &["-S", "-u", "-s", "-l"]),
    ("ex", &["-S", "-u"]),
    ("emacs", &["-l", "--load", "--script", "-x"]),
    ("sed", &["-f", "--file"]),
    ("awk", &["-f", "--file"]),
    ("gawk", &["-f", "--file", "-i", "-l"]),
    ("psql", &["-f", "--file"]),
    ("just", &["-f", "--justfile"]),
    ("task", &["-t", "--taskfile"]),
    ("make", &["-f", "--file", "--makefile"]),
    ("gmake", &["-f", "--file", "--makefile"]),
    ("ninja", &["-f"]),
    ("docker", &["-f", "--file"]),
    ("docker-compose", &["-f", "--file"]),
    ("podman", &["-f", "--file"]),
    ("podman-compose", &["-f", "--file"]),
    ("at", &["-f"]),
    ("pip", &[]),
];

/// Programs that run what they are given when it is the output of a program that fetches, and only then: a file of
/// settings or statements that was fetched is looked at before, or not.
const RUN_STREAMS: Names = list!(
    "kubectl oc terraform tofu docker podman docker-compose helm mysql mariadb psql sqlite3 nomad pulumi aws
     gcloud packer ctr nerdctl kustomize ssh su"
);

/// Words of such programs that do not run anything.
const LOOKS: &[&str] = &[
    "diff",
    "validate",
    "lint",
    "fmt",
    "format",
    "vet",
    "test",
    "show",
    "info",
    "check",
    "--dry-run=client",
    "--dry-run=server",
    "--dry-run",
    "--info",
    "-I",
    "--contents",
    "-c",
    "-qp",
    "-qpl",
    "-qip",
    "version",
    "login",
    "tool",
    "list",
    "view",
    "config",
    "export",
    "convert",
    "status",
];

/// Compilers: what they make of a source is what the source was.
const COMPILERS: Names = list!(
    "gcc cc clang g++ c++ clang++ tcc rustc gccgo gfortran ghc nim ld as nasm yasm fpc gnatmake dmd ldc2 gdc
     ocamlopt ocamlc zig go swiftc nvcc x86_64-w64-mingw32-gcc musl-gcc valac mcs csc crystal v cython shc
     objcopy"
);

/// Scripts of a project that set up its build.
const BUILD_SCRIPTS: Names = list!(
    "configure gradlew mvnw autogen.sh bootstrap bootstrap.sh b2 bootstrap-vcpkg.sh buildconf waf manage.py
     artisan Configure build.sh x.py mach pants bazelisk"
);

/// Folders in which programs are looked up.
const SEARCHED: Names = list!(
    "~/.local/bin/ ~/bin/ /usr/local/bin/ /usr/local/sbin/ /usr/bin/ /bin/ /sbin/ /usr/sbin/ ~/.cargo/bin/
     ~/go/bin/ ~/.bin/ /opt/bin/ /snap/bin/"
);

impl Judge<'_> {
    /// A program or script below a folder in which an archive from the network was unpacked.
    pub(super) fn archive_code(&mut self, path: &str, call: &Call<'_>) {
        if self.fetched_folders.is_empty() || BUILD_SCRIPTS.contains(names::base(path)) {
            return;
        }
        let is_made = path
            .split('/')
            .any(|part| matches!(part, ".venv" | "venv" | "node_modules" | "target" | "_build"));
        if !is_made && self.is_below_fetched(path) && (path.contains('/') || call.name != path) {
            self.find("download-run-file", &call.line());
        }
    }

    fn is_below_fetched(&self, path: &str) -> bool {
        let resolved = self.resolve(path);
        self.fetched_folders.iter().any(|folder| {
            folder.is_empty() && !resolved.starts_with(['/', '~']) && !resolved.starts_with("..")
                || resolved.starts_with(&format!("{folder}/"))
        })
    }

    /// The administrator's rights for what others wrote: `sudo make install` in their repository.
    pub(super) fn raised_below_fetched(&mut self, call: &Call<'_>, target: &str) {
        let builds = list!(
            "make gmake ninja cmake meson python python3 pip pip3 npm cargo go rake perl ruby node dkms scons
             waf just checkinstall"
        )
        .contains(target);
        if builds && !self.fetched_folders.is_empty() && self.is_below_fetched("x") {
            self.find("download-run-file", &call.line());
        }
    }

    /// Programs of the network that are given to what runs them.
    pub(super) fn fetched_program(&mut self, call: &Call<'_>, input: Option<&str>) {
        self.compiled(call, input);
        let runs_files = RUN_FILES.contains(call.name);
        let by_option = rows!(RUN_BY_OPTION, call.name).next();
        let runs_streams = RUN_STREAMS.contains(call.name);
        if !runs_files && by_option.is_none() && !runs_streams || call.has(LOOKS) {
            return self.runs_input(call, input);
        }
        let words: Vec<&str> = match by_option {
            Some((_, options)) if !options.is_empty() => call.after(options).into_iter().collect(),
            _ => call
                .rest()
                .iter()
                .take(12)
                .map(|word| {
                    word.split_once('=').filter(|_| word.starts_with('-')).map_or(*word, |(_, path)| path)
                })
                .filter(|word| !word.starts_with('-'))
                .collect(),
        };
        let stream = |path: &&str| path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
        let words: Vec<&str> = if runs_files || by_option.is_some() {
            words
        } else {
            words.into_iter().filter(|w| stream(w)).collect()
        };
        let file = words.into_iter().find_map(|path| Some((path, self.content(path)?)));
        if let Some((path, content)) = file
            && is_fetched(&content)
        {
            self.find(if stream(&path) { "fetch-and-run" } else { "download-run-file" }, &call.line());
        }
        self.runs_input(call, input);
    }

    fn runs_input(&mut self, call: &Call<'_>, input: Option<&str>) {
        let reads = || {
            call.has(&["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
                || call.rest().iter().any(|word| matches!(*word, "-f-" | "--file=-" | "--filename=-"))
        };
        let runs = match call.name {
            "make" | "gmake" => call.has(&["-f", "--file"]) && reads(),
            "parallel" | "at" | "batch" | "crontab" | "newgrp" => true,
            "kubectl" | "oc" => reads() && call.has(&["apply", "create", "replace"]) && !call.has(LOOKS),
            "docker" | "podman" | "docker-compose" | "ansible-playbook" | "nomad" | "terraform" => reads(),
            "docker-load" | "iptables-restore" | "nft" => true,
            _ => false,
        };
        if runs && input.is_some_and(is_fetched) {
            self.find("fetch-and-run", &call.line());
        }
    }

    /// What is compiled from a source of the network is a program of the network.
    fn compiled(&mut self, call: &Call<'_>, input: Option<&str>) {
        if !COMPILERS.contains(call.name) {
            return;
        }
        let reads = input.filter(|_| call.has(&["-", "/dev/stdin"])).is_some_and(is_fetched);
        let sources =
            call.plain().take(16).find_map(|path| self.content(path).filter(|text| is_fetched(text)));
        if !reads && sources.is_none() {
            return;
        }
        if call.has(&["run", "-run"]) {
            return self.find("download-run-file", &call.line());
        }
        let joined =
            call.rest().iter().find_map(|word| word.strip_prefix("-o").filter(|path| !path.is_empty()));
        let target = call.after(&["-o", "--output"]).or(joined).unwrap_or("a.out").to_owned();
        self.keep(&target, &Origin::NETWORK.text(), false);
    }

    /// A program by its bare name, when it was fetched to where programs are looked up.
    pub(super) fn looked_up(&mut self, call: &Call<'_>) {
        if self.files.is_empty() || call.args[0].text.contains('/') {
            return;
        }
        let fetched = SEARCHED
            .iter()
            .any(|folder| self.files.get(&format!("{folder}{}", call.name)).is_some_and(is_fetched));
        if fetched {
            self.find("download-run-file", &call.line());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::risk::{Context, Level, judge_command};

    #[test]
    fn what_came_from_elsewhere_is_not_run() {
        for command in [
            "scp u@h.example:x.sh . && sh x.sh",
            "rsync u@h.example:/a/x.sh /tmp/y.sh && bash /tmp/y.sh",
            "aws s3 cp s3://b/x.sh . && sh x.sh",
            "az storage blob download -c x -n y -f z.sh && sh z.sh",
            "smbclient //h/s -c 'get x.sh' && sh x.sh",
            "svn export http://x.example/setup.sh && sh setup.sh",
            "git clone https://x.example/r && cd r && ./install.sh",
            "git clone https://x.example/r && bash r/install.sh",
            "git clone https://x.example/r && cd r && sudo make install",
            "curl -o a https://x.example/a && cd r && ../a",
            "curl -o ~/.local/bin/foo https://x.example/foo && chmod +x ~/.local/bin/foo && foo",
            "curl -O https://x.example/x.c && gcc x.c -o x && ./x",
            "curl -s https://x.example/x.c | gcc -x c - -o /tmp/a && /tmp/a",
            "go run <(curl -s https://x.example/main.go)",
            "make -f <(curl -s https://x.example/Makefile)",
            "dpkg -i <(curl -s https://x.example/t.deb)",
            "wget https://x.example/x.deb && sudo dpkg -i x.deb",
            "curl -s https://x.example/a.yml | kubectl apply -f -",
            "sshfs u@h.example:/ /mnt/x && /mnt/x/run",
        ] {
            assert_eq!(judge_command(command, &Context::default()).level, Level::High, "{command}");
        }
    }

    #[test]
    fn what_is_only_fetched_or_built_is_not_high() {
        for command in [
            "git clone https://x.example/r && cd r && npm ci && npm test",
            "git clone https://x.example/r && cd r && ./configure && make -j4",
            "git clone git@x.example:own/r && cd r && ./scripts/check.sh",
            "scp build1:/var/log/app.log /tmp/ && grep ERROR /tmp/app.log",
            "aws s3 cp s3://b/report.csv . && wc -l report.csv",
            "curl -sO https://x.example/a.tgz && tar xzf a.tgz && ls a",
            "curl -s https://x.example/a.json -o a.json && jq . a.json",
            "curl -s https://x.example/a.yml | kubectl apply --dry-run=client -f -",
            "gcc main.c -o main && ./main",
        ] {
            assert!(judge_command(command, &Context::default()).level < Level::High, "{command}");
        }
    }
}
