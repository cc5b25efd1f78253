//go:build packages

package linux

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

const root = "../.." // of the repository

// tool skips the test where a program is missing.
func tool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		labtest.Skip(t, "no %s (tools/install-test-tools.sh installs it)", name)
	}
}

// output is what a program writes, which has to succeed.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
	return string(out)
}

// forNetworkManager is in front of the formats of network-manager-arc4, which is for all
// architectures.
const forNetworkManager = "NetworkManager "

// pack makes packages and gives their paths by their formats.
func pack(args ...string) (map[string][]string, error) {
	args = append([]string{"run", "-C", filepath.Join(root, "packaging/pack"), "./linux"}, args...)
	cmd := exec.Command("go", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	made := make(map[string][]string)
	for _, path := range strings.Fields(string(out)) {
		format := strings.TrimPrefix(filepath.Ext(path), ".")
		if format == "zst" {
			format = "archlinux"
		}
		if strings.HasPrefix(filepath.Base(path), "network-manager-arc4") {
			format = forNetworkManager + format
		}
		made[format] = append(made[format], path)
	}
	return made, nil
}

// version is what `make packages` takes.
var version = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("make", "-C", root, "--no-print-directory", "-n", "packages").CombinedOutput()
	words := regexp.MustCompile(`-version '(v[^']*)'`).FindSubmatch(out)
	if err != nil || words == nil {
		return "", fmt.Errorf("make -n packages: %w\n%s", err, out)
	}
	return string(words[1]), nil
})

// forThisMachine are the packages of this machine's architecture, by format, as they are given to
// people.
var forThisMachine = sync.OnceValues(func() (map[string][]string, error) {
	v, err := version()
	if err != nil {
		return nil, err
	}
	return pack("-version", v, "-out", filepath.Join(scratch, "this"), "-arch", runtime.GOARCH)
})

var scratch string // a folder that is gone after the tests

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "arc4-packages-test"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// ours is the package of a format.
func ours(t *testing.T, format string) string {
	t.Helper()
	all, err := forThisMachine()
	require.NoError(t, err)
	require.Len(t, all[format], 1, format)
	return all[format][0]
}

// installed are the files of a package with their modes, apart from the manual pages; a mode of -
// is any.
var installed = map[string][]string{
	"all": {
		"-rwxr-xr-x /usr/bin/arc4",
		"-rw-r--r-- /etc/arc4/serve.toml",
		"-rw------- /etc/arc4/chap-secrets",
		"-rw-r--r-- /etc/logrotate.d/arc4",
		"-rw-r--r-- /usr/share/bash-completion/completions/arc4",
		"-rw-r--r-- /usr/share/fish/vendor_completions.d/arc4.fish",
	},
	"systemd": {
		"-rw-r--r-- /usr/lib/systemd/system/arc4@.service",
		"-rw-r--r-- /usr/lib/systemd/system/arc4-serve.service",
		"-rw-r--r-- /usr/lib/sysusers.d/arc4.conf",
		"-rw-r--r-- /usr/lib/tmpfiles.d/arc4.conf",
	},
	"licenses": {
		"-rw-r--r-- /usr/share/zsh/site-functions/_arc4",
		"-rw-r--r-- /usr/share/licenses/arc4/LICENSE",
		"-rw-r--r-- /usr/share/licenses/arc4/third-party-licenses.gz",
		"-rw-r--r-- /usr/share/doc/arc4/CHANGELOG.md.gz",
	},
	"openrc": {
		"-rwxr-xr-x /etc/init.d/arc4",
		"-rwxr-xr-x /etc/init.d/arc4-serve",
	},
	"debian": {
		"-rw-r--r-- /usr/share/zsh/vendor-completions/_arc4",
		"-rw-r--r-- /usr/share/doc/arc4/copyright",
		"-rw-r--r-- /usr/share/doc/arc4/third-party-licenses.gz",
		"-rw-r--r-- /usr/share/doc/arc4/changelog.gz",
		"-rw-r--r-- /usr/share/doc/arc4/changelog.Debian.gz",
		"-rw-r--r-- /usr/share/lintian/overrides/arc4",
	},
}

// formats are the kinds of packages: what lists one, and what is in it.
var formats = []struct {
	name   string
	list   []string
	groups []string
}{
	{"deb", []string{"dpkg-deb", "-c"}, []string{"systemd", "debian"}},
	{"rpm", []string{"rpm", "-qlpv", "--nosignature"}, []string{"systemd", "licenses"}},
	{"apk", []string{"bsdtar", "-tvf"}, []string{"openrc", "licenses"}},
	{"archlinux", []string{"bsdtar", "-tvf"}, []string{"systemd", "licenses"}},
}

// entry is a line of such a list: a mode, and the path at its end.
var entry = regexp.MustCompile(`(?m)^(-[-rwxsStT]{9}) .* \.?/?((?:etc|usr)/\S+)$`)

