package status

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

const (
	suffix = ".sock"
	// maxPath is what fits a socket address on every system: 104 bytes with the zero on BSD,
	// 108 on Linux.
	maxPath = 103
)

// DefaultDir is where sockets are: /run/arc4 for root, else $XDG_RUNTIME_DIR/arc4, else a
// directory of this user in the system's temporary one.
func DefaultDir() string {
	uid := os.Geteuid()
	if uid == 0 {
		return "/run/arc4"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "arc4")
	}
	return filepath.Join(os.TempDir(), "arc4-"+strconv.Itoa(uid))
}

// DefaultPath is the socket of the process called name in DefaultDir: "serve",
// "connect-arc40". What cannot be in a file name becomes '_'.
func DefaultPath(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r) {
			return r
		}
		return '_'
	}, name)
	clean = strings.TrimLeft(clean, ".")
	if clean == "" {
		clean = "arc4"
	}
	return filepath.Join(DefaultDir(), clean[:min(len(clean), 40)]+suffix)
}

// serviceDir is where the packages' arc4-serve.service has its socket: it does not run as root, and
// cannot have it where root's are.
const serviceDir = "/run/arc4-serve"

// List returns the paths of all sockets in a directory, sorted; none if there is no directory. To
// root's own DefaultDir belongs that of arc4-serve.service. Whether a process still answers shows
// when it is asked.
func List(dir string) ([]string, error) {
	paths, err := list(dir)
	if err != nil || os.Geteuid() != 0 || dir != DefaultDir() {
		return paths, err
	}
	service, err := list(serviceDir)
	return append(paths, service...), err
}

func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("status sockets: %w: run as the user the tunnel runs as", err)
	}
	var paths []string
	for _, e := range entries {
		if e.Type()&fs.ModeSocket != 0 && strings.HasSuffix(e.Name(), suffix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	sort.Strings(paths)
	return paths, nil
}

func checkPath(path string) error {
	switch {
	case path == "":
		return fmt.Errorf("status socket: the path is empty: name a file, such as %s", DefaultPath("serve"))
	case len(path) > maxPath:
		return fmt.Errorf("status socket %s: the path is %d bytes long, and at most %d fit: choose a shorter one", path, len(path), maxPath)
	}
	return nil
}
