// Package leakcheck finds what a run leaves behind in its process: goroutines, file descriptors and
// memory. The runs of packages soak and scale take a [Baseline] before the first tunnel and check
// it after every round, when nothing may be left.
package leakcheck

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/internal/stats"
)

// Memory is what the process holds, in bytes, after a collection and after all that is free was
// given back to the system.
type Memory struct {
	Heap       uint64 `json:"heap"` // that is live
	RSS        uint64 `json:"rss"`  // what the system counts; 0 where it does not tell
	Goroutines int    `json:"goroutines"`
	Files      int    `json:"files"` // open descriptors; -1 where the system does not tell
}

// Measure takes what is held now.
func Measure() Memory {
	// What pools hold goes with the second collection, and finalizers run between them.
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
	loadProgram()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Memory{Heap: m.HeapAlloc, RSS: residentSize(), Goroutines: runtime.NumGoroutine(), Files: openFiles()}
}

// MeasureLeast measures five times and takes what is resident at least: what the collector works
// with comes and goes.
func MeasureLeast() Memory {
	least := Measure()
	for range 4 {
		time.Sleep(20 * time.Millisecond)
		if m := Measure(); m.RSS < least.RSS {
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

// threads is how many of them a process is given at once: Go never ends one that is idle, and how
// many there are at most is chance. Each takes memory.
const threads = 64

// SpawnThreads makes so many, if they are not there.
func SpawnThreads() {
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

// Timeout is how long goroutines and descriptors may usually take to be gone.
const Timeout = 30 * time.Second

// Baseline is what a process has without any tunnel.
type Baseline struct {
	goroutines goleak.Option
	files      int
	timeout    time.Duration
}

// NewBaseline takes the process as it is now. Check gives what is left so long to be gone.
func NewBaseline(timeout time.Duration) *Baseline {
	return &Baseline{goroutines: goleak.IgnoreCurrent(), files: openFiles(), timeout: timeout}
}

// Check waits until nothing is left of what has come since NewBaseline, and says what is left all
// the same. It says nothing once ctx has ended.
func (b *Baseline) Check(ctx context.Context) (leaks []string) {
	for limit := time.Now().Add(b.timeout); ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		err, files := goleak.Find(b.goroutines), openFiles()
		if err == nil && files <= b.files {
			return nil
		}
		if time.Now().Before(limit) {
			continue
		}
		if err != nil {
			leaks = append(leaks, fmt.Sprintf("goroutines are left, after %v of waiting: %v", b.timeout, err))
		}
		if files > b.files {
			leaks = append(leaks, fmt.Sprintf("file descriptors are left, after %v of waiting: %d descriptors are open, where %d were at first: %s",
				b.timeout, files, b.files, describeFiles()))
		}
		return leaks
	}
	return nil
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

// Growth compares the memory of the first samples with that of the last: medians, since a page more
// or less is chance. Too few samples tell nothing.
func Growth(samples []Memory, of func(Memory) uint64) (from, to uint64, known bool) {
	if len(samples) < 2*span {
		return 0, 0, false
	}
	median := func(part []Memory) uint64 {
		return uint64(stats.MedianOf(part, func(m Memory) float64 { return float64(of(m)) }))
	}
	return median(samples[:span]), median(samples[len(samples)-span:]), true
}