// TestContents: each format's own tool lists what is meant to be in a package, and nothing else.
func TestContents(t *testing.T) {
	pages := t.TempDir()
	program := filepath.Join(t.TempDir(), "arc4")
	output(t, "sh", "-c", `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/bin/arc4 >"$1" && chmod 755 "$1"`, ours(t, "deb"), program)
	output(t, program, "man", "--dir", filepath.Join(pages, "man1"))
	var manual []string
	for _, section := range []string{"man1", "man5", "man7"} {
		entries, err := os.ReadDir(filepath.Join(pages, section))
		require.NoError(t, err)
		require.NotEmpty(t, entries)
		for _, e := range entries {
			manual = append(manual, "-rw-r--r-- /usr/share/man/"+section+"/"+e.Name()+".gz")
		}
	}
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			tool(t, f.list[0])
			want := slices.Concat(manual, installed["all"])
			for _, g := range f.groups {
				want = append(want, installed[g]...)
			}
			var got []string
			for _, line := range entry.FindAllStringSubmatch(output(t, f.list[0], append(f.list[1:], ours(t, f.name))...), -1) {
				got = append(got, line[1]+" /"+line[2])
			}
			assert.ElementsMatch(t, want, got)
		})
	}
}

// TestArchitectures: packages are called as each distribution calls its processors, and say so
// inside.
func TestArchitectures(t *testing.T) {
	all, err := pack("-version", "v1.2.3", "-out", t.TempDir(), "-program", standIn(t))
	require.NoError(t, err)
	for _, f := range []struct {
		format string
		inside []string // prints a package's version and architecture
		names  map[string]string
	}{
		{"deb", []string{"dpkg-deb", "--showformat=${Version} ${Architecture}", "--show"}, map[string]string{
			"arc4_1.2.3-1_amd64.deb": "1.2.3-1 amd64", "arc4_1.2.3-1_arm64.deb": "1.2.3-1 arm64", "arc4_1.2.3-1_armhf.deb": "1.2.3-1 armhf",
			"arc4_1.2.3-1_armel.deb": "1.2.3-1 armel", "arc4_1.2.3-1_i386.deb": "1.2.3-1 i386", "arc4_1.2.3-1_mipsel.deb": "1.2.3-1 mipsel",
			"arc4_1.2.3-1_mips64el.deb": "1.2.3-1 mips64el", "arc4_1.2.3-1_riscv64.deb": "1.2.3-1 riscv64",
		}},
		{"rpm", []string{"rpm", "-qp", "--nosignature", "--qf", "%{VERSION}-%{RELEASE} %{ARCH}"}, map[string]string{
			"arc4-1.2.3-1.x86_64.rpm": "1.2.3-1 x86_64", "arc4-1.2.3-1.aarch64.rpm": "1.2.3-1 aarch64", "arc4-1.2.3-1.armv7hl.rpm": "1.2.3-1 armv7hl",
			"arc4-1.2.3-1.i386.rpm": "1.2.3-1 i386", "arc4-1.2.3-1.riscv64.rpm": "1.2.3-1 riscv64",
		}},
		{"apk", []string{"sh", "-c", `bsdtar -xOf "$0" .PKGINFO | sed -n 's/^pkgver = //p; s/^arch = //p' | xargs`}, map[string]string{
			"arc4_1.2.3-r1_x86_64.apk": "1.2.3-r1 x86_64", "arc4_1.2.3-r1_aarch64.apk": "1.2.3-r1 aarch64", "arc4_1.2.3-r1_armv7.apk": "1.2.3-r1 armv7",
			"arc4_1.2.3-r1_armhf.apk": "1.2.3-r1 armhf", "arc4_1.2.3-r1_x86.apk": "1.2.3-r1 x86", "arc4_1.2.3-r1_riscv64.apk": "1.2.3-r1 riscv64",
		}},
		{"archlinux", []string{"sh", "-c", `bsdtar -xOf "$0" .PKGINFO | sed -n 's/^arch = //p; s/^pkgver = //p' | sort | xargs`}, map[string]string{
			"arc4-1.2.3-1-x86_64.pkg.tar.zst": "1.2.3-1 x86_64", "arc4-1.2.3-1-aarch64.pkg.tar.zst": "1.2.3-1 aarch64",
			"arc4-1.2.3-1-armv7h.pkg.tar.zst": "1.2.3-1 armv7h",
		}},
	} {
		t.Run(f.format, func(t *testing.T) {
			tool(t, f.inside[0])
			tool(t, "bsdtar")
			got := make(map[string]string)
			for _, path := range all[f.format] {
				says := strings.TrimSpace(output(t, f.inside[0], append(f.inside[1:], path)...))
				got[filepath.Base(path)] = strings.ReplaceAll(says, "\t", " ")
			}
			assert.Equal(t, f.names, got)
		})
	}
}

