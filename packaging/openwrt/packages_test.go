package openwrt

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// archive is what a package or a part of one has in it.
type archive map[string]entry

type entry struct {
	mode fs.FileMode
	text string
}

// unpack reads a tar.gz; the streams of an .apk, one behind the other, are one to a reader of tar.
func unpack(t *testing.T, packed []byte) archive {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	r := tar.NewReader(z)
	all := make(archive)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		if h.Typeflag == tar.TypeDir {
			continue
		}
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Zero(t, h.Uid+h.Gid, h.Name)
		all[strings.TrimPrefix(h.Name, "./")] = entry{h.FileInfo().Mode(), string(b)}
	}
}

// packages makes the packages of a program that does nothing, and gives them by name.
func packages(t *testing.T) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "arc4")
	require.NoError(t, os.WriteFile(program, []byte("the program"), 0o755))
	cmd := exec.Command("go", "run", "./openwrt", "-goarch", "mipsle", "-program", program, "-out", dir)
	cmd.Dir = "../pack"
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	all := make(map[string][]byte)
	files, err := filepath.Glob(filepath.Join(dir, "*.?pk"))
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		all[filepath.Base(file)] = b
	}
	return all
}

// TestPackages: those made without the SDK have in them what the feed's would have.
func TestPackages(t *testing.T) {
	all := packages(t)
	names := []string{"arc4_0.1.0-1_mipsel_24kc.ipk", "arc4_0.1.0-r1_mipsel_24kc.apk", "luci-proto-arc4_0.1.0-1_all.ipk", "luci-proto-arc4_0.1.0-r1_noarch.apk"}
	for _, name := range names {
		require.Contains(t, all, name)
	}
	require.Len(t, all, len(names))

	want := archive{"usr/sbin/arc4": {0o755, "the program"}}
	for _, f := range installed {
		text, err := os.ReadFile(filepath.Join("arc4/files", f.source))
		require.NoError(t, err)
		want[f.path] = entry{f.mode, string(text)}
	}
	page, err := os.ReadFile("luci-proto-arc4/htdocs/luci-static/resources/protocol/arc4.js")
	require.NoError(t, err)
	luci := archive{"www/luci-static/resources/protocol/arc4.js": {0o644, string(page)}}

	t.Run("ipk", func(t *testing.T) {
		outer := unpack(t, all[names[0]])
		assert.Equal(t, "2.0\n", outer["debian-binary"].text)
		assert.Equal(t, want, unpack(t, []byte(outer["data.tar.gz"].text)))
		control := unpack(t, []byte(outer["control.tar.gz"].text))
		for _, line := range []string{"Package: arc4", "Version: 0.1.0-1", "Architecture: mipsel_24kc", "Depends: kmod-tun, resolveip", "License: MIT"} {
			assert.Contains(t, control["control"].text, line+"\n")
		}
		assert.Equal(t, "/etc/config/arc4\n", control["conffiles"].text)
		runScripts(t, "arc4", "", control["postinst"].text, control["prerm"].text)
		outer = unpack(t, all[names[2]])
		assert.Equal(t, luci, unpack(t, []byte(outer["data.tar.gz"].text)))
		assert.Contains(t, unpack(t, []byte(outer["control.tar.gz"].text))["control"].text, "Architecture: all\n")
	})
	t.Run("apk", func(t *testing.T) {
		got := unpack(t, all[names[1]])
		for _, line := range []string{"pkgname = arc4", "pkgver = 0.1.0-r1", "arch = mipsel_24kc", "depend = kmod-tun", "depend = resolveip"} {
			assert.Contains(t, got[".PKGINFO"].text, line+"\n")
		}
		assert.Equal(t, "/etc/config/arc4\n", got["lib/apk/packages/arc4.conffiles"].text)
		list := strings.Fields(got["lib/apk/packages/arc4.list"].text)
		assert.Len(t, list, len(want), "which default_postinst goes by")
		runScripts(t, "arc4", "arc4", got[".post-install"].text, got[".pre-deinstall"].text)
		runScripts(t, "arc4", "arc4", got[".post-upgrade"].text, got[".pre-deinstall"].text)
		for name, e := range want {
			assert.Contains(t, list, "/"+name)
			assert.Equal(t, e, got[name], name)
		}
		got = unpack(t, all[names[3]])
		assert.Contains(t, got[".PKGINFO"].text, "arch = noarch\n")
		for name, e := range luci {
			assert.Equal(t, e, got[name])
		}
	})
}

// runScripts: they call OpenWrt's own functions, for a package of this name.
func runScripts(t *testing.T, name, pkgname, postinst, prerm string) {
	t.Helper()
	r := newRoot(t)
	path := "usr/lib/opkg/info/" + name + ".postinst"
	r.write(path, postinst, 0o755)
	record, code, output := r.run("/", nil, "/"+path, "configure")
	assert.Zero(t, code, output)
	require.Len(t, record, 1)
	assert.Contains(t, record[0], "default_postinst")
	if pkgname == "" {
		assert.Equal(t, noted("default_postinst", "/"+path, "configure", "", ""), record[0])
	} else {
		assert.Regexp(t, `^default_postinst \[\] \[`+pkgname+`\]$`, record[0])
	}
	r.write(path, prerm, 0o755)
	record, code, output = r.run("/", nil, "/"+path)
	assert.Zero(t, code, output)
	require.Len(t, record, 1)
	assert.Contains(t, record[0], "default_prerm")
	for _, skip := range []string{"IPKG_NO_SCRIPT=1", "IPKG_INSTROOT=/tmp"} {
		record, code, _ = r.run("/", []string{skip}, "/"+path)
		assert.Empty(t, record, skip)
		assert.Zero(t, code)
	}
}
