package cputime

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Both clocks go on while a thread works, and that of the process has the thread's time in it.
func TestClocksCountWork(t *testing.T) {
	if !Known {
		assert.Zero(t, Thread())
		assert.Zero(t, Process())
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, process := Thread(), Process()
	for limit := time.Now().Add(30 * time.Second); Thread()-thread < 50*time.Millisecond; {
		if time.Now().After(limit) {
			t.Fatal("the thread's time stands still")
		}
	}
	// getrusage may count in ticks.
	assert.Greater(t, Process()-process, 10*time.Millisecond)
}
