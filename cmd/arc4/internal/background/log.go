package background

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// largestLog is how long a log may be when a run begins: a longer one is set aside first, as
	// NAME.log.1.
	largestLog = 1 << 20
	// followPause is between two looks for more.
	followPause = 200 * time.Millisecond
)

// LogPath is where the log of a profile is.
func LogPath(name string) (string, error) {
	dir := "/var/log"
	if os.Geteuid() != 0 {
		if dir = os.Getenv("XDG_STATE_HOME"); !filepath.IsAbs(dir) {
			home := os.Getenv("HOME")
			if !filepath.IsAbs(home) {
				return "", errors.New("there is no directory for the log: set HOME or XDG_STATE_HOME")
			}
			dir = filepath.Join(home, ".local", "state")
		}
	}
	return filepath.Join(dir, "arc4", name+".log"), nil
}

// openLog opens a log to write at its end.
func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil && info.Size() > largestLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
}

// LastError is what a program said last of its own end, in what a log holds from an offset on:
// empty if it said nothing.
func LastError(path string, from int64, program string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return ""
	}
	return lastError(f, program)
}

func lastError(log io.Reader, program string) string {
	last := ""
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if said, is := strings.CutPrefix(lines.Text(), program+": "); is {
			last = said
		}
	}
	return last
}

// ErrNoLog is a log that has not been written yet.
var ErrNoLog = errors.New("there is no log")

// WriteLog writes a log to out, and goes on with what is added until ctx ends, if follow says so.
// A log that is set aside or emptied meanwhile is read from its beginning.
func WriteLog(ctx context.Context, path string, out io.Writer, follow bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: no %s", ErrNoLog, path)
	}
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	for {
		n, err := io.Copy(out, f)
		if err != nil || !follow {
			return err
		}
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followPause):
		}
		if next := reopened(f, path); next != nil {
			_, err := io.Copy(out, f) // what was added before it was set aside
			f.Close()
			f = next
			if err != nil {
				return err
			}
		}
	}
}

// reopened is the file that has the log's name now, if that is another, or has become shorter.
func reopened(f *os.File, path string) *os.File {
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil || still(f, path) && info.Size() >= at {
		return nil
	}
	next, err := os.Open(path)
	if err != nil {
		return nil
	}
	return next
}
