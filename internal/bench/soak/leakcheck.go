package soak

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/goleak"
)

// Memory is what the process holds, in bytes, after a collection and after all that is free was
// given back to the system.
type Memory struct {
	Heap       uint64 `json:"heap"` // that is live
	RSS        uint64 `json:"rss"`  // what the system counts; 0 where it does not tell
	Goroutines int    `json:"goroutines"`
	Files      int    `json:"files"` // open descriptors; -1 where the system does not tell
}

// measure takes what is held now.
func measure() Memory {
	// What pools hold goes with the second collection, and finalizers run between them.
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
	loadProgram()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Memory{Heap: m.HeapAlloc, RSS: residentSize(), Goroutines: runtime.NumGoroutine(), Files: openFiles()}
}

// looks is how often memory is measured at rest.
const looks = 5

// leastOf measures several times and takes what is resident at least: what the collector works with
// comes and goes.
func leastOf(looks int) Memory {
	least := measure()
	for range looks - 1 {
		time.Sleep(20 * time.Millisecond)
		if m := measure(); m.RSS < least.RSS {
			least = m
		}
	}
	return least
}

// residentSize reads /proc (proc_pid_statm(5)).
func residentSize() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// openFiles counts descriptors, without the one that it reads them with.
func openFiles() int {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(names) - 1
}

// rest is a process without any tunnel: what is there then must be there each time.
type rest struct {
	known     goleak.Option
	files     int
	lingering time.Duration
}

// threads is how many of them a process is given at once: Go never ends one that is idle, and how
// many there are at most is chance. Each takes memory.
const threads = 64

// spawnThreads makes so many, if they are not there.
func spawnThreads() {
	var all, ready sync.WaitGroup
	ready.Add(threads)
	for range threads {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			ready.Wait()
		})
	}
	all.Wait()
}

// newRest takes the process as it is now for the one at rest.
func newRest() *rest {
	return &rest{known: goleak.IgnoreCurrent(), files: openFiles(), lingering: lingering}
}

// lingering is how long goroutines and descriptors may take to be gone.
const lingering = 30 * time.Second

// check demands that nothing is left of what there was since newRest, and measures.
func (r *rest) check(ctx context.Context) (m Memory, faults []string) {
	leaked := poll(ctx, r.lingering, "goroutines are left", func() (string, bool) {
		err := goleak.Find(r.known)
		if err == nil {
			return "", true
		}
		return err.Error(), false
	})
	files := poll(ctx, r.lingering, "file descriptors are left", func() (string, bool) {
		n := openFiles()
		return fmt.Sprintf("%d, where %d were at first: %s", n, r.files, describeFiles()), n <= r.files
	})
	for _, err := range []error{leaked, files} {
		if err != nil {
			faults = append(faults, err.Error())
		}
	}
	return leastOf(looks), faults
}

// describeFiles says what is open.
func describeFiles() string {
	names, _ := os.ReadDir("/proc/self/fd")
	var words []string
	for _, n := range names {
		if to, err := os.Readlink("/proc/self/fd/" + n.Name()); err == nil {
			words = append(words, n.Name()+" "+to)
		}
	}
	return strings.Join(words, ", ")
}

// span is how many samples at each end of a run are compared.
const span = 5

// growth compares the memory of the first samples with that of the last: medians, since a page more
// or less is chance. Too few samples tell nothing.
func growth(samples []Memory, of func(Memory) uint64) (from, to uint64, known bool) {
	if len(samples) < 2*span {
		return 0, 0, false
	}
	median := func(part []Memory) uint64 {
		values := make([]uint64, len(part))
		for i, m := range part {
			values[i] = of(m)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return median(samples[:span]), median(samples[len(samples)-span:]), true
}