// standIn is a small program that is packed in place of arc4, and is arc4 while it is asked for
// manual pages and completion.
func standIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "arc4")
	output(t, "go", "build", "-C", root, "-o", program, "./cmd/arc4")
	path := filepath.Join(dir, "stand-in")
	labtest.WriteProgram(t, path, []byte("#!/bin/sh\nexec "+program+" \"$@\"\n"))
	return path
}

// TestSameBytes: two runs give the same packages.
func TestSameBytes(t *testing.T) {
	program := standIn(t)
	sums := func() map[string][sha256.Size]byte {
		all, err := pack("-version", "v1.2.3", "-out", t.TempDir(), "-program", program, "-arch", "amd64,arm7")
		require.NoError(t, err)
		sums := make(map[string][sha256.Size]byte)
		for _, paths := range all {
			for _, path := range paths {
				b, err := os.ReadFile(path)
				require.NoError(t, err)
				sums[filepath.Base(path)] = sha256.Sum256(b)
			}
		}
		return sums
	}
	first := sums()
	assert.Len(t, first, 12)
	assert.Equal(t, first, sums())
}

// TestRefused: what cannot be packed is said in a line.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no version", []string{"-version", "1.2.3"}, `-version "1.2.3": must be v and a number, such as v1.2.3`},
		{"no architecture", []string{"-version", "v1", "-arch", "amd64,vax"}, "-arch vax: must be one of amd64, arm64, "},
		{"no format", []string{"-version", "v1", "-format", "msi"}, "-format msi: must be one of deb, rpm, apk, archlinux"},
		{"nobody's", []string{"-version", "v1", "-format", "rpm", "-arch", "mipsle"}, "no distribution of mipsle has packages of the form rpm"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := pack(append(test.args, "-out", t.TempDir())...)
			require.ErrorContains(t, err, "packages: "+test.want)
		})
	}
}

// TestVersion: the packages, the program in them, the page of changes and the router's feed agree.
func TestVersion(t *testing.T) {
	tool(t, "dpkg-deb")
	v, err := version()
	require.NoError(t, err)
	changes, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	require.NoError(t, err)
	newest := regexp.MustCompile(`(?m)^## (v[0-9.]+)`).FindSubmatch(changes)
	require.NotNil(t, newest)
	assert.True(t, strings.HasPrefix(v, string(newest[1])), "CHANGELOG.md has %s, make %s", newest[1], v)
	feed, err := os.ReadFile(filepath.Join(root, "packaging/openwrt/arc4/Makefile"))
	require.NoError(t, err)
	assert.Contains(t, string(feed), "\nPKG_VERSION:="+strings.TrimPrefix(string(newest[1]), "v")+"\n")

	says := output(t, "sh", "-c", `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/bin/arc4 >"$1" && chmod 755 "$1" && "$1" version`,
		ours(t, "deb"), filepath.Join(t.TempDir(), "arc4"))
	assert.Contains(t, says, "arc4 "+v+" ")
	if strings.Count(v, "-") == 0 { // a commit with a tag, or before the first one
		assert.Equal(t, strings.TrimPrefix(v, "v")+"-1", strings.TrimSpace(output(t, "dpkg-deb", "-f", ours(t, "deb"), "Version")))
	}
}

// TestStatic: the program needs nothing of the system that it is installed on.
func TestStatic(t *testing.T) {
	tool(t, "dpkg-deb")
	path := filepath.Join(t.TempDir(), "arc4")
	output(t, "sh", "-c", `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/bin/arc4 >"$1"`, ours(t, "deb"), path)
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries)
}

// TestLintian: Debian's own checker has nothing to say; what it would, and why that is meant, is in
// doc/lintian-overrides.
func TestLintian(t *testing.T) {
	tool(t, "lintian")
	cmd := exec.Command("lintian", "--allow-root", "--tag-display-limit", "0", "--fail-on", "error,warning", ours(t, "deb"), ours(t, forNetworkManager+"deb"))
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, string(out))
	assert.Empty(t, strings.TrimSpace(string(out)))
}

// TestLicences: the authors of everything in the program are told.
func TestLicences(t *testing.T) {
	tool(t, "dpkg-deb")
	text := output(t, "sh", "-c", `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/share/doc/arc4/third-party-licenses.gz | gzip -d`, ours(t, "deb"))
	modules := output(t, "go", "list", "-C", root, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/arc4")
	require.NotEmpty(t, modules)
	for line := range strings.Lines(modules) {
		if line = strings.TrimSpace(line); line != "" {
			assert.Contains(t, text, "\n"+line+": ", "the licence of a module in the program")
		}
	}
	assert.Contains(t, text, "\nGo: LICENSE\n")
	own, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	require.NoError(t, err)
	copyright, err := os.ReadFile("doc/copyright")
	require.NoError(t, err)
	_, permission, _ := strings.Cut(string(own), "\n\nPermission")
	for line := range strings.Lines("Permission" + permission) {
		if line = strings.TrimSpace(line); line != "" {
			assert.Contains(t, string(copyright), " "+line+"\n")
		}
	}
}
