package openwrt

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/features"
)

// feed runs make on a package of the feed, with doubles of what OpenWrt includes.
func feed(t *testing.T, name string, args ...string) string {
	t.Helper()
	top, err := filepath.Abs("testdata/feed")
	require.NoError(t, err)
	cmd := exec.Command("make", append([]string{"--no-print-directory", "TOPDIR=" + top, "INCLUDE_DIR=" + top + "/include"}, args...)...)
	cmd.Dir = name
	cmd.Env = os.Environ()
	for i, v := range cmd.Env {
		if strings.HasPrefix(v, "MAKE") { // flags of the make that runs the tests
			cmd.Env[i] = "NO" + v
		}
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// variables reads what `make show` prints.
func variables(text string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		all[name] = value
	}
	return all
}

// TestFeedVariables holds the package to what golang-package.mk and OpenWrt's guidelines ask for.
func TestFeedVariables(t *testing.T) {
	v := variables(feed(t, "arc4", "show", "ARCH=mipsel"))
	assert.Equal(t, "arc4", v["BUILT"])
	assert.Equal(t, "github.com/arc4tun/arc4tun", v["GO_PKG"])
	assert.Equal(t, "github.com/arc4tun/arc4tun/cmd/arc4", v["GO_PKG_BUILD_PKG"])
	assert.Equal(t, "golang/host", v["PKG_BUILD_DEPENDS"])
	assert.Equal(t, "no-mips16", v["PKG_BUILD_FLAGS"])
	assert.Equal(t, "MIT", v["PKG_LICENSE"])
	assert.Equal(t, "/etc/config/arc4", v["conffiles"])
	for _, dependency := range []string{"@GO", "+kmod-tun", "+resolveip"} {
		assert.Contains(t, strings.Fields(v["DEPENDS"]), dependency)
	}
	assert.NotRegexp(t, `(^| )-[sw]( |$)`, v["GO_PKG_LDFLAGS"], "OpenWrt strips by itself, or has a reason not to")
	assert.Equal(t, "main.version=v"+v["PKG_VERSION"]+"-r"+v["PKG_RELEASE"], v["GO_PKG_LDFLAGS_X"])
	for _, name := range []string{"SECTION", "CATEGORY", "SUBMENU", "TITLE", "URL", "PKG_VERSION", "PKG_LICENSE_FILES"} {
		assert.NotEmpty(t, v[name], name)
	}
	assert.LessOrEqual(t, len(v["TITLE"]), 60)
}

// TestFeedTags: the package is the same build as `make router`.
func TestFeedTags(t *testing.T) {
	assert.Equal(t, strings.Join(features.RouterTags(), ","), variables(feed(t, "arc4", "show", "ARCH=mipsel"))["GO_PKG_TAGS"])
}

// TestFeedInstalls what the tests of the scripts take for installed, under the same modes.
func TestFeedInstalls(t *testing.T) {
	dest := t.TempDir()
	feed(t, "arc4", "into", "DESTDIR="+dest)
	got := make(map[string]fs.FileMode)
	require.NoError(t, filepath.WalkDir(dest, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		name, _ := filepath.Rel(dest, path)
		got[name] = info.Mode()
		return err
	}))
	want := map[string]fs.FileMode{"usr/sbin/arc4": 0o755}
	for _, f := range installed {
		want[f.path] = f.mode
		source, err := os.ReadFile(filepath.Join("arc4/files", f.source))
		require.NoError(t, err)
		copied, err := os.ReadFile(filepath.Join(dest, f.path))
		require.NoError(t, err)
		assert.Equal(t, string(source), string(copied), f.path)
	}
	assert.Equal(t, want, got)
	files, err := os.ReadDir("arc4/files")
	require.NoError(t, err)
	assert.Len(t, files, len(installed), "every file is installed")
}

// TestFeedMendsUsleep where that has to be: on MIPS the go command gets an overlay, which the very
// tool of `make router` writes, and nowhere else does it.
func TestFeedMendsUsleep(t *testing.T) {
	for arch, mends := range map[string]bool{"mipsel": true, "mips": true, "arm": false, "aarch64": false, "x86_64": false} {
		t.Run(arch, func(t *testing.T) {
			source := t.TempDir()
			for _, dir := range []string{"tools/build", "internal/features"} {
				require.NoError(t, os.CopyFS(filepath.Join(source, dir), os.DirFS(filepath.Join("../..", dir))))
			}
			require.NoError(t, os.WriteFile(filepath.Join(source, "go.mod"), []byte("module github.com/arc4tun/arc4tun\n\ngo 1.26.0\n"), 0o644))
			ran := strings.TrimSpace(feed(t, "arc4", "build", "ARCH="+arch, "PKG_BUILD_DIR="+source))
			overlay := filepath.Join(source, ".overlay/overlay.json")
			if _, err := os.Stat(overlay); err != nil {
				assert.Equal(t, "compile", ran)
				assert.False(t, mends, "or Go has mended it, and doc/go-mips-usleep.md can go")
				return
			}
			assert.True(t, mends)
			assert.Equal(t, "compile -overlay "+overlay, ran)
		})
	}
}

// TestFeedOfLuCI: the page is for the package.
func TestFeedOfLuCI(t *testing.T) {
	v := variables(feed(t, "luci-proto-arc4", "show"))
	assert.Contains(t, strings.Fields(v["LUCI_DEPENDS"]), "+arc4")
	assert.Equal(t, "all", v["LUCI_PKGARCH"])
	assert.Equal(t, "MIT", v["PKG_LICENSE"])
	assert.NotEmpty(t, v["LUCI_TITLE"])
}

// TestScriptsAreSound: busybox reads each, and none has what its ash has not.
func TestScriptsAreSound(t *testing.T) {
	r := newRoot(t)
	for _, f := range installed {
		if !strings.HasPrefix(r.read(f.path), "#!/bin/sh") {
			continue
		}
		_, code, output := r.run("/", nil, "/bin/ash", "-n", "/"+f.path)
		assert.Zero(t, code, "%s: %s", f.path, output)
		for _, bashism := range []string{"[[", "function ", "<<<", "${!", "&>", "declare ", "=~"} {
			assert.NotContains(t, r.read(f.path), bashism, f.path)
		}
	}
}
