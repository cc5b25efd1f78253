package background

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A profile is run by one process. That process holds a lock on NAME.pid in the directory of the
// status sockets; the kernel lets go of it whatever ends the process, and tells others who holds
// it. So no process is taken for one that has long ended, or that has got its number since.

const suffix = ".pid"

// Claim is held by the process that runs a profile.
type Claim struct {
	file *os.File
	path string
}

// RunningError is a profile that another process runs.
type RunningError struct {
	Name string
	PID  int // 0: one that cannot be seen from here, as in another container
}

func (e *RunningError) Error() string {
	return fmt.Sprintf(`%s runs already, as process %d: "arc4 down %s" ends it`, e.Name, e.PID, e.Name)
}

func pidFile(dir, name string) string { return filepath.Join(dir, name+suffix) }

// lock is the whole file's.
func lock() *syscall.Flock_t { return &syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart} }

// Hold has this process run a profile, of that file. If another one does, the error is a
// *RunningError. A process that holds a claim must not ask for it with Running: the kernel would
// let go of the lock.
func Hold(dir, name, profile string) (*Claim, error) {
	if err := prepare(dir); err != nil {
		return nil, err
	}
	path := pidFile(dir, name)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, lock()); err != nil {
			pid, asked := holder(f)
			err = errors.Join(err, asked, f.Close())
			if pid != 0 || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
				return nil, &RunningError{name, pid}
			}
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if !still(f, path) {
			f.Close() // its last holder has just removed it
			continue
		}
		text := fmt.Sprintf("%d\n%s\n", os.Getpid(), profile)
		if err := errors.Join(f.Truncate(0), writeAll(f, text)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return &Claim{f, path}, nil
	}
}

func writeAll(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// prepare makes the directory, for this user alone.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || ok && int(stat.Uid) != os.Geteuid() && os.Geteuid() != 0 {
		return fmt.Errorf("%s is not a directory of this user: remove it", dir)
	}
	return nil
}

// still reports whether the file has its name yet.
func still(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(ours, now)
}

// Release ends the claim.
func (c *Claim) Release() {
	_ = os.Remove(c.path) // one that is left says nothing without its lock
	_ = c.file.Close()
}

// holder is the process with the lock on a file, or 0.
func holder(f *os.File) (pid int, err error) {
	l := lock()
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, l); err != nil {
		return 0, err
	}
	if l.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(l.Pid), nil
}

// State says who runs a profile.
type State struct {
	PID     int
	Profile string // the file that it was begun with, if it is known
	Killed  bool   // nobody does, and whoever did was killed
}

// Running says which process runs a profile.
func Running(dir, name string) (State, error) {
	f, err := os.OpenFile(pidFile(dir, name), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	defer f.Close()
	pid, err := holder(f)
	s := State{PID: pid, Killed: pid == 0 && err == nil && still(f, f.Name())}
	if s.PID != 0 {
		s.Profile = profileIn(f)
	}
	return s, err
}

// profileIn is what the second line of a claim's file says; empty if there is none yet.
func profileIn(f *os.File) string {
	b := make([]byte, 8192)
	n, _ := f.ReadAt(b, 0) // a short one ends in io.EOF
	_, profile, _ := strings.Cut(string(b[:n]), "\n")
	profile, whole := strings.CutSuffix(profile, "\n")
	if !whole {
		return ""
	}
	return profile
}

// Forget removes what a killed run has left in dir.
func Forget(dir, name string) error {
	c, err := Hold(dir, name, "")
	if err != nil {
		return err
	}
	c.Release()
	return nil
}

// Names are the profiles that have a file in dir, sorted: those that run, or were killed.
func Names(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // there is none yet
	}
	var names []string
	for _, e := range entries {
		if name, is := strings.CutSuffix(e.Name(), suffix); is && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
