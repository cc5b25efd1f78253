//go:build linux && !nodns

package nameservice

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/resolvconf"
)

// file is /etc/resolv.conf itself, where nobody else is in charge of it.
//
// What was there before, a file or a symbolic link, is moved aside and moved back: with its owner,
// its times and all that hangs on it. Where the file cannot be moved, since it is mounted there as
// container runtimes do it, its content is copied. The backup is not in /run, for what is written
// into /etc outlives a boot too.
type file struct {
	places places
	log    *slog.Logger
}

func (f *file) set(context.Context, entry) error {
	living, err := f.places.living(byFile)
	if err != nil {
		return err
	}
	if _, err = f.follow(living); err == nil && f.places.isEdited() {
		return fmt.Errorf("%s is an earlier tunnel's, and somebody has edited it: move %s back over it, or remove it", f.places.resolvConf, cmp.Or(f.places.backup(), "another file"))
	}
	return err
}

func (f *file) unset(_ context.Context, e entry) error {
	living, err := f.places.living(byFile)
	if err != nil {
		return err
	}
	living = slices.DeleteFunc(living, func(o entry) bool { return o.Since == e.Since && o.Device == e.Device })
	_, err = f.follow(living)
	return err
}

// intact reports false when there is another file. One of ours that somebody has edited is that
// editor's, and stays.
func (f *file) intact() bool {
	content, err := os.ReadFile(f.places.resolvConf)
	return err != nil && !os.IsNotExist(err) || writtenByUs(content) || f.places.isUnmounted()
}

// outside are the servers of the file before.
func (f *file) outside(entry) []netip.Addr {
	if backup := f.places.backup(); backup != "" {
		return resolvconf.Read(backup)
	}
	return nil
}

// follow brings the file in line with the tunnels that are up, and reports whether it changed
// anything.
func (f *file) follow(living []entry) (changed bool, err error) {
	p := f.places
	if p.isUnmounted() {
		return false, nil
	}
	content, err := os.ReadFile(p.resolvConf)
	if err != nil && !os.IsNotExist(err) {
		return false, err
	}
	ours := writtenByUs(content)
	switch {
	case ours && !sumHolds(content):
		f.log.Warn("somebody has edited the file that names the tunnel's name servers: it stays as it is", "file", p.resolvConf, "before", p.backup())
		return false, nil
	case ours && len(living) == 0:
		return true, p.putBack(content)
	case len(living) == 0:
		return false, p.dropBackup() // somebody has written another one: that is what there is
	}
	base, backup := content, p.backup()
	switch {
	case ours && backup == "":
		base = nil
	case ours:
		if base, err = os.ReadFile(backup); err != nil && !os.IsNotExist(err) {
			return false, err
		}
	default:
		if backup, err = p.backUp(); err != nil {
			return false, p.explain(err)
		}
	}
	next := render(base, backup, living)
	if bytes.Equal(next, content) {
		return false, nil
	}
	if err := p.install(next); err != nil {
		if !ours {
			err = errors.Join(err, p.dropBackup())
		}
		return false, p.explain(err)
	}
	return true, nil
}

// isEdited reports whether resolv.conf is one that this package has written, and somebody has
// edited since: nobody changes it then.
func (p places) isEdited() bool {
	content, err := os.ReadFile(p.resolvConf)
	return err == nil && writtenByUs(content) && !sumHolds(content)
}

// fileIsOurs reports whether resolv.conf is one that this package has written.
func (p places) fileIsOurs() bool {
	content, err := os.ReadFile(p.resolvConf)
	return err == nil && writtenByUs(content)
}

// backup is the file where the former resolv.conf is, or empty. A symbolic link counts whether or
// not it leads anywhere.
func (p places) backup() string {
	for _, b := range p.backups {
		if _, err := os.Lstat(b); err == nil {
			return b
		}
	}
	return ""
}

