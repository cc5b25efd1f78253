package memory

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Where control groups are mounted, as systemd and OpenWrt have them; in a container it is the
// container's own group that is seen at the root.
const (
	unifiedRoot = "sys/fs/cgroup"
	memoryRoot  = "sys/fs/cgroup/memory" // version 1
)

// limitFiles gives the files that may hold a limit for a process, out of its /proc/PID/cgroup
// (cgroups(7)): one for its group and one for each that is around it, up to the root. They are
// relative to the file system's root, in the form of fs.FS.
func limitFiles(text []byte) []string {
	var files []string
	for line := range bytes.Lines(text) {
		// hierarchy-ID:controllers:path
		fields := strings.SplitN(strings.TrimRight(string(line), "\n"), ":", 3)
		if len(fields) != 3 || !strings.HasPrefix(fields[2], "/") {
			continue
		}
		root, name := "", ""
		switch {
		case fields[0] == "0" && fields[1] == "":
			root, name = unifiedRoot, "memory.max"
		case slices.Contains(strings.Split(fields[1], ","), "memory"):
			root, name = memoryRoot, "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Clean(fields[2]); ; group = path.Dir(group) {
			files = append(files, root+path.Join(group, "/"+name))
			if group == "/" {
				break
			}
		}
	}
	return files
}

// parseLimit reads a limit in bytes; 0 is none. Version 2 says "max" for none, version 1 a number
// near 2^63 or, with pages of 64 KB, some pages less.
func parseLimit(text []byte) uint64 {
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n >= 1<<60 {
		return 0
	}
	return n
}
