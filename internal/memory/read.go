package memory

import "io/fs"

// from reads what a root file system, with its /proc and /sys, says of the machine and of the
// limits of this process. What cannot be read is not known.
func from(root fs.FS) Machine {
	var m Machine
	if text, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		m.Total, m.Available = parseMeminfo(text)
	}
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return m
	}
	for _, name := range limitFiles(groups) {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			continue
		}
		if n := parseLimit(text); n > 0 && (m.Limit == 0 || n < m.Limit) {
			m.Limit = n
		}
	}
	if m.Limit >= m.Total && m.Total > 0 {
		m.Limit = 0
	}
	if m.Limit > 0 {
		m.Available = min(m.Available, m.Limit)
	}
	return m
}
