package malta

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// tries is how often a job is begun: where instructions are counted QEMU 7.2 hangs now and
	// then, with the emulated processor at 100 %.
	tries = 8
	// silence is how long a guest may print nothing. It prints every two seconds of its time, but
	// not while its kernel measures the processor's clock: it asks a real-time clock for two
	// seconds when the next one begins, for which that QEMU takes a minute on a busy machine.
	silence = 150 * time.Second
)

// heartbeat is the line that a guest prints to show that it lives.
const heartbeat = "~"

var ends = regexp.MustCompile(`^--router ends (\d+)--$`)

// Boot is a guest that ran its job to the end.
type Boot struct {
	Lines  []string // what the job printed
	Status int      // its exit status
}

// errHung is a guest that gives no sign of life.
var errHung = errors.New("no sign of life")

// Run boots a guest and has it run the job, again where the emulator hangs. line, which may be nil,
// gets each line that the guest prints, also of boots that hang; told gets what went wrong with
// those. The error is of the last boot, where none came to its end.
func (r *Router) Run(ctx context.Context, j Job, line, told func(string)) (Boot, error) {
	dir, err := os.MkdirTemp("", "router")
	if err != nil {
		return Boot{}, err
	}
	defer os.RemoveAll(dir)
	image, err := r.pack(ctx, j, dir)
	if err != nil {
		return Boot{}, err
	}
	if line == nil {
		line = func(string) {}
	}
	var failed error
	for try := range tries {
		b, err := r.boot(ctx, j, image, line)
		if err == nil || ctx.Err() != nil {
			return b, errors.Join(err, ctx.Err())
		}
		failed = err
		told(fmt.Sprintf("boot %d of at most %d of %s: %v", try+1, tries, j.Script, err))
	}
	return Boot{}, fmt.Errorf("%d boots, and none ran to its end: %w", tries, failed)
}

// arguments are QEMU's.
func (r *Router) arguments(j Job, image string) []string {
	args := []string{"-M", "malta", "-cpu", "24Kf", "-m", strconv.Itoa(j.Memory), "-rtc", "clock=vm",
		"-kernel", filepath.Join(r.dir, "vmlinux"), "-initrd", filepath.Join(r.dir, "initrd.gz"),
		"-append", "console=ttyS0 panic=-1 quiet loglevel=1",
		"-nographic", "-vga", "none", "-no-reboot"}
	for i, file := range []string{filepath.Join(r.dir, "root.sq"), image} {
		args = append(args, "-drive", fmt.Sprintf("file=%s,format=raw,index=%d,snapshot=on", file, i))
	}
	if j.Server == "" {
		args = append(args, "-nic", "none")
	} else {
		args = append(args, "-netdev", "tap,id=cable,fd=3", "-device", "virtio-net-pci,netdev=cable,romfile=")
	}
	if j.Counted {
		args = append(args, "-icount", "shift=1,sleep=on")
	}
	return args
}

// boot runs one guest, until its job has ended.
func (r *Router) boot(ctx context.Context, j Job, image string, line func(string)) (Boot, error) {
	ctx, stop := context.WithTimeoutCause(ctx, j.Limit, fmt.Errorf("not done in %v", j.Limit))
	defer stop()
	cmd := exec.CommandContext(ctx, "qemu-system-mipsel", r.arguments(j, image)...)
	if j.Server != "" {
		o, err := newOutside(j.Server)
		if err != nil {
			return Boot{}, err
		}
		defer o.close()
		cmd.ExtraFiles = []*os.File{o.cable} // descriptor 3
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return Boot{}, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return Boot{}, err
	}
	b, err := follow(output, silence, line)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	_ = cmd.Process.Kill() // it has nothing more to say, and powering off may hang as well
	_ = cmd.Wait()
	return b, err
}

// follow reads what a guest prints, until its job ends or it is silent for too long.
func follow(output io.Reader, silence time.Duration, line func(string)) (Boot, error) {
	lines := make(chan string)
	left := make(chan struct{})
	defer close(left)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(output)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			select {
			case lines <- strings.TrimRight(s.Text(), "\r"):
			case <-left:
				return
			}
		}
	}()
	var b Boot
	begun := false
	alarm := time.NewTimer(silence)
	defer alarm.Stop()
	for {
		select {
		case <-alarm.C:
			return b, fmt.Errorf("%w for %v%s", errHung, silence, last(b.Lines))
		case text, more := <-lines:
			if !more {
				return b, fmt.Errorf("the emulator ended before the job%s", last(b.Lines))
			}
			alarm.Reset(silence)
			if m := ends.FindStringSubmatch(text); m != nil {
				b.Status, _ = strconv.Atoi(m[1])
				return b, nil
			}
			switch {
			case text == "--router begins--":
				begun, b.Lines = true, nil // the kernel's lines before it help where it does not come
			case text == heartbeat && begun:
			default:
				b.Lines = append(b.Lines, text)
				line(text)
			}
		}
	}
}

// last tells where a guest was.
func last(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return " after: " + lines[len(lines)-1]
}
