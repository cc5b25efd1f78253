package background

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// NotifySocket is the environment variable that says where a service tells how it is, as
// sd_notify(3) has it. A program that is started here tells it us instead of systemd.
const NotifySocket = "NOTIFY_SOCKET"

// AttemptFailed is the field of a notification that says that an attempt to get up has failed, and
// that another follows: the exit code that it would have ended with.
const AttemptFailed = "X_ARC4_EXIT_STATUS"

// Process is a run that was started in the background.
type Process struct {
	PID      int
	LogPath  string
	logFrom  int64 // where in the log this run begins
	cmd      *exec.Cmd
	notified chan string // what it tells
	ended    chan struct{}
	socket   *net.UnixConn
	path     string // of the socket
}

// Start starts this program with other arguments, in a session of its own, with its log at the end
// of a file. What secret holds, it can read from its descriptor 3; nil is nothing. Call Wait, then
// Leave.
func Start(dir, name string, args, environment []string, logPath string, secret *string) (p *Process, err error) {
	if err := prepare(dir); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := openLog(logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return nil, err
	}
	p = &Process{LogPath: logPath, logFrom: info.Size(), notified: make(chan string, 16), ended: make(chan struct{})}
	removeDeadSockets(dir)
	p.path = filepath.Join(dir, fmt.Sprintf("%s-%d%s", name, os.Getpid(), socketSuffix))
	if p.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: p.path, Net: "unixgram"}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.Leave()
		}
	}()
	if err := os.Chmod(p.path, 0o600); err != nil {
		return nil, err
	}
	p.cmd = &exec.Cmd{
		Path: self, Args: args, Dir: "/", Stdout: log, Stderr: log,
		Env: append(environment, NotifySocket+"="+p.path), SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	give, err := p.keep(secret)
	if err != nil {
		return nil, err
	}
	defer give()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.PID = p.cmd.Process.Pid
	go p.listen()
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the exit code is in ProcessState
	}()
	return p, nil
}

// socketSuffix ends the name of a socket that notifications are heard by.
const socketSuffix = ".notify"

// removeDeadSockets removes those in dir of processes that were killed while they waited: who has
// the number of one now could not listen there.
func removeDeadSockets(dir string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+socketSuffix))
	for _, path := range paths {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
		switch {
		case err == nil:
			conn.Close()
		case errors.Is(err, syscall.ECONNREFUSED):
			_ = os.Remove(path) // what cannot be removed is told when somebody listens there
		}
	}
}

// keep prepares the descriptor for a secret. What it returns hands the secret over.
func (p *Process) keep(secret *string) (give func(), err error) {
	if secret == nil {
		return func() {}, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.ExtraFiles = []*os.File{r}
	return func() {
		_, _ = w.WriteString(*secret + "\n") // a program that has ended says why itself
		_ = w.Close()
		_ = r.Close()
	}, nil
}

// listen takes what the process tells.
func (p *Process) listen() {
	b := make([]byte, 4096)
	for {
		n, err := p.socket.Read(b)
		if err != nil {
			return
		}
		select {
		case p.notified <- string(b[:n]):
		default: // nobody waits any more
		}
	}
}

// Outcome is how a run has begun.
type Outcome struct {
	Up     bool
	Status string // what it said of its state, or why it is not up
	Code   int    // of what is not up: the exit code
}

// Wait waits until the run is up, has failed or has ended, or ctx ends, which is its error.
func (p *Process) Wait(ctx context.Context, program string) (Outcome, error) {
	for {
		select {
		case <-ctx.Done():
			return Outcome{}, context.Cause(ctx)
		case text := <-p.notified:
			if o, decided := read(text); decided {
				return o, nil
			}
		case <-p.ended:
			o := Outcome{Code: p.cmd.ProcessState.ExitCode(), Status: LastError(p.LogPath, p.logFrom, program)}
			switch {
			case o.Status == "" && o.Code == 0:
				o.Status = "it was told to end before it was up"
			case o.Status == "":
				o.Status = "it has ended: " + p.cmd.ProcessState.String()
			}
			if o.Code <= 0 {
				o.Code = 1 // by a signal, or without a tunnel by itself
			}
			return o, nil
		}
	}
}

// read reads a notification; decided reports whether it says how the run has begun.
func read(text string) (o Outcome, decided bool) {
	for field := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(field, "\n"), "=")
		switch key {
		case "READY":
			if value == "1" {
				o.Up, decided = true, true
			}
		case "STATUS":
			o.Status = value
		case AttemptFailed:
			if code, err := strconv.Atoi(value); err == nil {
				o.Code, decided = code, true
			}
		}
	}
	return o, decided
}

// End ends the run and waits until it has put everything back.
func (p *Process) End(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Ended is closed once the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Leave lets the run be.
func (p *Process) Leave() {
	_ = p.socket.Close() // nothing that it holds is of use any more
	_ = os.Remove(p.path)
}

// endPause is between two looks whether a process has ended.
const endPause = 20 * time.Millisecond

// Stop ends the run of a profile by a signal, and waits until the process has ended. After patience
// it is told again, which has it hurry, and after as long again it is killed; killed reports that.
func Stop(ctx context.Context, dir, name string, pid int, patience time.Duration) (killed bool, err error) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGKILL} {
		// Between a look and the signal the number could become another's only if the process ended
		// and thousands began meanwhile.
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return false, fmt.Errorf("process %d: %w", pid, err)
		}
		killed = s == syscall.SIGKILL
		for until := time.Now().Add(patience); ; {
			now, err := Running(dir, name)
			if err != nil || now.PID != pid {
				return killed, err
			}
			if time.Now().After(until) {
				break
			}
			select {
			case <-ctx.Done():
				return false, context.Cause(ctx)
			case <-time.After(endPause):
			}
		}
	}
	return killed, fmt.Errorf("process %d does not end", pid)
}
