package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/arc4tun/arc4tun/"

// floors are the packages of the module, the ground first. A package imports what is on the floors
// below it, and nothing else; a path that ends in / stands for all packages below it. Tests may
// reach for anything.
var floors = []string{
	"arc4/internal/ internal/nmplugin internal/capturefile internal/rtnetlink internal/claim internal/mipscpu internal/usleep internal/cputime internal/features internal/ippkt internal/httpproxy internal/memory internal/progressbar internal/raceflag internal/serial internal/socks5 internal/stats internal/suspend internal/resolvconf internal/timing internal/mschap internal/pppdhook internal/control arc4/generic tunnel/pool tunnel/secrets tunnel/trace",
	"arc4/asm internal/nameservice internal/segments internal/uplink internal/killswitch tunnel/reorder tunnel/status mppe/internal/",
	"arc4 internal/serverroute tunnel/gre",
	"mppe tunnel/netdev internal/lab/memnet internal/bench/chart internal/bench/libcrypto internal/lab/link internal/lab/netns",
	"speed tunnel/ppp tunnel/netdev/userspace internal/lab/labtest",
	"tunnel/internal/ internal/capture internal/decrypt/",
	"tunnel",
	"tunnel/localend tunnel/netstack internal/lab",
	"internal/proxy internal/bench/ internal/malta tools/internal/ cmd/arc4/internal/",
	"cmd/ tools/ interop/ packaging/ arc4/generic/gen",
}

// floorOf is the floor of a package, or -1.
func floorOf(path string) int {
	found, length := -1, -1
	for i, rooms := range floors {
		for _, room := range strings.Fields(rooms) {
			if path == room || strings.HasSuffix(room, "/") && strings.HasPrefix(path+"/", room) {
				if len(room) > length {
					found, length = i, len(room)
				}
			}
		}
	}
	return found
}

// TestImportsRunDown: no package imports one of its own floor or of a floor above, but for those
// that lie in one folder.
func TestImportsRunDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	require.NoError(t, err)
	list := json.NewDecoder(strings.NewReader(string(out)))
	packages := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := list.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		packages++
		path := strings.TrimPrefix(p.ImportPath, module)
		floor := floorOf(path)
		if !assert.GreaterOrEqual(t, floor, 0, "%s is on no floor: name it in floors", path) {
			continue
		}
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, module)
			if ours && !sameFolder(path, other) {
				assert.Less(t, floorOf(other), floor, "%s imports %s", path, other)
			}
		}
	}
	require.Greater(t, packages, 30)
}

// sameFolder reports whether one package lies in the other's folder, or both in one below the
// first two: what is in there is arranged by Go's own rule against circles.
func sameFolder(a, b string) bool {
	fa, fb := strings.SplitN(a, "/", 3), strings.SplitN(b, "/", 3)
	return len(fa) > 2 && len(fb) > 2 && fa[0] == fb[0] && fa[1] == fb[1]
}
