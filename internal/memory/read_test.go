package memory

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
)

const meminfo64 = "MemTotal:          59652 kB\nMemFree:           10536 kB\nMemAvailable:      30388 kB\nBuffers:               0 kB\nCached:            12764 kB\n"

func TestParseMeminfo(t *testing.T) {
	for name, tc := range map[string]struct {
		text             string
		total, available uint64
	}{
		"a router's":         {meminfo64, 59652 << 10, 30388 << 10},
		"before Linux 3.14":  {"MemTotal: 59652 kB\nMemFree: 10000 kB\nBuffers: 1 kB\nCached: 2000 kB\n", 59652 << 10, 12000 << 10},
		"nothing available":  {"MemTotal: 100 kB\nMemFree: 50 kB\nMemAvailable: 0 kB\n", 100 << 10, 0},
		"empty":              {"", 0, 0},
		"no number":          {"MemTotal: many kB\n", 0, 0},
		"another unit":       {"MemTotal: 64 MB\n", 0, 0},
		"no unit":            {"MemTotal: 64\n", 0, 0},
		"too large":          {"MemTotal: 18446744073709551615 kB\n", 0, 0},
		"negative":           {"MemTotal: -1 kB\n", 0, 0},
		"sums beyond a word": {"MemTotal: 18014398509481983 kB\nMemFree: 18014398509481983 kB\nCached: 18014398509481983 kB\n", 18014398509481983 << 10, 18014398509481983 << 10},
		"the last line cut":  {"MemTotal: 59652 kB\nMemAvailable: 303", 59652 << 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			total, available := parseMeminfo([]byte(tc.text))
			assert.Equal(t, tc.total, total)
			assert.Equal(t, tc.available, available)
		})
	}
}

func TestParseStatus(t *testing.T) {
	now, peak := parseStatus([]byte("Name:\tarc4\nVmHWM:\t   11024 kB\nVmRSS:\t    9840 kB\nRssAnon:\t 3000 kB\n"))
	assert.EqualValues(t, 9840<<10, now)
	assert.EqualValues(t, 11024<<10, peak)
}

func TestLimitFiles(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"version 2, at the root":    {"0::/\n", []string{"sys/fs/cgroup/memory.max"}},
		"version 2, a service":      {"0::/system.slice/arc4.service\n", []string{"sys/fs/cgroup/system.slice/arc4.service/memory.max", "sys/fs/cgroup/system.slice/memory.max", "sys/fs/cgroup/memory.max"}},
		"version 1":                 {"4:cpu,cpuacct:/x\n3:memory:/y\n", []string{"sys/fs/cgroup/memory/y/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		"version 1, among others":   {"3:hugetlb,memory:/\n", []string{"sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		"both":                      {"3:memory:/\n0::/\n", []string{"sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory.max"}},
		"a colon in the name":       {"0::/a:b\n", []string{"sys/fs/cgroup/a:b/memory.max", "sys/fs/cgroup/memory.max"}},
		"a name that leads upwards": {"0::/../../etc\n", []string{"sys/fs/cgroup/etc/memory.max", "sys/fs/cgroup/memory.max"}},
		"not of memory":             {"2:pids:/x\n1:name=systemd:/x\n", nil},
		"no path":                   {"0::\n0\n", nil},
		"empty":                     {"", nil},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, limitFiles([]byte(tc.text))) })
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]uint64{
		"67108864\n": 64 * MiB, "max\n": 0, "9223372036854771712\n": 0, "9223372036854710272\n": 0, "": 0, "-1\n": 0, "0\n": 0, "64M": 0,
	} {
		assert.Equal(t, want, parseLimit([]byte(text)), "%q", text)
	}
}

func TestFrom(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  Machine
	}{
		"a router without control groups": {map[string]string{"proc/meminfo": meminfo64}, Machine{Total: 59652 << 10, Available: 30388 << 10}},
		"no limit": {map[string]string{"proc/meminfo": meminfo64, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"},
			Machine{Total: 59652 << 10, Available: 30388 << 10}},
		"the least of all that are around": {map[string]string{"proc/meminfo": meminfo64, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "33554432\n", "sys/fs/cgroup/a/memory.max": "16777216\n"},
			Machine{Total: 59652 << 10, Available: 16 * MiB, Limit: 16 * MiB}},
		"version 1": {map[string]string{"proc/meminfo": meminfo64, "proc/self/cgroup": "5:memory:/c\n", "sys/fs/cgroup/memory/c/memory.limit_in_bytes": "33554432\n"},
			Machine{Total: 59652 << 10, Available: 30388 << 10, Limit: 32 * MiB}},
		"more than there is": {map[string]string{"proc/meminfo": meminfo64, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n"},
			Machine{Total: 59652 << 10, Available: 30388 << 10}},
		"nothing": {nil, Machine{}},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for file, text := range tc.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			assert.Equal(t, tc.want, from(root))
		})
	}
}

// FuzzParse: whatever the files hold, nothing breaks, no path leads out of the control groups, and
// what is available is no more than there is where that is not said.
func FuzzParse(f *testing.F) {
	f.Add([]byte(meminfo64))
	f.Add([]byte("0::/system.slice/arc4.service\n3:memory:/y\n"))
	f.Add([]byte("67108864\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		total, available := parseMeminfo(text)
		if !strings.Contains(string(text), "MemAvailable") && available > total {
			t.Errorf("%d available of %d", available, total)
		}
		for _, name := range limitFiles(text) {
			if !strings.HasPrefix(name, unifiedRoot+"/") || strings.Contains("/"+name+"/", "/../") {
				t.Errorf("%q", name)
			}
		}
		if n := parseLimit(text); n >= 1<<60 {
			t.Errorf("limit %d", n)
		}
		parseStatus(text)
	})
}
