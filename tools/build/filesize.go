package main

// coldPackages are those whose functions are compiled without inlining in a router's build: they
// run when a tunnel is set up, or when somebody asks, and for a packet hardly ever. What functions
// of theirs a package on the way of a packet calls are not inlined there either: some calls a batch
// with those of time and net/netip. The runtime is not among them: 98 KB less cost a tenth of a
// tunnel's speed.
var coldPackages = []string{
	module + "/cmd/arc4/...",
	module + "/internal/control",
	module + "/internal/memory",
	module + "/internal/mschap",
	module + "/internal/nameservice",
	module + "/internal/pppdhook",
	module + "/internal/resolvconf",
	module + "/internal/rtnetlink",
	module + "/internal/serverroute",
	module + "/speed",
	module + "/tunnel",
	module + "/tunnel/localend",
	module + "/tunnel/netdev",
	module + "/tunnel/pool",
	module + "/tunnel/ppp",
	module + "/tunnel/secrets",
	module + "/tunnel/status",
	module + "/tunnel/trace",
	"github.com/spf13/...",
	"golang.org/x/crypto/...", "golang.org/x/net/...", "golang.org/x/sys/unix", "golang.org/x/term", "golang.zx2c4.com/wireguard/tun",
	"bufio", "bytes", "container/...", "context", "crypto/des", "crypto/md5",
	"encoding/base64", "encoding/csv", "encoding/hex",
	"encoding/json", "flag", "fmt", "hash/fnv", "internal/abi", "internal/filepathlite",
	"internal/fmtsort", "internal/godebug", "internal/reflectlite", "internal/runtime/cgroup",
	"internal/singleflight", "internal/strconv", "internal/sync", "internal/testlog", "io/fs", "log", "log/slog",
	"log/slog/internal/buffer", "net", "net/netip", "os", "os/signal", "path", "path/filepath", "reflect", "runtime/debug",
	"sort", "strconv", "strings", "sync", "time", "unique", "vendor/golang.org/x/net/...",
}

const module = "github.com/arc4tun/arc4tun"

// segmentRound is what the linker rounds the addresses of a MIPS program's segments to, in bytes,
// and fills the file up to: Go's own 65536 serves kernels with pages of 64 KiB, which a 64-bit MIPS
// can have and no router that Go's 32-bit programs run on: theirs are of 4, and seldom of 16.
const segmentRound = "16384"

// compileSmaller are the arguments of go build by which the compiler makes a router's file smaller,
// and slower only where nobody waits.
func compileSmaller() (args []string) {
	for _, p := range coldPackages {
		args = append(args, "-gcflags", p+"=-l")
	}
	return args
}

// linkSmaller are the linker's flags that make a router's file smaller.
func (t *target) linkSmaller() []string {
	if t.router && (t.goarch == "mips" || t.goarch == "mipsle") {
		return []string{"-R", segmentRound}
	}
	return nil
}
