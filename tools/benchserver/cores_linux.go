package main

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// runOn runs a command on the first cores that this process may use; 0: all. What the command does
// for it in the kernel is bounded by that too, as it would not be by GOMAXPROCS.
func runOn(cores int, cmd *exec.Cmd) error {
	if cores == 0 {
		return cmd.Run()
	}
	done := make(chan error)
	go func() {
		// The new process has what the thread that starts it has. The thread ends with the
		// goroutine.
		runtime.LockOSThread()
		err := bind(cores)
		if err == nil {
			err = cmd.Run()
		}
		done <- err
	}()
	return <-done
}

// bind keeps the calling thread on the first cores that it may use.
func bind(cores int) error {
	var may, chosen unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return err
	}
	for cpu := 0; chosen.Count() < cores && chosen.Count() < may.Count(); cpu++ {
		if may.IsSet(cpu) {
			chosen.Set(cpu)
		}
	}
	return unix.SchedSetaffinity(0, &chosen)
}
