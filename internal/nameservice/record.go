//go:build linux && !nodns

package nameservice

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// entry is what one tunnel has set.
type entry struct {
	Settings
	Way   wayKind
	Link  int    // the index of the device
	Name  string // under which resolvconf has it
	File  string // which resolv.conf is changed
	Since int64  // in nanoseconds: of several tunnels, the last one's servers are asked first
}

// entryOf adds to settings what it takes to undo them.
func (p places) entryOf(kind wayKind, want Settings, before entry) (entry, error) {
	device, err := net.InterfaceByName(want.Device)
	if err != nil {
		return entry{}, fmt.Errorf("the tunnel's device %q: %w", want.Device, err)
	}
	e := entry{Settings: want, Way: kind, Link: device.Index, File: p.identity(), Since: before.Since}
	if kind == byResolvconf {
		e.Name = cmp.Or(before.Name, p.prefix()+want.Device)
	}
	if e.Since == 0 {
		e.Since = time.Now().UnixNano()
	}
	return e, nil
}

// record is a file with an entry, locked as long as its process lives, whatever ends that: so the
// next run knows what nobody puts back any more. It holds no secrets.
type record struct {
	file  *os.File
	entry entry
}

const recordPattern = "nameservers-*.json"

// lock keeps other processes out while records are read or what they say is done. Close ends it.
func (p places) lock() (*os.File, error) {
	// As the directory of the status sockets, which is the same. Who can open it can lock it, too.
	if err := os.MkdirAll(p.records, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.Open(p.records)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		dir.Close()
		return nil, fmt.Errorf("lock %s: %w", p.records, err)
	}
	return dir, nil
}

func (p places) newRecord() (*record, error) {
	f, err := os.CreateTemp(p.records, recordPattern)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = os.Remove(f.Name())
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return &record{file: f}, nil
}

func (r *record) write(e entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// What is there stays where the disk is full: it says at least what to undo.
	if _, err := r.file.WriteAt(text, 0); err != nil {
		return err
	}
	if err := r.file.Truncate(int64(len(text))); err != nil {
		return err
	}
	r.entry = e
	return nil
}

// listed is a record in the directory.
type listed struct {
	path  string
	entry entry
	alive bool // its process is
}

// list reads all records, the latest first. One that cannot be read is a dead one that says
// nothing.
func (p places) list() ([]listed, error) {
	paths, err := filepath.Glob(filepath.Join(p.records, recordPattern))
	if err != nil {
		return nil, err
	}
	var all []listed
	for _, path := range paths {
		f, err := os.Open(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l := listed{path: path}
		l.alive = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
		text, err := os.ReadFile(path)
		f.Close()
		if err != nil {
			return nil, err
		}
		_ = json.Unmarshal(text, &l.entry)
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b listed) int { return cmp.Compare(b.entry.Since, a.entry.Since) })
	return all, nil
}

// living are the entries of one way whose processes live, and see the same resolv.conf.
func (p places) living(kind wayKind) (entries []entry, err error) {
	all, err := p.list()
	for _, l := range all {
		if l.alive && l.entry.Way == kind && l.entry.File == p.identity() {
			entries = append(entries, l.entry)
		}
	}
	return entries, err
}
