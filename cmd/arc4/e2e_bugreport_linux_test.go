//go:build !nobugreport && !noprofiles && !nocapture

package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/mschap"
)

// unpack gives the files of a report, by their names without its folder.
func unpack(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	plain, err := gzip.NewReader(file)
	require.NoError(t, err)
	files := make(map[string]string)
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		text, err := io.ReadAll(archive)
		require.NoError(t, err)
		_, name, _ := strings.Cut(h.Name, "/")
		files[name] = string(text)
	}
}

// forms are the ways in which a secret is looked for.
func forms(secret string) []string {
	hash := mschap.NTPasswordHash(secret)
	return []string{
		secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)), hex.EncodeToString(hash[:]), strings.ToUpper(hex.EncodeToString(hash[:])),
		base64.StdEncoding.EncodeToString(hash[:]),
	}
}

// TestE2EBugreport: a report of a tunnel that runs has what it takes, and of the secrets that stand
// all about none.
func TestE2EBugreport(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	l.serve(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	capture := filepath.Join(dir, "vpn.pcapng")
	l.home.profile(t, "office", officeProfile+`# the old password was Comment-Secret-1
ip-up = "/bin/true"
ipparam = "Hook-Secret-2"
capture = "`+capture+`"
mtu = 1300
`)
	assert.Contains(t, l.does(t, "up", "office"), "office is up")
	l.client.ping(t, tunnelLocal, 1000)

	environment := []string{
		"ARC4_PASSWORD_FILE=" + write("password", "File-Secret-3\nmore\n"), "ARC4_SECRETS=" + write("users", "carol * \"Users Secret 4\" *\ndave * @"+write("dave", "Dave-Secret-5\n")+" *\n"),
		"https_proxy=http://bob:Proxy-Secret-6@192.0.2.99:3128", "SOME_API_TOKEN=Token-Secret-7", "ARC4_PASSWORD=Env-Secret-8", "HARMLESS=Harmless-Value",
	}
	secrets := []string{"wonderland", "Hook-Secret-2", "File-Secret-3", "Users Secret 4", "Dave-Secret-5", "Proxy-Secret-6", "Token-Secret-7", "Env-Secret-8"}
	log := filepath.Join(l.logs, "arc4", "office.log")
	file, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	for _, s := range secrets {
		_, err = fmt.Fprintf(file, "leak of %s\n", strings.Join(forms(s), " and "))
		require.NoError(t, err)
	}
	_, err = fmt.Fprintf(file, "Proxy-Authorization: Basic %s\n", base64.StdEncoding.EncodeToString([]byte("bob:Proxy-Secret-6")))
	require.NoError(t, err)
	require.NoError(t, file.Close())

	out := filepath.Join(dir, "report.tar.gz")
	p := l.home.start(t, l.client, environment, "bugreport", "office", "--output", out)
	assert.Contains(t, p.fails(t, exit.Usage), "nobody can be asked, for standard input is no terminal: add --yes")
	assert.NoFileExists(t, out)
	p = l.home.start(t, l.client, environment, "bugreport", "office", "--output", out, "--yes")
	require.Equal(t, exit.OK, p.wait(t), p.stderr.String())
	shown := p.stdout.String()
	assert.Regexp(t, `(?m)^profile\.toml +\d+ +server and user name$`, shown)
	assert.Contains(t, shown, out+" is written; nobody else may read it\n")
	info, err := os.Stat(out)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())

	files := unpack(t, out)
	for name, text := range files {
		assert.Contains(t, shown, name)
		for _, s := range append(secrets, "Comment-Secret-1", "Harmless-Value") {
			for _, form := range forms(s) {
				assert.NotContains(t, text, form, "%s: %s", name, s)
			}
		}
		assert.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte("bob:Proxy-Secret-6")), name)
	}
	assert.Contains(t, files["profile.toml"], "mtu = 1300\n")
	assert.Contains(t, files["profile.toml"], "password = \"(not shown)\"\n")
	assert.Contains(t, files["log.txt"], "tunnel is up")
	assert.Contains(t, files["log.txt"], "leak of *** and ***")
	assert.Contains(t, files["status.json"], `"device": "arc40"`)
	assert.Contains(t, files["network/kernel.txt"], "10.99.0.1")
	assert.Contains(t, files["environment.txt"], "HARMLESS\n")
	assert.Contains(t, files["version.txt"], "arc4 ")
	assert.Contains(t, files["system/sysctl"], "net.ipv4.conf.arc40.rp_filter = ")
	require.NotEmpty(t, files["capture-headers.pcapng"])
	headers := filepath.Join(dir, "headers.pcapng")
	require.NoError(t, os.WriteFile(headers, []byte(files["capture-headers.pcapng"]), 0o600))
	got := readCapture(t, headers)
	assert.NotEmpty(t, got.gre)
	assert.NotContains(t, strings.Join(got.gre, ""), "alice", "the login")
	assert.NotContains(t, strings.Join(got.gre, ""), "\xFF\x03\xC2\x23", "CHAP")

	p = l.home.start(t, l.client, environment, "bugreport", "office", "--output", out, "--yes")
	assert.Contains(t, p.fails(t, exit.Usage), out+" is there already")
	anonymous := filepath.Join(dir, "anonymous.tar.gz")
	l.does(t, "bugreport", "office", "--output", anonymous, "--yes", "--anonymize")
	for name, text := range unpack(t, anonymous) {
		for _, tells := range []string{serverOuter, clientOuter, tunnelLocal, "alice"} {
			assert.NotContains(t, text, tells, name)
		}
	}
}

// TestE2EBugreportOfNothing: without a tunnel, a profile or any right there is a report of what
// there is, and it says what is missing.
func TestE2EBugreportOfNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "client")
	out := filepath.Join(os.TempDir(), fmt.Sprintf("arc4-e2e-report-%d.tar.gz", os.Getpid()))
	t.Cleanup(func() { _ = os.Remove(out) })
	p := m.run(t, nobody(t, "bugreport", "--yes", "--output", out, "--capture", "/etc/shadow"))
	require.Equal(t, exit.OK, p.wait(t), p.stderr.String())
	files := unpack(t, out)
	assert.Contains(t, files["missing.txt"], "status.json: ")
	assert.Contains(t, files["missing.txt"], "capture-headers.pcapng: open /etc/shadow: permission denied")
	assert.NotEmpty(t, files["network/kernel.txt"])
	p = m.start(t, "bugreport", "nowhere", "--yes")
	assert.Contains(t, p.fails(t, exit.Usage), "nowhere")
}

// TestE2EBugreportAsks on a terminal: only yes is yes.
func TestE2EBugreportAsks(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "client")
	for _, c := range []struct {
		keys    string
		written bool
	}{{"y\n", true}, {"n\n", false}, {"\n", false}, {"\x04", false}} {
		out := filepath.Join(t.TempDir(), "report.tar.gz")
		cmd := command(t, "bugreport", "--output", out)
		x := onTerminal(t, cmd)
		p := m.run(t, cmd)
		x.waitScreen(t, "Write it to "+out+"? [y/N]", 1)
		x.typed(t, c.keys)
		require.Equal(t, exit.OK, p.wait(t), "%q", c.keys)
		if c.written {
			assert.FileExists(t, out)
			continue
		}
		assert.NoFileExists(t, out)
		x.waitScreen(t, "nothing is written", 1)
	}
}
