//go:build shipped

package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shipped are the builds that people get, each with the most that it may weigh, in bytes.
var shipped = []struct {
	name     string
	target   target
	file, xz int64
}{
	{"full, amd64", target{goos: "linux", goarch: "amd64"}, 21_700_000, 6_500_000},
	{"router, amd64", target{goarch: "amd64", router: true}, 6_650_000, 2_050_000},
	{"router, arm64", target{goarch: "arm64", router: true}, 6_170_000, 1_850_000},
	{"router, arm", target{goarch: "arm", router: true}, 6_110_000, 1_850_000},
	{"router, mipsle", target{goarch: "mipsle", router: true}, 6_920_000, 1_700_000},
}

// nowhere are the packages that no build may hold: each was there once, for little. reflect's are
// those by which a method can be called that nobody names: where one is, the linker keeps all
// exported methods.
var nowhere = []string{
	"crypto/tls.", "crypto/x509.", "net/http.", "html/template.", "text/template.(*Template).", "text/template/parse.(*Tree).",
	"reflect.Value.Method", "reflect.Value.MethodByName", "github.com/jedib0t/", "testing.", "github.com/stretchr/", "go.uber.org/goleak",
	"time/tzdata.",
}

// notOnRouters are those that no router's build may hold besides.
var notOnRouters = []string{
	"gvisor.dev/", "gonum.org/", "codeberg.org/", "git.sr.ht/", "golang.org/x/image/", "github.com/golang/freetype",
	"github.com/arc4tun/arc4tun/internal/lab", "github.com/arc4tun/arc4tun/internal/bench/tunnels", "github.com/arc4tun/arc4tun/internal/bench/chart",
	"github.com/pelletier/", "github.com/godbus/", "github.com/google/nftables", "github.com/mdlayher/", "github.com/google/go-cmp", "compress/", "image/", "regexp.", "regexp/", "text/template.", "encoding/xml.", "github.com/google/btree.", "github.com/gopacket/",
	"crypto/internal/fips140/sha3.keccakF1600", "crypto/internal/fips140/drbg.NewCounter", "runtime.initMetrics", "internal/bisect.Hash",
}

// TestShipped builds each, looks at what is in it, and weighs it.
func TestShipped(t *testing.T) {
	t.Chdir("../..")
	xz, _ := exec.LookPath("xz")
	t.Logf("| %-14s | %10s | %10s |", "build", "bytes", "xz -9")
	for _, s := range shipped {
		t.Run(s.name, func(t *testing.T) {
			forbidden := nowhere
			if s.target.router {
				forbidden = append(forbidden[:len(forbidden):len(forbidden)], notOnRouters...)
				if s.target.goarch == "arm" || s.target.goarch == "mipsle" {
					forbidden = append(forbidden, "golang.zx2c4.com/wireguard/tun.(*NativeTun)") // 32 bits have tunnel/netdev/offload_linux.go
				}
			}
			stripped, full := s.target, s.target
			stripped.output, full.output = filepath.Join(t.TempDir(), "arc4"), filepath.Join(t.TempDir(), "arc4")
			full.symbols = true
			require.NoError(t, run(full, ""))
			require.NoError(t, run(stripped, ""))
			assert.Empty(t, among(symbols(t, full.output), forbidden))
			assert.Empty(t, among(packages(t, full), forbidden))

			info, err := os.Stat(stripped.output)
			require.NoError(t, err)
			packed := int64(0)
			if xz != "" {
				out, err := exec.Command(xz, "-9", "-k", "-c", stripped.output).Output()
				require.NoError(t, err)
				packed = int64(len(out))
			}
			t.Logf("| %-14s | %10d | %10d |", s.name, info.Size(), packed)
			assert.LessOrEqual(t, info.Size(), s.file, "the file, in bytes")
			assert.LessOrEqual(t, packed, s.xz, "xz -9 of it, in bytes")
		})
	}
}

// among are those of the names that begin with one of the prefixes; ten of them, at most.
func among(names, prefixes []string) []string {
	var found []string
	for _, name := range names {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) && len(found) < 10 {
				found = append(found, name)
			}
		}
	}
	return found
}

// symbols are the names of a program's functions and variables.
func symbols(t *testing.T, program string) []string {
	f, err := elf.Open(program)
	require.NoError(t, err)
	defer f.Close()
	list, err := f.Symbols()
	require.NoError(t, err)
	require.Greater(t, len(list), 5000)
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	require.Contains(t, names, "main.main")
	return names
}

// packages are those that the program is compiled from, each with a dot behind it, as a symbol has
// it. Of text/template cobra imports one type: that is held down by the symbols, where cobra is as
// it is.
func packages(t *testing.T, target target) []string {
	list := dependencies(t, target)
	require.Contains(t, list, "runtime")
	for i := range list {
		list[i] += "."
	}
	return list
}
