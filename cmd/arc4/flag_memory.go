package main

import (
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// readMemory asks the system; tests have other machines.
var readMemory = memory.Read

// memoryFlag is --memory.
type memoryFlag struct{ mode string }

func (f *memoryFlag) addFlag(flags *pflag.FlagSet) {
	f.mode = memory.Auto.String()
	flags.Var(cmdline.NewChoice(&f.mode, memory.Modes...), "memory", "how much to hold: `MODE` is small (windows, buffers and sockets bounded, and Go's garbage collector told so), normal, or auto (small where the machine, or the control group, has 128 MB or less, or less than 40 MB are left)")
}

// plan decides, and has Go's garbage collector work to it. It is the first thing that a command
// does: what it allocates before is collected late.
func (f *memoryFlag) plan() memory.Plan {
	mode, err := memory.ParseMode(f.mode)
	if err != nil {
		panic(err) // the flag takes no other words
	}
	p := mode.Plan(readMemory())
	p.Collector(os.LookupEnv).Set()
	return p
}

// logMemory says so where it makes a difference.
func logMemory(log *slog.Logger, p memory.Plan) {
	if p.Small {
		log.Info("memory", "mode", p.Mode().String(), "why", p.Why)
	}
}

// memoryStatus is what status shows of it.
func memoryStatus(p memory.Plan) *status.Memory {
	now, peak := memory.Resident()
	return &status.Memory{
		Mode: p.Mode().String(), Why: p.Why, Resident: now, Peak: peak,
		Usable: p.Machine.Usable(), CollectorLimit: memory.CollectorLimit(),
	}
}