// backUp keeps the present resolv.conf, and says where; empty: there is none.
func (p places) backUp() (string, error) {
	if _, err := os.Lstat(p.resolvConf); os.IsNotExist(err) {
		return "", p.dropBackup()
	}
	if err := p.dropBackup(); err != nil {
		return "", err
	}
	var errs []error
	for _, b := range p.backups {
		if filepath.Dir(b) == filepath.Dir(p.resolvConf) {
			// A second name of the same file. It fails across mounts, and for a mounted file.
			if os.Link(p.resolvConf, b) == nil {
				return b, nil
			}
		}
		err := p.copyTo(b)
		if err == nil {
			return b, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// copyTo copies the present resolv.conf, as what it is.
func (p places) copyTo(backup string) error {
	if target, err := os.Readlink(p.resolvConf); err == nil {
		return os.Symlink(target, backup)
	}
	content, err := os.ReadFile(p.resolvConf)
	if err != nil {
		return err
	}
	info, err := os.Stat(p.resolvConf)
	if err != nil {
		return err
	}
	err = writeSynced(backup, content, info.Mode().Perm())
	if err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			_ = os.Chown(backup, int(s.Uid), int(s.Gid))
		}
	}
	return err
}

func (p places) dropBackup() error {
	var errs []error
	for _, b := range p.backups {
		if err := os.Remove(b); err != nil && !os.IsNotExist(err) && !errors.Is(err, unix.EROFS) && !errors.Is(err, unix.ENOTDIR) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// install writes resolv.conf, in one step where that can be.
func (p places) install(content []byte) error {
	temporary := p.resolvConf + ".new-arc4"
	err := writeSynced(temporary, content, 0o644)
	if err == nil {
		if err = os.Rename(temporary, p.resolvConf); err == nil {
			return nil
		}
		_ = os.Remove(temporary)
	}
	info, statErr := os.Lstat(p.resolvConf)
	switch {
	case statErr != nil || !info.Mode().IsRegular():
		return err // behind a symbolic link is somebody else's file
	case p.isKept(info):
		return err // the disk is full, say: written over, the backup would be gone
	}
	return p.overwrite(content)
}

// isKept reports whether a file is a backup, by another name.
func (p places) isKept(file fs.FileInfo) bool {
	return slices.ContainsFunc(p.backups, func(b string) bool {
		info, err := os.Lstat(b)
		return err == nil && os.SameFile(info, file)
	})
}

// overwrite writes into the file that is there, without making one.
func (p places) overwrite(content []byte) error {
	out, err := os.OpenFile(p.resolvConf, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	// Truncated last, so that there is never a moment without a name server.
	_, err = out.WriteAt(content, 0)
	if err == nil {
		err = out.Truncate(int64(len(content)))
	}
	return errors.Join(err, out.Sync(), out.Close())
}

// putBack makes the former resolv.conf the present one. ours is what stands there.
func (p places) putBack(ours []byte) error {
	backup := p.backup()
	switch {
	case backup == "" && noneBefore(ours):
		return p.explain(os.Remove(p.resolvConf))
	case backup == "":
		return fmt.Errorf("%s is arc4's, and what was there before is nowhere: write it anew", p.resolvConf)
	}
	if err := os.Rename(backup, p.resolvConf); err == nil {
		return nil
	}
	content, err := os.ReadFile(backup)
	if err != nil {
		return err
	}
	if err := p.overwrite(content); err != nil {
		return p.explain(err)
	}
	return p.dropBackup()
}

// explain says why the file cannot be written, where the error of the system does not.
func (p places) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("%w: the file system is mounted read-only; name the servers there yourself, and give --dns off", err)
	case errors.Is(err, fs.ErrPermission) && p.immutable():
		return fmt.Errorf("%w: the file is immutable, so that nobody changes it: chattr -i %s, or give --dns off", err, p.resolvConf)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: this process may not write it: give it the right, or --dns off", err)
	}
	return err
}

// immutable reports whether chattr(1) has made the file so, or append-only.
func (p places) immutable() bool {
	f, err := os.Open(p.resolvConf)
	if err != nil {
		return false
	}
	defer closeQuietly(f)
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	return err == nil && flags&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0
}

// writeSynced makes a file that is there after a loss of power. What was there goes.
func writeSynced(path string, content []byte, mode fs.FileMode) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	// The umask may have taken away that everybody can read it.
	err = errors.Join(err, out.Chmod(mode), out.Sync(), out.Close())
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}
